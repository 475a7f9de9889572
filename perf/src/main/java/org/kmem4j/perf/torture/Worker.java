package org.kmem4j.perf.torture;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.perf.contender.Threads;
import org.kmem4j.perf.torture.Plan.Plant;
import org.kmem4j.perf.torture.Violation.Kind;
import org.kmem4j.perf.torture.World.Stashed;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.Pin;

/**
 * Does random things with the world's allocator, on whatever thread it is run: one thread at a
 * time, many in the course of its life. What it does follows from its random numbers; what others
 * do at the same time does not.
 *
 * <p>An operation is one allocation or one free of one object.
 */
class Worker {
  private static final int SOURCES = 16;
  private static final int REPLACEMENTS = 256;
  private static final int BULK = 100;
  private static final int FLOOD = 4096;
  private static final int VIEWS = 16;
  private static final int SWARM = 16;
  private static final int OF_ONE_IN_THE_SWARM = 30;
  private static final int SHORT_LIVED = 100;
  private static final long SMALL_STACK_BYTES = 300 << 10;

  /** What a worker does, and how often of a million times. */
  enum Act {
    REPLACE("random objects replaced", 900_000, false),
    BULK_CALLS("bulk calls", 40_000, false),
    EXCHANGE("all that is held exchanged for what another held", 10_000, false),
    SIZES("by size, 8 bytes to 32 KiB", 15_000, false),
    LARGE("large blocks, to 4 MiB", 2000, false),
    POOL("pool, through flyweights", 8000, false),
    PINNED("under a pin", 8000, false),
    INSIST("allocations that make room", 4000, false),
    BOUND("bound to a group", 3000, false),
    SOURCES_CHANGED("children of caches looked up", 4000, false),
    FLOOD_CALLS("until memory is refused, at most 4096", 200, false),
    SWARM_CALLS("sixteen virtual threads", 100, false),
    STASH("left for shrinkers to free", 1000, false),
    PREWARM("prewarmed", 200, false),
    LIMITS("limits changed", 1000, true),
    SHRINK("a cache shrunk", 500, true),
    TRIM("trimmed", 100, true),
    CACHE("a cache created and destroyed", 300, true),
    TENANT("a group created, another closed", 500, true),
    SUBTREE("a group closed with those below it", 50, true),
    LOOK("statistics and descriptions", 100, false),
    ALLOCATOR("another allocator opened and closed", 3, true),
    SMALL_STACK("where the stack ends", 20, true);

    final String title;
    final int weight;

    /** Whether it waits for a grace period, each time or almost. */
    final boolean waits;

    Act(String title, int weight, boolean waits) {
      this.title = title;
      this.weight = weight;
      this.waits = waits;
    }
  }

  private static final Act[] ACTS = Act.values();

  private static final Act[] WITH_LITTLE_HEAP = {
    Act.REPLACE,
    Act.BULK_CALLS,
    Act.SIZES,
    Act.LARGE,
    Act.INSIST,
    Act.FLOOD_CALLS,
    Act.PREWARM,
    Act.LIMITS,
    Act.SHRINK,
    Act.TRIM,
    Act.TENANT
  };

  private static final int WEIGHTS = Arrays.stream(ACTS).mapToInt(act -> act.weight).sum();

  /** Which act a number below {@link #WEIGHTS} stands for: by 64ths of it, then one by one. */
  private static final int[] LIMITS = limits();

  private World world;
  private final int number;
  private final boolean faults;
  private final SplittableRandom random;
  private final Source[] sources = new Source[SOURCES];
  private final long[] many = new long[FLOOD];
  private int held; // of them, by takeMany
  private final long[] tags = new long[FLOOD];
  private final List<Flyweight> views = new ArrayList<>();
  private final long[] operations = new long[ACTS.length];
  private final long[] calls = new long[ACTS.length];
  private Hand hand = new Hand();
  private Act act = Act.REPLACE;
  private long lastTag;
  private long refusals;

  /**
   * A worker without a thread.
   *
   * @param number from 1 to 125
   */
  Worker(World world, int number, Plan plan) {
    this.world = world;
    this.number = number;
    this.faults = plan.faults();
    this.random = new SplittableRandom(plan.seed() * 127 + number);
    this.lastTag = (long) number << 56;
    for (int i = 0; i < VIEWS; i++) {
      views.add(new Flyweight());
    }
    changeSources();
  }

  private static int[] limits() {
    int[] limits = new int[ACTS.length];
    int sum = 0;
    for (int i = 0; i < limits.length; i++) {
      sum += ACTS[i].weight;
      limits[i] = sum;
    }
    return limits;
  }

  /** Goes on in another world, with nothing in its hands. */
  final void moveTo(World other) {
    world = other;
    changeSources();
  }

  // ------------------------------------------------------------------ what it has done

  long operations(Act which) {
    return operations[which.ordinal()];
  }

  long calls(Act which) {
    return calls[which.ordinal()];
  }

  /** Allocations that were refused. */
  long refusals() {
    return refusals;
  }

  /** What it holds. */
  Hand hand() {
    return hand;
  }

  // ------------------------------------------------------------------ the loop

  /** Does one random thing. */
  final void step() {
    int chosen = random.nextInt(WEIGHTS);
    int at = 0;
    while (chosen >= LIMITS[at]) {
      at++;
    }
    act = ACTS[at];
    calls[at]++;
    try {
      perform();
    } catch (OutOfNativeMemoryException e) { // a limit's refusal is one too
      refusals++;
    } catch (Faults.Injected e) {
      return; // from a constructor
    }
  }

  /**
   * Does one of those things that hold no object outside the hand where heap may be missing.
   *
   * @throws OutOfMemoryError if heap was missing
   */
  final void stepWithLittleHeap() {
    act = WITH_LITTLE_HEAP[random.nextInt(WITH_LITTLE_HEAP.length)];
    calls[act.ordinal()]++;
    try {
      perform();
    } catch (OutOfNativeMemoryException e) {
      refusals++;
    }
  }

  /** So many random things, or fewer if the world stops. */
  final void steps(int count) {
    for (int i = 0; i < count && world.isRunning(); i++) {
      step();
      world.gate.pass();
    }
  }

  SplittableRandom random() {
    return random;
  }

  private void perform() {
    switch (act) {
      case REPLACE -> replace(REPLACEMENTS);
      case BULK_CALLS -> bulk();
      case EXCHANGE -> exchange();
      case SIZES -> bySize(32);
      case LARGE -> large();
      case POOL -> pool();
      case PINNED -> pinned();
      case INSIST -> insist();
      case BOUND -> bound();
      case SOURCES_CHANGED -> changeSources();
      case FLOOD_CALLS -> flood();
      case SWARM_CALLS -> swarm();
      case STASH -> stash();
      case PREWARM -> root().tryPrewarm(random.nextInt(2000));
      case LIMITS -> changeLimits();
      case SHRINK -> sources[random.nextInt(SOURCES)].cache().root().shrink();
      case TRIM -> world.allocator.trim();
      case CACHE -> createAndDestroy();
      case TENANT -> closeOneGroup(false);
      case SUBTREE -> closeSubtree();
      case LOOK -> look();
      case ALLOCATOR -> openAndClose();
      case SMALL_STACK -> onSmallStack();
    }
  }

  private KmemCache root() {
    return world.root(random).cache();
  }

  // ------------------------------------------------------------------ one object

  /** What a cache hands out; where it is broken on purpose, something else. */
  long alloc(KmemCache cache) {
    return cache.tryAlloc();
  }

  private long newTag() {
    return ++lastTag;
  }

  private void count(long more) {
    operations[act.ordinal()] += more;
  }

  private void own(long address, Source source, long tag) {
    // First whose it is: of an object that somebody holds nothing else needs to be right.
    world.ownership.take(number, address, source.from(), source.bytes(), tag);
    source.check(address);
    count(1);
  }

  private void disown(long address, Source source, long tag) {
    source.check(address);
    world.ownership.give(number, address, source.from(), source.bytes(), tag);
    count(1);
  }

  /** Puts an object into an empty place of the hand. */
  private void put(int place, long address, Source source) {
    long tag = newTag();
    own(address, source, tag);
    hand.tags[place] = tag;
    hand.bytes[place] = source.bytes();
    hand.sources[place] = source;
    hand.addresses[place] = address;
  }

  /** Frees what is in a place of the hand. */
  private void free(int place) {
    long address = hand.addresses[place];
    Source source = hand.sources[place];
    hand.addresses[place] = 0;
    if (source == null) {
      world.ownership.give(number, address, 0, hand.bytes[place], hand.tags[place]);
      count(1);
      world.allocator.free(address);
      return;
    }
    disown(address, source, hand.tags[place]);
    if ((address >>> 6 & 7) == 0) {
      world.allocator.free(address);
    } else {
      source.cache().free(address);
    }
  }

  private void replace(int times) {
    for (int i = 0; i < times; i++) {
      int place = random.nextInt() & Hand.MASK;
      if (hand.addresses[place] != 0) {
        free(place);
      } else {
        Source source = sources[random.nextInt() & (SOURCES - 1)];
        long address = alloc(source.cache());
        if (address != 0) {
          put(place, address, source);
        } else {
          refusals++;
        }
      }
    }
  }

  /** An object that this worker holds, or 0. */
  final long someAddress() {
    return hand.addresses[random.nextInt() & Hand.MASK];
  }

  /** Frees all that is held. */
  final void freeAll() {
    freeAll(hand);
  }

  /** Frees what is in a hand that nobody holds. */
  final void freeAll(Hand some) {
    Hand mine = hand;
    hand = some;
    for (int place = 0; place < Hand.PLACES; place++) {
      if (hand.addresses[place] != 0) {
        world.ownership.pass(number, hand.addresses[place]);
        free(place);
      }
    }
    hand = mine;
  }

  // ------------------------------------------------------------------ other ways

  private void changeSources() {
    for (int i = 0; i < SOURCES; i++) {
      sources[i] = world.source(random);
    }
  }

  private void bulk() {
    Source source = sources[random.nextInt(SOURCES)];
    int count = 1 + random.nextInt(BULK);
    boolean taken = true;
    if (random.nextInt(50) == 0) {
      source.cache().allocBulk(many, 0, count);
    } else {
      taken = source.cache().tryAllocBulk(many, 0, count);
    }
    if (!taken) {
      refusals++;
      return;
    }
    for (int i = 0; i < count; i++) {
      tags[i] = newTag();
      own(many[i], source, tags[i]);
    }
    for (int i = 0; i < count; i++) {
      disown(many[i], source, tags[i]);
    }
    source.cache().freeBulk(many, 0, count);
  }

  private void exchange() {
    int box = random.nextInt(world.mailboxes.length());
    hand = world.mailboxes.getAndSet(box, hand);
    for (long address : hand.addresses) {
      if (address != 0) {
        world.ownership.pass(number, address);
      }
    }
  }

  private void bySize(int times) {
    for (int i = 0; i < times; i++) {
      int place = random.nextInt() & Hand.MASK;
      if (hand.addresses[place] != 0) {
        free(place);
      } else {
        takeBlock(place, 8L << random.nextInt(13), random.nextInt(4) == 0);
      }
    }
  }

  /** Takes a block of some size around {@code scale} into an empty place. */
  private void takeBlock(int place, long scale, boolean ofTenant) {
    long bytes = (scale + random.nextLong(scale)) & -8;
    long address =
        ofTenant
            ? world.allocator.in(world.tenant(random).payer()).tryAlloc(bytes)
            : world.allocator.tryAlloc(bytes);
    if (address == 0) {
      refusals++;
      return;
    }
    long usable = world.allocator.usableSize(address);
    if (usable < bytes) {
      throw new Violation(
          Kind.BOOKS, "of %d bytes at 0x%x only %d are usable".formatted(bytes, address, usable));
    }
    long tag = newTag();
    world.ownership.take(number, address, 0, bytes, tag);
    count(1);
    hand.tags[place] = tag;
    hand.bytes[place] = bytes;
    hand.sources[place] = null;
    hand.addresses[place] = address;
  }

  private void large() {
    for (int i = 0; i < 4; i++) {
      int place = random.nextInt() & Hand.MASK;
      if (hand.addresses[place] != 0) {
        free(place);
      }
      takeBlock(place, (32L << 10) << random.nextInt(random.nextInt(8) + 1), random.nextBoolean());
      if (hand.addresses[place] != 0 && random.nextInt(4) != 0) {
        free(place);
      }
    }
  }

  private void pool() {
    var pool = random.nextBoolean() ? world.pool : world.pool.in(world.tenant(random).payer());
    int taken = 0;
    for (Flyweight view : views) {
      if (!pool.tryAcquire(view)) {
        refusals++;
        break;
      }
      tags[taken] = newTag();
      world.ownership.take(number, view.address(), 0, World.ORDER_BYTES, tags[taken]);
      taken++;
    }
    for (int i = 0; i < taken; i++) {
      Flyweight view = views.get(i);
      if (view.getLong(0) != tags[i]) {
        throw new Violation(Kind.CONTENTS, "a view shows another object than its address");
      }
      world.ownership.give(number, view.address(), 0, World.ORDER_BYTES, tags[i]);
      pool.release(view);
    }
    count(2L * taken);
  }

  /**
   * Takes up to so many objects. If a constructor throws, those before it are in {@link #many}.
   *
   * @param pin under which, or null
   */
  private void takeMany(Source source, int count, Pin pin) {
    held = 0;
    while (held < count) {
      long address = pin == null ? source.cache().tryAlloc() : source.cache().tryAlloc(pin);
      if (address == 0) {
        refusals++;
        break;
      }
      many[held] = address;
      tags[held] = newTag();
      own(address, source, tags[held]);
      held++;
    }
  }

  private void pinned() {
    if (Thread.currentThread().isVirtual()) {
      return; // they cannot
    }
    Source source = sources[random.nextInt(SOURCES)];
    try (Pin pin = world.allocator.pin()) {
      for (int round = 0; round < 4; round++) {
        try {
          takeMany(source, BULK / 4, pin);
          pin.renew();
        } finally { // a constructor may throw
          while (held > 0) {
            held--;
            disown(many[held], source, tags[held]);
            source.cache().free(pin, many[held]);
          }
        }
      }
    }
  }

  private void insist() {
    for (int i = 0; i < 8; i++) {
      int place = random.nextInt() & Hand.MASK;
      if (hand.addresses[place] == 0) {
        Source source = sources[random.nextInt(SOURCES)];
        put(place, source.cache().alloc(), source);
      }
    }
  }

  private void bound() {
    MemCgroups.Scope scope = world.groups.bind(world.tenant(random).group());
    try {
      replace(64);
    } finally {
      scope.close();
    }
  }

  private void flood() {
    Source source = sources[random.nextInt(SOURCES)];
    try {
      takeMany(source, FLOOD, null);
    } finally { // a constructor may throw
      for (int i = 0; i < held; i++) {
        disown(many[i], source, tags[i]);
      }
      source.cache().freeBulk(many, 0, held);
    }
  }

  private void swarm() {
    List<Threads.Work> works = new ArrayList<>();
    long[] done = new long[SWARM];
    for (int i = 0; i < SWARM; i++) {
      int one = i;
      Source source = sources[i % SOURCES];
      long firstTag = lastTag;
      lastTag += OF_ONE_IN_THE_SWARM;
      works.add(() -> done[one] = oneOfTheSwarm(source, firstTag));
    }
    try {
      Threads.run(Thread.ofVirtual().factory(), works, () -> {});
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } finally {
      count(Arrays.stream(done).sum());
    }
  }

  private long oneOfTheSwarm(Source source, long firstTag) {
    long[] mine = new long[OF_ONE_IN_THE_SWARM];
    long done = 0;
    for (int i = 0; i < mine.length; i++) {
      try {
        mine[i] = source.cache().tryAlloc();
      } catch (Faults.Injected e) {
        mine[i] = 0;
      }
      if (mine[i] != 0) {
        world.ownership.take(number, mine[i], source.from(), source.bytes(), firstTag + i);
        source.check(mine[i]);
        done++;
      }
    }
    Thread.yield();
    for (int i = 0; i < mine.length; i++) {
      if (mine[i] != 0) {
        source.check(mine[i]);
        world.ownership.give(number, mine[i], source.from(), source.bytes(), firstTag + i);
        source.cache().free(mine[i]);
        done++;
      }
    }
    return done;
  }

  private void stash() {
    Source source = sources[random.nextInt(SOURCES)];
    for (int i = 0; i < 32; i++) {
      long address = source.cache().tryAlloc();
      if (address == 0) {
        refusals++;
        return;
      }
      long tag = newTag();
      own(address, source, tag);
      world.stash(new Stashed(address, tag, source));
    }
    count(world.unstash(30)); // what shrinkers free is not counted
  }

  // ------------------------------------------------------------------ what is rare

  private void createAndDestroy() {
    int bytes = 8 * (1 + random.nextInt(200));
    KmemCache cache = world.allocator.createCache(world.newName("short-lived-"), bytes);
    Source source = new Source(random.nextBoolean() ? cache : child(cache), false);
    takeMany(source, SHORT_LIVED, null);
    int kept = held / 2;
    freeDownTo(kept, source, cache);
    long alive = cache.destroy();
    if (alive != kept) {
      throw new Violation(
          Kind.BOOKS, "%s had %d objects, and told of %d".formatted(cache, kept, alive));
    }
    freeDownTo(0, source, cache);
  }

  private void freeDownTo(int kept, Source source, KmemCache cache) {
    while (held > kept) {
      held--;
      disown(many[held], source, tags[held]);
      cache.free(many[held]);
    }
  }

  private KmemCache child(KmemCache cache) {
    try {
      return cache.in(world.tenant(random).payer());
    } catch (OutOfNativeMemoryException e) {
      return cache;
    }
  }

  private void changeLimits() {
    MemCgroup group = world.tenant(random).group();
    try {
      world.setLimits(random, group);
    } catch (IllegalStateException e) {
      if (group.isOnline()) {
        throw e;
      }
    }
  }

  /** Whether it was done: what it was to be below, or it itself, may have been closed meanwhile. */
  final boolean closeOneGroup(boolean sticks) {
    try {
      return world.replaceTenant(random, sticks);
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private void closeSubtree() {
    try {
      world.replaceParent(random);
    } catch (IllegalStateException e) {
      // the same
    }
  }

  private void look() {
    SlabAllocator allocator = world.allocator;
    long address = someAddress();
    String state = allocator.describe(address).toString();
    if (address != 0 && state.contains("unused")) {
      throw new Violation(Kind.BOOKS, "an object that is held is said to be unused: " + state);
    }
    long max = allocator.stats().maxBytes();
    long mapped = allocator.stats().mappedBytes();
    if (mapped > max) {
      throw new Violation(Kind.BOOKS, "%d bytes are mapped of at most %d".formatted(mapped, max));
    }
    MemCgroup group = world.tenant(random).group();
    if (group.stat().toString().isEmpty() || group.slabinfo() == null || group.usage() < 0) {
      throw new Violation(Kind.CHARGES, group + " uses " + group.usage());
    }
  }

  private void openAndClose() {
    SlabAllocator other = SlabAllocator.builder().max(1 << 20).onClose(report -> {}).build();
    try {
      for (int i = 0; i < SHORT_LIVED; i++) {
        long address = other.tryAlloc(8 + random.nextInt(3000));
        other.free(address); // 0 if it is refused
        count(address == 0 ? 0 : 2);
      }
    } finally {
      other.close();
      other.unmap();
    }
  }

  private void onSmallStack() {
    if (!faults || world.setup.hardened) {
      return;
    }
    Source source = sources[random.nextInt(SOURCES)];
    var small = new SmallStack(source.cache(), random.nextInt(64));
    try {
      Threads.run(
          work -> new Thread(null, work, "small stack", SMALL_STACK_BYTES),
          List.of(small::run),
          () -> {});
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    world.faults.add(small.overflows());
    for (long address : small.held()) { // at its end nothing was told of these
      if (address != 0) {
        long tag = newTag();
        own(address, source, tag);
        disown(address, source, tag);
        source.cache().free(address);
      }
    }
  }

  /** A worker that breaks something once. */
  static Worker that(World world, int number, Plan plan) {
    return plan.plant() == Plant.NOTHING
        ? new Worker(world, number, plan)
        : new Saboteur(world, number, plan);
  }
}
