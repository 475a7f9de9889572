package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Metadata;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.OsException;
import org.kmem4j.page.PageAllocator;
import org.kmem4j.page.PageMap;
import org.kmem4j.page.PageStats;
import org.kmem4j.sync.Deferred;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.GraceQueue;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.SpinLock;
import org.kmem4j.sync.StackProbe;

/**
 * The caches of one allocator, and what they share: pages, metadata, the budget of fronts, what
 * waits for a grace period. Any thread may call any method.
 */
public final class Slabs {
  /** For {@link #tick}: what is idle stays, for ever. */
  public static final int NEVER = Integer.MAX_VALUE;

  /** As many as the end of a cache or of a group has, one after the other. */
  private static final int ENDING_STEPS = 8;

  /**
   * Every cache of the process by its number; the page map leads here. Plain: who has an address
   * got it after its cache was entered.
   */
  private static final OwnedCache[] ALL = new OwnedCache[PerThread.MAX_LINKS];

  private final PageAllocator pages;
  private final Metadata metadata;
  private final SlabSettings settings;
  private final Deferred deferred = new Deferred();
  private final AtomicLong frontBytes = new AtomicLong();
  private final AtomicLong reclaims = new AtomicLong();

  private final GraceQueue endings = new GraceQueue();

  private final Tracks tracks = new Tracks();

  /** Threads on which the program makes room: shrinkers, and what is asked when all has failed. */
  private final Set<Thread> askedForRoom = ConcurrentHashMap.newKeySet();

  /** Threads that look after several caches at once: the end waits for them. */
  private final AtomicInteger visitors = new AtomicInteger();

  /** Caches in the order of their creation. Guarded by itself. */
  private final Set<KmemCache> caches = new LinkedHashSet<>();

  /** The large blocks of nobody and of every account. Guarded by itself. */
  private final Set<LargeBlocks> large = new LinkedHashSet<>();

  private volatile boolean closed;

  @SuppressWarnings("exports") // made by the door alone, which may see both
  public Slabs(PageAllocator pages, Metadata metadata, SlabSettings settings) {
    this.pages = pages;
    this.metadata = metadata;
    this.settings = settings;
  }

  /** Makes a cache. */
  public KmemCache create(CacheOptions options) {
    checkOpen();
    KmemCache cache = new KmemCache(this, tracking(options), null, null);
    boolean done = false;
    try {
      publish(cache, () -> {});
      done = true;
    } finally {
      if (!done) { // there was no room on the Java heap
        cache.retire();
      }
    }
    return cache;
  }

  /** What a cache is made of if every object is tracked. */
  CacheOptions tracking(CacheOptions options) {
    if (settings.leaks() != 1) {
      return options;
    }
    EnumSet<Debug> checks = EnumSet.of(Debug.TRACK);
    checks.addAll(options.debug());
    return options.debug(checks);
  }

  /** What is tracked and alive, by the place that allocated it. */
  public LeakReport leaks() {
    return LeakReport.of(snapshot(), KmemCache::payerName);
  }

  /**
   * Enters a new cache here and into the books of its account, unless that is closed: in one step,
   * for whoever finds it may retire it, and what is retired leaves the books that it is in.
   *
   * @param makeVisible runs if the account is open
   */
  void publish(OwnedCache cache, Runnable makeVisible) {
    ALL[cache.link()] = cache;
    if (cache.account == null) {
      remember(cache);
      makeVisible.run();
    } else {
      cache.account.link(
          cache,
          () -> {
            cache.linked = true;
            try {
              remember(cache);
              makeVisible.run();
            } catch (OutOfMemoryError e) {
              cache.linked = false; // nobody has found it, and the account takes it off its books
              throw e;
            }
          });
    }
  }

  private void remember(OwnedCache cache) {
    switch (cache) {
      case KmemCache slabCache -> {
        synchronized (caches) {
          caches.add(slabCache);
        }
      }
      case LargeBlocks blocks -> {
        synchronized (large) {
          large.add(blocks);
        }
      }
    }
  }

  /** Forgets a cache of which nothing is left. */
  void forget(OwnedCache cache) {
    switch (cache) {
      case KmemCache slabCache -> {
        synchronized (caches) {
          caches.remove(slabCache);
        }
      }
      case LargeBlocks blocks -> {
        synchronized (large) {
          large.remove(blocks);
        }
      }
    }
    ALL[cache.link()] = null;
  }

  /** Caches that are ending, and whatever else a module on top of this lets end in steps. */
  @SuppressWarnings("exports") // for the modules above alone
  public GraceQueue endings() {
    return endings;
  }

  List<LargeBlocks> large() {
    synchronized (large) {
      return List.copyOf(large);
    }
  }

  /** Large blocks that are alive, of all accounts. */
  public long largeBlocks() {
    return large().stream().mapToLong(LargeBlocks::blocks).sum();
  }

  /** Pages of large blocks that are alive, of all accounts. */
  public long largePages() {
    return large().stream().mapToLong(LargeBlocks::pages).sum();
  }

  /** The cache that the page map names for a slab page. */
  static KmemCache cacheOf(int entry) {
    return (KmemCache) ALL[PageMap.cacheId(entry)];
  }

  static OwnedCache numbered(int id) {
    return ALL[id];
  }

  /** The cache whose slab an address lies in, or null. */
  KmemCache cacheAround(long address) {
    int entry = pages.map().entry(address);
    return PageMap.isSlab(entry) ? cacheOf(entry) : null;
  }

  /** Frees an object of whatever cache, whose page map entry was found. */
  void free(int entry, long object) {
    KmemCache cache = cacheOf(entry);
    if (cache == null) {
      checkOpen();
      throw new IllegalArgumentException(describeForeign(object, "any cache"));
    }
    cache.free(entry, object);
  }

  PageAllocator pages() {
    return pages;
  }

  Metadata metadata() {
    return metadata;
  }

  /**
   * A zeroed struct of a module on top of this, never unmapped before the end; 0 if none is left.
   */
  public long tryAllocateStruct(long bytes) {
    checkOpen();
    return metadata.tryAllocate(bytes);
  }

  /** Takes back what {@link #tryAllocateStruct} gave. */
  public void freeStruct(long address, long bytes) {
    metadata.free(address, bytes);
  }

  /** For how many nanoseconds an allocation may wait for a grace period. */
  public long waitNanos() {
    return settings.waitNanos();
  }

  SlabSettings settings() {
    return settings;
  }

  Deferred deferred() {
    return deferred;
  }

  /** Who allocated and freed what, in caches that track. */
  Tracks tracks() {
    return tracks;
  }

  long newCookie() {
    return ThreadLocalRandom.current().nextLong() | 1;
  }

  /** Whether the allocator was closed: nothing is charged or ends from then on. */
  public boolean isClosed() {
    return closed;
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the allocator is closed");
    }
  }

  void checkPays(Account payer) {
    if (!payer.paysIn(this)) {
      throw new IllegalArgumentException(payer + " belongs to another allocator");
    }
  }

  boolean tryReserveFront(long bytes) {
    if (frontBytes.addAndGet(bytes) <= settings.frontBudgetBytes()) {
      return true;
    }
    frontBytes.addAndGet(-bytes);
    return false;
  }

  /** Whether half of the budget is left: barns grow out of that half, fronts may have it all. */
  boolean hasRoomForBarns() {
    return frontBytes.get() < settings.frontBudgetBytes() / 2;
  }

  void releaseFront(long bytes) {
    frontBytes.addAndGet(-bytes);
  }

  /** Bytes of objects that all present fronts could hold, and of the sheaves themselves. */
  public long frontBytes() {
    return frontBytes.get();
  }

  /** How often an allocation collected what all threads had cached. */
  public long reclaims() {
    return reclaims.get();
  }

  /**
   * Collects memory from all fronts, barns and page lists, and the empty slabs that come of it.
   * Waits for a grace period for a bounded time; the agent finishes the rest.
   */
  public void reclaim() {
    checkOpen();
    StackProbe.probe();
    reclaims.incrementAndGet();
    drain(snapshot(), settings.waitNanos());
    drainPageLists(settings.waitNanos());
  }

  /**
   * Takes back what fronts and barns of some caches hold, and the empty slabs that come of it.
   * Waits for one grace period; the agent finishes what is not done in time.
   */
  public void drain(Collection<? extends OwnedCache> some, long maxNanos) {
    StackProbe.probe();
    visit(
        some,
        entered -> {
          entered.forEach(OwnedCache::unlinkFronts);
          deferred.finish(maxNanos);
          entered.forEach(OwnedCache::dropEmpty);
        });
  }

  /**
   * For what waits for grace periods, before it changes anything.
   *
   * @param what was called
   * @throws IllegalStateException under a pin of the calling thread, or in a constructor of objects
   */
  public void checkMayWait(String what) {
    OwnedCache.checkMayWait(what);
  }

  /**
   * For what ends more than a cache: as {@link #checkMayWait}, and while the program is asked for
   * room, for the allocation that needs it goes on afterwards.
   */
  public void checkMayEnd(String what) {
    OwnedCache.checkMayWait(what);
    if (isAskedForRoom()) {
      throw new IllegalStateException(
          what + " was called by a shrinker, or by what is asked when there is no room");
    }
  }

  /** Whether the calling thread asks the program for room now. */
  public boolean isAskedForRoom() {
    return !askedForRoom.isEmpty() && askedForRoom.contains(Thread.currentThread());
  }

  /** The calling thread asks the program for room from now on; false if it did before. */
  public boolean beginAskingForRoom() {
    return askedForRoom.add(Thread.currentThread());
  }

  /** Ends what {@link #beginAskingForRoom} began. */
  public void endAskingForRoom() {
    askedForRoom.remove(Thread.currentThread());
  }

  /** Whether something that was taken back waits for its grace period still. */
  public boolean isDraining() {
    return deferred.size() > 0;
  }

  /** Does something with those caches that are not ending, none of which ends meanwhile. */
  private <T extends OwnedCache> void visit(Collection<T> some, Consumer<List<T>> action) {
    visitors.incrementAndGet(); // full fence: either we see the end coming, or it sees us
    try {
      checkOpen();
      List<T> entered = new ArrayList<>(some.size()); // so that noting one takes no memory
      try {
        for (T cache : some) {
          if (cache.enter()) {
            entered.add(cache);
          }
        }
        action.accept(entered);
      } finally {
        leaveAll(entered);
      }
    } finally {
      visitors.decrementAndGet();
    }
  }

  /** Leaves every one of them, whatever damage comes to light meanwhile. */
  private static void leaveAll(List<? extends OwnedCache> entered) {
    RuntimeException damage = null;
    Error error = null;
    for (int i = 0; i < entered.size(); i++) {
      try {
        entered.get(i).leave();
      } catch (CorruptionException | IllegalArgumentException e) {
        damage = e;
      } catch (OutOfMemoryError e) {
        error = e;
      }
    }
    if (damage != null) {
      throw damage;
    }
    if (error != null) {
      throw error;
    }
  }

  private void awaitVisitors() {
    for (int round = 0; visitors.get() > 0; round++) {
      SpinLock.pause(round);
    }
  }

  /** Shrinks all caches. Waits for grace periods. */
  public void shrinkAll() {
    StackProbe.probe();
    visit(
        snapshot(),
        all -> {
          all.forEach(OwnedCache::unlinkFronts); // all wait for the same grace period
          all.forEach(KmemCache::shrinkEntered);
        });
  }

  /** Takes back the free pages that threads keep for themselves. */
  public void drainPageLists(long maxNanos) {
    pages.drainLists(maxNanos, deferred);
  }

  /**
   * One round of housekeeping.
   *
   * @param idleTicks after how many rounds without use a cache gives back what it holds; {@link
   *     #NEVER} for one that keeps everything
   * @return how many caches did
   */
  public int tick(int idleTicks) {
    StackProbe.probe();
    List<KmemCache> trimmed = new ArrayList<>();
    if (idleTicks != NEVER) {
      visit(
          snapshot(),
          all -> all.stream().filter(c -> c.trimIfIdle(idleTicks)).forEach(trimmed::add));
    }
    if (!trimmed.isEmpty()) {
      drainPageLists(settings.waitNanos());
    }
    deferred.finish(settings.waitNanos());
    return trimmed.size();
  }

  /**
   * Takes what is ending further, waiting for a grace period for a bounded time.
   *
   * @return how many steps were made
   */
  public int endSome() {
    return endings.advance(settings.waitNanos());
  }

  /** As {@link #endSome}, as far as what is ending gets by itself. */
  public void endMost() {
    for (int round = 0; round < ENDING_STEPS && endSome() > 0; round++) {
      // others may go on to end what is theirs
    }
  }

  /** All caches, children included. */
  public List<KmemCache> snapshot() {
    synchronized (caches) {
      return List.copyOf(caches);
    }
  }

  /** What the ceiling says when it refuses. */
  OutOfNativeMemoryException refused(long bytes) {
    return refused(bytes, pages.stats());
  }

  long ceilingBytes() {
    return (long) pages.ceilingPages() * Os.PAGE_BYTES;
  }

  private OutOfNativeMemoryException refused(long bytes, PageStats stats) {
    long mapped = stats.mapped() * Os.PAGE_BYTES;
    long max = stats.ceiling() * Os.PAGE_BYTES;
    OsException system = bytes <= max - mapped ? pages.lastRefusal() : null;
    String why =
        system != null
            ? "the system refused: " + system.getMessage()
            : "the ceiling is "
                + max
                + " bytes; -Dkmem4j.max=<size> or builder().max(bytes) raises it";
    return new OutOfNativeMemoryException(
        "no memory for " + bytes + " bytes: " + mapped + " bytes are mapped, " + why,
        bytes,
        mapped,
        max,
        system);
  }

  OutOfNativeMemoryException refusedBy(String whom, long bytes) {
    PageStats stats = pages.stats();
    return new OutOfNativeMemoryException(
        "no memory for " + bytes + " bytes: " + whom + " refused them",
        bytes,
        stats.mapped() * Os.PAGE_BYTES,
        stats.ceiling() * Os.PAGE_BYTES,
        null);
  }

  /** Says what an address is that is not an object of {@code expected}. */
  String describeForeign(long address, String expected) {
    String what;
    KmemCache around = cacheAround(address);
    if (!pages.map().contains(address)) {
      what = "lies outside this allocator";
    } else if (around != null) {
      String history = around.history(address);
      what = "lies " + around.where(address) + ", of cache \"" + around.name() + '"' + history;
    } else if (pages.map().slabOf(address) != 0) {
      what = "lies in a slab of a cache that was destroyed";
    } else if (pages.largeAround(address) != 0) {
      what = "lies in the large block at " + hex(pages.largeAround(address));
    } else {
      what = "lies in no slab: it was freed, or never allocated";
    }
    return hex(address) + " is no object of " + expected + ": it " + what;
  }

  /** Says what any address is. Reads nothing that is not ours. */
  public Description describe(long address) {
    if (!pages.map().contains(address)) {
      return new Description(address, -1, 0, "foreign");
    }
    long region = (address - pages.map().base()) >>> (Os.PAGE_SHIFT + PageAllocator.MAX_ORDER);
    long slab = pages.map().slabOf(address);
    if (slab == 0) {
      long block = pages.largeAround(address);
      return block == 0
          ? new Description(address, region, 0, "unused")
          : new Description(
              address,
              region,
              0,
              "large",
              block,
              0,
              address - block,
              "in use",
              payerOfLarge(block));
    }
    KmemCache cache = cacheAround(address);
    return cache == null
        ? new Description(address, region, slab, "unused")
        : cache.describe(address, region, slab);
  }

  /** Who pays for a large block, which somebody may be freeing: then its owner may be anything. */
  private String payerOfLarge(long block) {
    long word = pages.ownerOfLarge(block);
    long struct = word == 0 ? 0 : Memory.getLong(word);
    if (!metadata.contains(struct)) {
      return null;
    }
    int id = (int) Memory.getLong(struct + LargeBlocks.ID);
    return id > 0 && id < ALL.length && ALL[id] instanceof LargeBlocks owner
        ? owner.payerName()
        : null;
  }

  static String hex(long address) {
    return "0x" + Long.toHexString(address);
  }

  /**
   * Refuses every further operation; fronts are unlinked and a grace period has passed.
   *
   * @return a report on damage that came to light, or that the system refused the grace period, or
   *     null
   */
  public RuntimeException close() {
    closed = true;
    List<KmemCache> all = snapshot();
    awaitVisitors();
    endings.stop();
    all.forEach(OwnedCache::retire);
    OsException refused = null;
    try {
      Rcu.synchronize();
    } catch (OsException e) {
      refused = e;
    }
    all.forEach(KmemCache::unlinkFronts);
    RuntimeException damage = finishDeferred();
    return damage != null ? damage : refused;
  }

  /**
   * Finishes everything that waits for a grace period: until then, objects that were cached count
   * as used.
   *
   * @return a report on damage that came to light, or that the system refused the grace period, for
   *     which everything waits still; or null
   */
  public RuntimeException finishDeferred() {
    RuntimeException damage = null;
    for (boolean done = false; !done; ) {
      try {
        done = deferred.finish(Long.MAX_VALUE);
      } catch (CorruptionException | IllegalArgumentException e) {
        damage = e; // each of them has left the queue
      } catch (OsException e) {
        return damage != null ? damage : e;
      }
    }
    return damage;
  }

  /**
   * After {@link #close}: forgets every cache, so that their numbers can be used again.
   *
   * @param quiet whether a grace period has passed since; without one their numbers are lost
   */
  public void forget(boolean quiet) {
    endings.abandon();
    Stream.concat(snapshot().stream(), large().stream()).forEach(c -> forgetNumbered(c, quiet));
  }

  /** Forgets a cache; its number is used again unless some slow path is still holding it. */
  void forgetNumbered(OwnedCache cache) {
    forgetNumbered(cache, true);
  }

  private void forgetNumbered(OwnedCache cache, boolean quiet) {
    forget(cache);
    boolean unused = quiet && Front.isAbsent(cache);
    int number = cache.endLink();
    if (unused) {
      PerThread.giveLink(number);
    }
  }

  /** Live objects by cache name, children added up; caches without any are left out. */
  public Map<String, Long> liveObjects() {
    Map<String, Long> live = new HashMap<>();
    for (KmemCache cache : snapshot()) {
      long used = cache.stats().usedObjects();
      if (used > 0) {
        live.merge(cache.name(), used, Long::sum);
      }
    }
    return live;
  }

  /**
   * Walks over everything, at rest.
   *
   * @throws AssertionError with what is wrong
   */
  public void validate() {
    new SlabValidator(this).run();
  }
}
