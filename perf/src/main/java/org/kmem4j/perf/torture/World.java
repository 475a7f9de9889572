package org.kmem4j.perf.torture;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.LongConsumer;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.counter.PageCounter;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.reclaim.Shrinker;
import org.kmem4j.perf.torture.Violation.Kind;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.ObjectAccount;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;

/** What all workers share: one allocator with caches, groups that come and go, lost property. */
final class World implements AutoCloseable {
  private static final int[] SIZES = {8, 64, 24, 200, 512, 1000, 3000, 9000};
  private static final long VISITED_BYTES = 32 << 20;
  private static final int PARENTS = 2;
  private static final int TENANTS = 8;

  /** Of so many tenants one has charges that fail. */
  private static final int REFUSING = 4;

  /** How long the agent may take to end what was closed, when nobody else is at work. */
  private static final long SETTLE_NANOS = Duration.ofSeconds(10).toNanos();

  /** How long a closed group may live on, with an agent that is sometimes stalled. */
  private static final long RELEASE_NANOS = Duration.ofSeconds(20).toNanos();

  /** Whose objects are in the stash. */
  private static final int STASH_OWNER = 126;

  /** What large blocks are described to belong to. */
  private static final String LARGE = "large";

  static final int ORDER_BYTES = 64;

  /** An object that is given up when room is needed. */
  record Stashed(long address, long tag, Source source) {}

  private record Closed(MemCgroup group, long at) {}

  final Gate gate;
  final Faults faults;

  /** Whose workers are here: it knows whether they go on. This one, unless it is visited. */
  private final World host;

  final Setup setup;
  final SlabAllocator allocator;
  final MemCgroups groups;
  final Ownership ownership;
  final ObjectPool<Flyweight> pool;
  final AtomicReferenceArray<Hand> mailboxes;
  final long maxBytes;
  private final List<Source> roots = new ArrayList<>();
  private final AtomicReferenceArray<MemCgroup> parents = new AtomicReferenceArray<>(PARENTS);
  private final AtomicReferenceArray<Tenant> tenants = new AtomicReferenceArray<>(TENANTS);
  private final ConcurrentLinkedQueue<Closed> closed = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedDeque<Stashed> stash = new ConcurrentLinkedDeque<>();
  private final AtomicLong names = new AtomicLong();
  private final AtomicLong groupsClosed = new AtomicLong();
  private final AtomicReference<Violation> violation = new AtomicReference<>();
  private volatile boolean running = true;

  World(Plan plan) {
    this(plan, plan.maxBytes(), Setup.USUAL, null);
  }

  /** A world of other settings, which the workers of a host visit. */
  World(Plan plan, Setup setup, World host) {
    this(plan, visitedBytes(plan.maxBytes()), setup, host);
  }

  private World(Plan plan, long maxBytes, Setup setup, World host) {
    this.host = host == null ? this : host;
    this.gate = host == null ? new Gate() : host.gate;
    this.faults = host == null ? new Faults(plan.seed()) : host.faults;
    this.setup = setup;
    this.maxBytes = maxBytes;
    var builder = SlabAllocator.builder().max(maxBytes).decay(Duration.ofMillis(500));
    setup.on(builder);
    this.allocator = builder.onClose(report -> {}).build();
    this.groups = MemCgroups.on(allocator);
    this.ownership = new Ownership(allocator, maxBytes);
    this.mailboxes = new AtomicReferenceArray<>(Math.max(1, plan.threads() / 2));
    for (int i = 0; i < mailboxes.length(); i++) {
      mailboxes.set(i, new Hand());
    }
    for (int size : SIZES) {
      roots.add(new Source(allocator.createCache("plain-" + size, size), false));
    }
    var constructed = CacheOptions.of("constructed", 128).constructor(this::construct);
    roots.add(new Source(allocator.createCache(constructed), true));
    var debugged = CacheOptions.of("debugged", 40).debug(Debug.of(setup.letters));
    roots.add(new Source(allocator.createCache(debugged), false));
    var counted = CacheOptions.of("by-object", 96).objectAccount(new SometimesRefusing());
    roots.add(new Source(allocator.createCache(counted), false));
    this.pool = allocator.pool("pool", ORDER_BYTES);
    groups.register(new StashShrinker());
    groups.onOutOfMemory(refusal -> false);
    for (int i = 0; i < PARENTS; i++) {
      parents.set(i, groups.create("/" + newName("parent")));
    }
    for (int i = 0; i < TENANTS; i++) {
      tenants.set(i, newTenant(i));
    }
  }

  /** The ceiling of a world that is visited. */
  static long visitedBytes(long maxBytes) {
    return Math.min(maxBytes, VISITED_BYTES);
  }

  private void construct(long address) {
    if (faults.once(20_000)) {
      throw new Faults.Injected();
    }
    Source.construct(address);
  }

  private final class SometimesRefusing implements ObjectAccount {
    @Override
    public boolean tryCharge(long ownerWord, long bytes) {
      return !faults.once(2000);
    }

    @Override
    public void uncharge(long ownerWord, long bytes) {}
  }

  // ------------------------------------------------------------------ how it goes

  boolean isRunning() {
    return host.running;
  }

  void stop() {
    host.running = false;
  }

  /** Tells of something wrong; the first is reported, and ends the run. */
  void fail(Throwable e) {
    host.violation.compareAndSet(
        null,
        e instanceof Violation known ? known : new Violation(kindOf(e), "it was thrown: " + e, e));
    stop();
  }

  /** A counter that is asked for more than it has says so before anybody walks over the books. */
  private static Kind kindOf(Throwable e) {
    StackTraceElement[] stack = e.getStackTrace();
    return e instanceof AssertionError
            && stack.length > 0
            && stack[0].getClassName().equals(PageCounter.class.getName())
        ? Kind.CHARGES
        : Kind.EXCEPTION;
  }

  Violation violation() {
    return host.violation.get();
  }

  // ------------------------------------------------------------------ caches

  String newName(String prefix) {
    return prefix + names.incrementAndGet();
  }

  /** A cache of the program, small objects more often. */
  Source root(SplittableRandom random) {
    int at = Math.min(random.nextInt(roots.size()), random.nextInt(roots.size()));
    return roots.get(random.nextInt(8) == 0 ? roots.size() - 1 - at : at);
  }

  /** A cache, or the child of one that some tenant pays for. */
  Source source(SplittableRandom random) {
    Source root = root(random);
    if (random.nextInt(5) < 3) {
      return root;
    }
    try {
      return new Source(root.cache().in(tenant(random).payer()), root.constructed());
    } catch (OutOfNativeMemoryException e) {
      return root;
    }
  }

  // ------------------------------------------------------------------ groups

  Tenant tenant(SplittableRandom random) {
    return tenants.get(random.nextInt(TENANTS));
  }

  private Tenant newTenant(int place) {
    MemCgroup group = parents.get(place % PARENTS).create(newName("tenant"));
    Account payer =
        place % REFUSING == 0 ? new RefusingAccount(group, () -> faults.once(50)) : group;
    return new Tenant(group, payer);
  }

  /**
   * Closes a tenant and makes another in its place.
   *
   * @param sticks whether a reference is kept for ever
   * @return false if somebody else was faster
   */
  boolean replaceTenant(SplittableRandom random, boolean sticks) {
    int place = random.nextInt(TENANTS);
    Tenant old = tenants.get(place);
    Tenant fresh = newTenant(place);
    setLimits(random, fresh.group());
    if (!tenants.compareAndSet(place, old, fresh)) {
      fresh.group().offline();
      close(fresh.group());
      return false;
    }
    if (sticks && !old.group().tryGet()) {
      throw new IllegalStateException("the reference was not to be had");
    }
    old.group().offline();
    close(old.group());
    return true;
  }

  /** Closes a whole subtree and makes another in its place. */
  void replaceParent(SplittableRandom random) {
    int place = random.nextInt(PARENTS);
    MemCgroup old = parents.get(place);
    if (!parents.compareAndSet(place, old, groups.create("/" + newName("parent")))) {
      return; // it cannot be told from one that nobody uses: the end closes it
    }
    for (int i = place; i < TENANTS; i += PARENTS) {
      Tenant tenant = tenants.get(i);
      if (old.equals(tenant.group().parent()) && tenants.compareAndSet(i, tenant, newTenant(i))) {
        tenant.group().offline();
        close(tenant.group());
      }
    }
    if (old.children().isEmpty()) {
      try {
        old.offline();
        close(old);
      } catch (IllegalStateException e) {
        // somebody has made a tenant below it meanwhile; the end closes it
      }
    }
  }

  private void close(MemCgroup group) {
    groupsClosed.incrementAndGet();
    closed.add(new Closed(group, System.nanoTime()));
  }

  long groupsClosed() {
    return groupsClosed.get();
  }

  void setLimits(SplittableRandom random, MemCgroup group) {
    long max = random.nextInt(3) == 0 ? Long.MAX_VALUE : random.nextLong(64 << 10, maxBytes / 4);
    group.min(0);
    group.max(max);
    group.high(random.nextInt(3) == 0 ? random.nextLong(64 << 10, maxBytes / 4) : Long.MAX_VALUE);
    group.low(random.nextLong(0, 256 << 10));
    group.min(random.nextLong(0, Math.min(max, 64 << 10)));
  }

  // ------------------------------------------------------------------ what can be given up

  /** Leaves an object, which belongs to a worker, to whoever asks for room. */
  void stash(Stashed object) {
    ownership.pass(STASH_OWNER, object.address());
    stash.add(object);
  }

  private final class StashShrinker implements Shrinker {
    @Override
    public long count(MemCgroup group) {
      return stash.isEmpty() ? 0 : 1000;
    }

    @Override
    public long scan(MemCgroup group, long objects) {
      if (faults.once(50)) {
        throw new Faults.Injected();
      }
      return unstash(objects);
    }
  }

  /** Frees up to so many of the stashed objects. */
  long unstash(long objects) {
    long freed = 0;
    for (Stashed object = stash.poll(); object != null; object = stash.poll()) {
      Source source = object.source();
      source.check(object.address());
      ownership.give(STASH_OWNER, object.address(), source.from(), source.bytes(), object.tag());
      source.cache().free(object.address());
      freed++;
      if (freed == objects) {
        break;
      }
    }
    return freed;
  }

  // ------------------------------------------------------------------ at rest

  /**
   * Finishes what closed groups and caches have left to the agent, while nobody is at work: until
   * then what threads have stocked of them is in no book.
   */
  void settle() throws Exception {
    long end = System.nanoTime() + SETTLE_NANOS;
    while (allocator.slabs().endings().size() > 0) {
      allocator.agent().doWork();
      if (System.nanoTime() - end > 0) {
        throw new Violation(
            Kind.STUCK_GROUP,
            "%d closed groups and caches are not at their end after %d s of the agent alone"
                .formatted(allocator.slabs().endings().size(), SETTLE_NANOS / 1_000_000_000));
      }
    }
  }

  /**
   * Checks everything, while nobody is at work.
   *
   * @param hands of the workers
   */
  void check(List<Hand> hands) {
    for (int i = 0; i < PerThread.slotCount(); i++) {
      if (Rcu.isReading(PerThread.slot(i))) {
        throw new Violation(
            Kind.SLOT_WORD, "slot %d: a word is set, and nobody is at work".formatted(i));
      }
    }
    try {
      allocator.validate();
    } catch (AssertionError e) {
      throw new Violation(Kind.BOOKS, e.getMessage(), e);
    }
    try {
      groups.validate();
    } catch (AssertionError e) {
      throw new Violation(Kind.CHARGES, e.getMessage(), e);
    }
    checkHeld(hands);
    checkReleased(System.nanoTime() - RELEASE_NANOS);
  }

  /** Checks that of each cache as many objects are in use as are held by somebody. */
  private void checkHeld(List<Hand> hands) {
    Map<String, Long> held = new TreeMap<>();
    LongConsumer holds =
        address -> {
          if (address != 0) {
            held.merge(allocator.describe(address).cache(), 1L, Long::sum);
          }
        };
    hands.forEach(hand -> Arrays.stream(hand.addresses).forEach(holds));
    for (int i = 0; i < mailboxes.length(); i++) {
      Arrays.stream(mailboxes.get(i).addresses).forEach(holds);
    }
    stash.forEach(object -> holds.accept(object.address()));
    Map<String, Long> booked = new TreeMap<>(allocator.slabs().liveObjects());
    if (allocator.slabs().largeBlocks() > 0) {
      booked.put(LARGE, allocator.slabs().largeBlocks());
    }
    if (!held.equals(booked)) {
      var same = new TreeMap<>(held);
      same.entrySet().retainAll(booked.entrySet());
      held.keySet().removeAll(same.keySet());
      booked.keySet().removeAll(same.keySet());
      throw new Violation(
          Kind.BOOKS,
          "by cache, objects that are held: %s, booked as in use: %s".formatted(held, booked));
    }
  }

  /** Checks that groups that were closed before a moment are released. */
  private void checkReleased(long before) {
    closed.removeIf(some -> some.group().isReleased());
    Closed oldest = closed.peek();
    if (oldest != null && oldest.at() - before < 0) {
      throw new Violation(
          Kind.STUCK_GROUP,
          "%s was closed, and is not released after %.1f s"
              .formatted(oldest.group(), (System.nanoTime() - oldest.at()) / 1e9));
    }
  }

  /** After everything was freed, what was stashed too: nothing may be left. */
  void checkNothingIsLeft() throws Exception {
    for (int i = 0; i < TENANTS; i++) {
      tenants.get(i).group().offline();
      close(tenants.get(i).group());
    }
    for (int i = groups.groups().size() - 1; i > 0; i--) {
      MemCgroup group = groups.groups().get(i);
      if (group.isOnline()) {
        group.offline();
        close(group);
      }
    }
    settle();
    checkReleased(System.nanoTime());
    allocator.trim();
    check(List.of());
    if (groups.groups().size() != 1) {
      throw new Violation(Kind.STUCK_GROUP, "groups are left at the end: " + groups.groups());
    }
    for (KmemCache cache : allocator.slabs().snapshot()) {
      if (cache.pages() != 0) {
        throw new Violation(
            Kind.BOOKS, "%s has %d pages and no object".formatted(cache, cache.pages()));
      }
    }
  }

  @Override
  public void close() {
    groups.close();
    allocator.close();
    allocator.unmap();
  }
}
