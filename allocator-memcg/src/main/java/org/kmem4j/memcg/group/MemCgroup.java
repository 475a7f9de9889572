package org.kmem4j.memcg.group;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.kmem4j.memcg.counter.PageCounter;
import org.kmem4j.memcg.group.MemcgEvent.Kind;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.Struct;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.CacheStats;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Slabs;
import org.kmem4j.sync.GraceQueue;

/**
 * {@code struct mem_cgroup}: a group of allocations with limits, in a tree. What is charged to a
 * group counts in every group above it. Any thread may call any method.
 *
 * <p>Get a cache, a pool or allocation by size that a group pays for from {@code in(group)}, once,
 * and keep it: it stays valid for ever. Sizes are in bytes; limits are rounded down to whole pages
 * of 4 KiB.
 *
 * <p><b>Life.</b> <em>Online</em>: has users. {@link #offline}: whatever it owns is handed to its
 * parent, by rewriting one word for each cache. <em>Dying</em>: closed, but something still refers
 * to the structure. <em>Released</em>: the last reference is gone; a grace period later struct and
 * number serve another group.
 *
 * <pre>
 *   online bit off, index cleared, caches retired, n references on the parent taken,
 *   owner words rewritten, caches moved to the parent, n references put        in offline()
 *   a grace period    stocks drained, reference killed                         on the agent
 *   a grace period    count exact; at zero:
 *                     counted as destroyed in every group above                whoever is last
 *   a grace period    off the parent's list, struct and number free
 * </pre>
 *
 * <p><b>At the limit.</b> A {@code tryX} takes what is there, or is refused at once. An {@code X}
 * collects what threads have cached of the group and those below, runs shrinkers, asks the host,
 * and then throws. If that gained nothing, further attempts throw at once for 10 ms, unless usage
 * falls: what is freed meanwhile into the caches of threads does not count.
 *
 * <p>A page never names a group: page → cache → group. Charges and uncharges ask the cache's owner
 * word; of a group that is closed the nearest one above that is online pays.
 */
public final class MemCgroup implements Account, AutoCloseable {
  private static final Struct MEM_CGROUP =
      Struct.named("mem_cgroup", "A group of allocations with limits. Owner words lead here.");

  static final long ID = MEM_CGROUP.half("id", "index and generation; constant");
  private static final long PARENT = MEM_CGROUP.word("parent", "address of the group above; or 0");
  private static final long DEATHS =
      MEM_CGROUP.word("deaths", "groups below that were destroyed: iterators compare");

  static {
    MEM_CGROUP.nextLine();
  }

  private static final long COUNTER =
      MEM_CGROUP.struct("counter", "usage and limits", "page_counter", PageCounter.SIZE);

  /** Bytes of the struct. */
  static final long SIZE = MEM_CGROUP.end(64);

  static final String LAYOUT = MEM_CGROUP.toMarkdown();

  /** Groups on the longest way from the root, which is not counted: each costs a charge a step. */
  public static final int MAX_DEPTH = 64;

  /** Attempts to make room that gained nothing, after which a request is refused. */
  private static final int MAX_FRUITLESS = 16;

  /** For how long it is not tried again to make room where there was none. */
  private static final long FRUITLESS_NANOS = 10_000_000;

  private final GroupTree tree;
  private final MemCgroup parent;
  private final String name;
  private final long serial;
  private final long address;
  private final Css css;
  private final End end = new End();

  /**
   * Caches whose owner word names this group. Changed under the tree's lock; read by anybody, for
   * whom a cache that changes hands is for a moment in both groups or in none. Null if none ever.
   */
  private volatile Set<OwnedCache> owned;

  /** Groups below by age, until they are released: walks go on from any serial number. */
  private volatile NavigableMap<Long, MemCgroup> children;

  /** Groups below that are online, by name. Null if none ever. */
  private volatile Map<String, MemCgroup> byName;

  private final AtomicInteger dyingDescendants = new AtomicInteger();
  private volatile boolean released;

  // The latest refusal. Written racily: a mixture of two at worst.
  private MemCgroup refusedBy;
  private long refusedPages;
  private long refusedUsage;
  private long refusedMax;
  private long reclaimedPages;

  /** Whose limit refused last, until a charge succeeds. */
  private volatile MemCgroup full;

  // Of the last attempt to make room here that gained nothing.
  private volatile long fruitlessUsage = Long.MAX_VALUE;
  private volatile long fruitlessSince;

  private final Events events = new Events();

  /** Made for the first {@link #peakReader}. */
  private volatile Peak peak;

  private final AtomicBoolean toLookAt = new AtomicBoolean();

  MemCgroup(GroupTree tree, MemCgroup parent, String name, long serial, int id, long address) {
    this.tree = tree;
    this.parent = parent;
    this.name = name;
    this.serial = serial;
    this.address = address;
    var counter = new PageCounter(address + COUNTER, parent == null ? null : parent.css.counter());
    this.css = new Css(counter, id, end::begin);
    Memory.putInt(address + ID, id);
    Memory.putLong(address + PARENT, parent == null ? 0 : parent.address);
    Memory.putLong(address + DEATHS, 0);
  }

  Css css() {
    return css;
  }

  // ------------------------------------------------------------------ the tree

  /** The group's name in its parent; empty for the root. */
  public String name() {
    return name;
  }

  /** The path from the root: {@code /} or {@code /tenants/acme}. */
  public String path() {
    return parent == null ? "/" : parent.parent == null ? '/' + name : parent.path() + '/' + name;
  }

  private int depth() {
    return parent == null ? 0 : 1 + parent.depth();
  }

  /** The group above, or null for the root. */
  public MemCgroup parent() {
    return parent;
  }

  /** Groups directly below that are online, by age. */
  public List<MemCgroup> children() {
    NavigableMap<Long, MemCgroup> all = children;
    return all == null ? List.of() : all.values().stream().filter(MemCgroup::isOnline).toList();
  }

  /** The group below of that name that is online, or null. */
  public MemCgroup child(String named) {
    Objects.requireNonNull(named, "named");
    Map<String, MemCgroup> all = byName;
    return all == null ? null : all.get(named);
  }

  /**
   * Makes a group below this one.
   *
   * @param named of letters, digits and {@code . _ - @ : +}, at most 255, not {@code .} or {@code
   *     ..}
   * @throws IllegalArgumentException if the name is illegal or taken, or this group is {@value
   *     #MAX_DEPTH} groups below the root
   * @throws IllegalStateException if this group is closed
   */
  public MemCgroup create(String named) {
    return tree.create(this, named);
  }

  /**
   * Checks a group's name.
   *
   * @throws IllegalArgumentException if it is illegal; the message says what is accepted
   */
  public static void checkName(String named) {
    if (!named.matches("[A-Za-z0-9._@:+-]{1,255}") || named.equals(".") || named.equals("..")) {
      throw new IllegalArgumentException(
          "name=\""
              + named
              + "\": a group's name is 1 to 255 letters, digits and . _ - @ : +, and not . or ..");
    }
  }

  /** Guarded by the tree's lock. */
  void checkMayHaveChild(String named) {
    checkName(named);
    if (!css.isOnline()) {
      throw new IllegalStateException(path() + " is closed: it gets no new groups");
    }
    if (depth() == MAX_DEPTH) {
      throw new IllegalArgumentException(
          path()
              + " is "
              + MAX_DEPTH
              + " groups below the root: it gets no group \""
              + named
              + '"');
    }
    if (child(named) != null) {
      throw new IllegalArgumentException(path() + " has a group \"" + named + "\" already");
    }
  }

  /** Guarded by the tree's lock. */
  void adopt(MemCgroup child) {
    if (children == null) {
      byName = new ConcurrentHashMap<>();
      children = new ConcurrentSkipListMap<>();
    }
    try {
      byName.put(child.name, child);
      children.put(child.serial, child);
    } catch (OutOfMemoryError e) {
      byName.remove(child.name);
      throw e;
    }
    css.get(1);
  }

  /** The next group below this one that is younger than {@code serial}, dying ones included. */
  public MemCgroup childAfter(long youngerThan) {
    NavigableMap<Long, MemCgroup> all = children;
    Map.Entry<Long, MemCgroup> next = all == null ? null : all.higherEntry(youngerThan);
    return next == null ? null : next.getValue();
  }

  /** Grows from group to group, and is never reused. */
  public long serial() {
    return serial;
  }

  void collect(Collection<MemCgroup> all) {
    all.add(this);
    NavigableMap<Long, MemCgroup> below = children;
    if (below != null) {
      below.values().forEach(child -> child.collect(all));
    }
  }

  /** Whether the group has not been closed. */
  public boolean isOnline() {
    return css.isOnline();
  }

  /** Whether the last reference is gone. */
  public boolean isReleased() {
    return released;
  }

  /** Whether this is {@code top}, or lies below it. */
  public boolean isWithin(MemCgroup top) {
    return css.counter().isWithin(top.css.counter());
  }

  /** Groups below this one that are closed and not released. */
  public int dyingDescendants() {
    return dyingDescendants.get();
  }

  /**
   * Groups below this one that were destroyed so far: counted after the last reference was put, and
   * before the grace period that precedes the reuse of the struct.
   */
  public long deaths() {
    return Memory.getLongVolatile(address + DEATHS);
  }

  /** Takes a reference on the structure; false if it is being released. */
  public boolean tryGet() {
    return css.tryGet();
  }

  /** Puts a reference. */
  public void put() {
    css.put();
  }

  MemCgroup nearestOnline() {
    MemCgroup at = this;
    while (at != null && !at.css.isOnline()) {
      at = at.parent;
    }
    return at;
  }

  // ------------------------------------------------------------------ limits and numbers

  /**
   * Bytes charged to this group and to all below it, those in stocks included; 0 once it is closed,
   * for its heir pays.
   */
  public long usage() {
    return hasNumbers() ? bytesIfOnline(css.counter().usage()) : 0;
  }

  /** The most that {@link #usage} ever was; 0 once it is closed. */
  public long peak() {
    Peak some = peak;
    return hasNumbers() ? bytesIfOnline(some == null ? css.counter().peak() : some.overall()) : 0;
  }

  /** A reader of {@link #peak} that can be reset, without an effect on others. */
  public PeakReader peakReader() {
    if (peak == null) {
      synchronized (events) {
        if (peak == null) {
          peak = new Peak(css.counter());
        }
      }
    }
    return new PeakReader(this, peak);
  }

  /** Whether the struct may be read: it is this group's, and mapped. */
  boolean hasNumbers() {
    return css.isOnline() && !tree.slabs.isClosed();
  }

  /** What was read of the struct just now, if that was not yet another group's. */
  long bytesIfOnline(long pages) {
    VarHandle.loadLoadFence(); // first the number, then whether it was ours
    return css.isOnline() ? bytes(pages) : 0;
  }

  /** Does something with the struct, which is not released meanwhile. */
  <T> T whileAlive(Supplier<T> action) {
    if (css.tryGet()) {
      try {
        if (hasNumbers()) {
          return action.get();
        }
      } finally {
        css.put();
      }
    }
    throw new IllegalStateException(path() + " is closed");
  }

  /** The limit in bytes that no request exceeds; {@link Long#MAX_VALUE} for none. */
  public long max() {
    return limit(Limit.MAX);
  }

  /** Usage in bytes above which the agent reclaims. It never refuses. */
  public long high() {
    return limit(Limit.HIGH);
  }

  /** Bytes that reclaim leaves alone as long as there is anything else. */
  public long low() {
    return limit(Limit.LOW);
  }

  /** Bytes that reclaim always leaves alone. */
  public long min() {
    return limit(Limit.MIN);
  }

  /** A limit in bytes, {@link Long#MAX_VALUE} for none; 0 once the group is closed. */
  public long limit(Limit which) {
    if (!hasNumbers()) {
      return 0;
    }
    PageCounter counter = css.counter();
    long pages =
        switch (which) {
          case MAX -> counter.max();
          case HIGH -> counter.high();
          case LOW -> counter.low();
          case MIN -> counter.min();
        };
    VarHandle.loadLoadFence(); // as in bytesIfOnline
    return css.isOnline() ? limit(pages) : 0;
  }

  /**
   * Sets the limit. It holds at once, also below what is in use; then room is made as far as that
   * goes, and requests are refused until usage has fallen.
   *
   * @param bytes {@link Long#MAX_VALUE} for none
   * @throws IllegalArgumentException if it is negative, or below {@code min}
   * @throws IllegalStateException if the group is closed
   */
  public MemCgroup max(long bytes) {
    return limits(Map.of(Limit.MAX, bytes));
  }

  /** Sets the usage above which the agent reclaims. Throws as {@link #max(long)} does. */
  public MemCgroup high(long bytes) {
    return limits(Map.of(Limit.HIGH, bytes));
  }

  /**
   * Sets what reclaim leaves alone as long as there is anything else. Throws as {@link #max(long)}
   * does.
   */
  public MemCgroup low(long bytes) {
    return limits(Map.of(Limit.LOW, bytes));
  }

  /**
   * Sets what reclaim always leaves alone.
   *
   * @throws IllegalArgumentException if it is negative, or above {@code max}
   * @throws IllegalStateException if the group is closed
   */
  public MemCgroup min(long bytes) {
    return limits(Map.of(Limit.MIN, bytes));
  }

  /**
   * Sets several limits in bytes, all or none: {@code min} and {@code max} may move together.
   *
   * @throws IllegalArgumentException if one is negative, or {@code min} would be above {@code max}
   * @throws IllegalStateException if the group is closed
   */
  public MemCgroup limits(Map<Limit, Long> bytes) {
    synchronized (tree.limitsLock) {
      tree.checkAllocatorOpen();
      checkLimits(bytes);
      if (!storeLimits(bytes)) {
        throw new IllegalStateException(path() + " is closed: it has no limits any more");
      }
    }
    enforceLimits();
    return this;
  }

  /** Guarded by the tree's lock of limits, as {@link #storeLimits}. */
  void checkLimits(Map<Limit, Long> bytes) {
    bytes.forEach(MemCgroup::checkLimit);
    PageCounter counter = css.counter();
    Long newMin = bytes.get(Limit.MIN);
    Long newMax = bytes.get(Limit.MAX);
    long min = newMin == null ? counter.min() : pages(newMin);
    long max = newMax == null ? counter.max() : pages(newMax);
    if (min > max && (newMin != null || newMax != null) && css.isOnline()) {
      throw new IllegalArgumentException(
          path() + ": min=" + limit(min) + " is above max=" + limit(max));
    }
  }

  private static void checkLimit(Limit which, Long bytes) {
    if (bytes == null || bytes < 0) {
      throw new IllegalArgumentException(which.key() + "=" + bytes + ", accepted: 0 or more bytes");
    }
  }

  /** Stores limits that were checked; false if the group is closed. */
  boolean storeLimits(Map<Limit, Long> bytes) {
    if (!css.tryGet()) {
      return false;
    }
    try {
      PageCounter counter = css.counter();
      bytes.forEach(
          (which, value) -> {
            switch (which) {
              case MAX -> counter.setMax(pages(value));
              case HIGH -> counter.setHigh(pages(value));
              case LOW -> counter.setLow(pages(value));
              case MIN -> counter.setMin(pages(value));
            }
          });
      if (bytes.containsKey(Limit.MAX)) {
        full = null;
      }
      if (!css.isOnline()) { // pairs with goOffline: one of us is the later
        counter.setMin(0);
        counter.setLow(0);
        return false;
      }
      return true;
    } finally {
      css.put();
    }
  }

  /** Makes room where usage is above a limit that was set, without any lock. */
  void enforceLimits() {
    if (!css.tryGet()) {
      return; // there is nothing to enforce any more
    }
    try {
      PageCounter counter = css.counter();
      watchHigh();
      long usage = counter.usage();
      for (int tries = 0; usage > counter.max() && tries < MAX_FRUITLESS; tries++) {
        if (collectAndReclaim(usage - counter.max(), Kind.MAX) == 0) {
          raise(Kind.OOM); // nothing more can be done; what comes is refused
          break;
        }
        usage = counter.usage();
      }
    } finally {
      css.put();
    }
  }

  private static long pages(long bytes) {
    return Math.min(bytes >>> Os.PAGE_SHIFT, PageCounter.MAX);
  }

  private static long limit(long pages) {
    return pages >= PageCounter.MAX ? Long.MAX_VALUE : bytes(pages);
  }

  private static long bytes(long pages) {
    return pages << Os.PAGE_SHIFT;
  }

  /** The latest request of this group that was refused, or null. */
  public Refusal lastRefusal() {
    MemCgroup by = refusedBy;
    return by == null
        ? null
        : Refusal.ofPages(this, by, refusedUsage, refusedMax, refusedPages, reclaimedPages);
  }

  /** How often something happened here. */
  public long eventsLocal(Kind kind) {
    return events.local(kind);
  }

  /** How often something happened here or below. */
  public long events(Kind kind) {
    return events.hierarchical(kind);
  }

  /** How often what happened here or below: {@code memory.events}. */
  public EventCounts events() {
    return new EventCounts(events(Kind.LOW), events(Kind.HIGH), events(Kind.MAX), events(Kind.OOM));
  }

  /** How often what happened here: {@code memory.events.local}. */
  public EventCounts eventsLocal() {
    return new EventCounts(
        eventsLocal(Kind.LOW),
        eventsLocal(Kind.HIGH),
        eventsLocal(Kind.MAX),
        eventsLocal(Kind.OOM));
  }

  // ------------------------------------------------------------------ statistics

  /**
   * Where the memory of this group and of all below it is: {@code memory.stat}. Nothing is kept for
   * this: it walks the caches and the threads' stocks when it is asked, so there is nothing that
   * could drift. It takes no lock of the groups, so it holds up neither closing nor charging; of a
   * cache it takes the short lock of its lists for a few loads.
   */
  public MemCgroupStat stat() {
    if (!hasNumbers()) {
      return MemCgroupStat.NONE;
    }
    MemCgroupStat sum = MemCgroupStat.NONE;
    List<MemCgroup> below = new ArrayList<>();
    collect(below);
    for (MemCgroup group : below) { // of one that is dying, stocks may be left
      sum = sum.plus(group.ownStat());
    }
    return sum.withCurrent(usage());
  }

  /**
   * Where the memory is that this group itself pays for, groups below not included: what it has
   * inherited counts here from the moment in which it changed hands.
   */
  public MemCgroupStat statLocal() {
    return hasNumbers() ? ownStat() : MemCgroupStat.NONE;
  }

  private MemCgroupStat ownStat() {
    long reclaimable = 0;
    long unreclaimable = 0;
    long large = 0;
    long sheaves = 0;
    for (OwnedCache cache : owned()) {
      if (cache instanceof KmemCache slabs) {
        CacheStats stats = slabs.stats();
        sheaves += stats.cachedObjects() * stats.stride();
        if (slabs.isReclaimable()) {
          reclaimable += stats.pages();
        } else {
          unreclaimable += stats.pages();
        }
      } else {
        large += cache.pages();
      }
    }
    long stock = tree.stock.pages(css);
    return new MemCgroupStat(
        bytes(reclaimable + unreclaimable + large + stock),
        bytes(reclaimable),
        bytes(unreclaimable),
        bytes(large),
        sheaves,
        bytes(stock));
  }

  /**
   * The caches that this group pays for, with their objects, those it has inherited labelled; by
   * name. Locks as {@link #stat} does.
   */
  public List<SlabInfo> slabinfo() {
    return owned().stream()
        .map(cache -> SlabInfo.of(cache, this))
        .sorted(Comparator.comparing(SlabInfo::name).thenComparing(SlabInfo::madeFor))
        .toList();
  }

  // ------------------------------------------------------------------ charging

  @Override
  public long address() {
    return address;
  }

  @Override
  public boolean tryCharge(OwnedCache cache, long pages) {
    while (true) {
      MemCgroup payer = tree.payerOf(cache);
      if (payer == null || tree.stock.tryConsume(payer.css, pages)) {
        return true; // a stock's entry holds a reference
      }
      if (payer.isStillPayerOf(cache)) {
        try {
          return payer.tryCharge(pages, isSample(cache));
        } finally {
          payer.css.put();
        }
      }
    }
  }

  /** Takes a reference if this still pays for a cache: from then on it cannot be released. */
  @SuppressWarnings("ReferenceEquality") // it is that very group or not
  private boolean isStillPayerOf(OwnedCache cache) {
    if (!css.tryGet()) {
      return false;
    }
    if (tree.payerOf(cache) == this) {
      return true;
    }
    css.put();
    return false;
  }

  /**
   * As {@link Account#tryCharge}.
   *
   * @param silently whether a refusal is nobody's: for a sample's page, in whose stead the program
   *     gets an object that is there
   */
  private boolean tryCharge(long pages, boolean silently) {
    PageCounter refused = tree.stock.tryCharge(css, pages);
    if (refused == null) {
      full = null;
      watchHigh();
      return true;
    }
    if (silently) {
      return false;
    }
    MemCgroup by = withCounter(refused);
    refusedBy = by;
    refusedPages = pages;
    refusedUsage = refused.usage();
    refusedMax = refused.max();
    reclaimedPages = 0;
    full = by;
    by.raise(Kind.MAX);
    return false;
  }

  @SuppressWarnings("ReferenceEquality") // it is that very counter or not
  private MemCgroup withCounter(PageCounter counter) {
    MemCgroup level = this;
    while (level.css.counter() != counter) {
      level = level.parent;
    }
    return level;
  }

  @Override
  public void uncharge(OwnedCache cache, long pages) {
    while (true) {
      MemCgroup payer = tree.payerOf(cache);
      if (payer == null) {
        return;
      }
      if (payer.isStillPayerOf(cache)) {
        try {
          tree.stock.uncharge(payer.css, pages);
        } finally {
          payer.css.put();
        }
        return;
      }
    }
  }

  @Override
  public boolean isFull(OwnedCache cache) {
    MemCgroup payer = nearestOnline();
    MemCgroup by = payer == null ? null : payer.full;
    if (by == null) {
      return false;
    }
    long pages = cache.leastPages();
    PageCounter counter = by.css.counter();
    return counter.usage() + pages > counter.max() && !tree.stock.hasPages(payer.css, pages);
  }

  // ------------------------------------------------------------------ making room

  @Override
  public Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
    MemCgroup payer = nearestOnline();
    if (payer == null || !payer.css.tryGet()) { // it may be closed meanwhile
      return null;
    }
    Runnable room = null;
    try {
      room = payer.makeRoom(pages, attempt);
      return room;
    } finally {
      if (room == null) {
        payer.css.put();
      }
    }
  }

  /** As {@link Account#makeRoom}; what is returned, if anything, puts a reference. */
  private Runnable makeRoom(long pages, int attempt) {
    MemCgroup by = full;
    if (by == null) {
      return null; // there was room meanwhile
    }
    if (!tree.isReclaiming() && !by.isKnownToBeFull(pages)) {
      Runnable room = tryMakeRoom(by, pages, attempt);
      if (room != null) {
        return room;
      }
    }
    by.raise(Kind.OOM);
    Refusal refusal = Refusal.ofPages(this, by, refusedUsage, refusedMax, pages, reclaimedPages);
    if (tree.isReclaiming() || attempt >= MAX_FRUITLESS || !tree.mayTryAgain(refusal)) {
      throw new MemcgLimitException(refusal);
    }
    by.fruitlessUsage = Long.MAX_VALUE; // the program says that there is room now
    return null;
  }

  /** Null if nothing was gained. Else nobody charges ahead until the request was tried again. */
  private Runnable tryMakeRoom(MemCgroup by, long pages, int attempt) {
    PageCounter counter = by.css.counter();
    boolean gainful = false;
    counter.hold();
    try {
      long gained = by.collectAndReclaim(pages, Kind.MAX);
      reclaimedPages += gained;
      // Collecting may have freed objects of this cache, though no page.
      gainful = attempt == 0 || gained > 0 && attempt < MAX_FRUITLESS;
    } finally {
      if (!gainful) {
        counter.unhold();
      }
    }
    if (gainful) {
      return () -> {
        counter.unhold();
        css.put();
      };
    }
    by.fruitlessUsage = counter.usage();
    by.fruitlessSince = System.nanoTime();
    return null;
  }

  /** Whether it was tried in vain to make room here, a moment ago, and no page came free since. */
  private boolean isKnownToBeFull(long pages) {
    long usage = fruitlessUsage;
    return css.counter().usage() >= usage
        && usage + pages > css.counter().max() // else less is asked for than was refused then
        && System.nanoTime() - fruitlessSince < FRUITLESS_NANOS;
  }

  /**
   * Takes back what threads have cached of this group and those below: stocks, fronts, barns.
   *
   * @return pages that were uncharged
   */
  long collect() {
    PageCounter counter = css.counter();
    long before = counter.usage();
    counter.hold(); // what slabs uncharge is to go into no stock
    try {
      tree.stock.drain(counter);
      tree.slabs.drain(ownedBelow(), tree.slabs.waitNanos());
    } finally {
      counter.unhold();
    }
    return Math.max(0, before - counter.usage());
  }

  private long collectAndReclaim(long pages, Kind why) {
    long gained = collect();
    return gained > 0 || tree.isReclaiming() ? gained : tree.reclaim(this, pages, why);
  }

  private List<OwnedCache> ownedBelow() {
    List<MemCgroup> groups = new ArrayList<>();
    collect(groups);
    List<OwnedCache> caches = new ArrayList<>();
    groups.forEach(group -> caches.addAll(group.owned()));
    return caches;
  }

  private void watchHigh() {
    for (MemCgroup level = this; level != null; level = level.parent) {
      PageCounter counter = level.css.counter();
      if (counter.usage() > counter.high()) {
        level.lookAtLater();
      }
    }
  }

  // ------------------------------------------------------------------ events

  /** Counts an event here and above, and has the agent tell of it. */
  void raise(Kind kind) {
    count(kind);
    lookAtLater();
  }

  private void count(Kind kind) {
    events.raiseLocal(kind);
    for (MemCgroup level = this; level != null; level = level.parent) {
      level.events.raise(kind);
    }
  }

  private void lookAtLater() {
    if (!toLookAt.get() && toLookAt.compareAndSet(false, true)) {
      try {
        tree.lookAtLater(this);
      } catch (OutOfMemoryError e) {
        toLookAt.set(false); // the next event tries again
      }
    }
  }

  /** On the agent. */
  void lookAt(List<MemcgEvent> news) {
    toLookAt.set(false); // what comes from here on is for the next time
    if (css.tryGet()) { // others, too, make the steps that end a group
      try {
        reclaimAboveHigh();
      } finally {
        css.put();
      }
    }
    events.collectNews(path(), news);
  }

  private void reclaimAboveHigh() {
    PageCounter counter = css.counter();
    if (!css.isOnline() || counter.usage() <= counter.high()) {
      return;
    }
    count(Kind.HIGH); // no raise: it would have us look again at once
    for (int tries = 0; tries < MAX_FRUITLESS && counter.usage() > counter.high(); tries++) {
      if (collectAndReclaim(counter.usage() - counter.high(), Kind.HIGH) == 0) {
        break;
      }
    }
  }

  // ------------------------------------------------------------------ caches

  /** A view that changes with what it shows. */
  Collection<OwnedCache> owned() {
    Set<OwnedCache> all = owned;
    return all == null ? List.of() : all;
  }

  /** Guarded by the tree's lock. */
  private void own(OwnedCache cache) {
    if (owned == null) {
      owned = ConcurrentHashMap.newKeySet(8);
    }
    owned.add(cache);
  }

  /** The opposite; takes no memory. Guarded by the tree's lock. */
  private void disown(OwnedCache cache) {
    if (owned != null) {
      owned.remove(cache);
    }
  }

  @Override
  public boolean link(OwnedCache cache, Runnable publish) {
    synchronized (tree.lock) {
      if (!css.isOnline()) {
        return false;
      }
      own(cache);
      boolean done = false;
      try {
        css.get(1);
        publish.run();
        done = true;
      } finally {
        if (!done) { // there was no room on the Java heap
          owned.remove(cache);
          css.put();
        }
      }
      return true;
    }
  }

  @Override
  public void unlink(OwnedCache cache) {
    Css owner;
    synchronized (tree.lock) {
      MemCgroup group = tree.ownerOf(cache);
      if (group == null) {
        return; // the tree was closed
      }
      group.owned.remove(cache);
      Memory.putLongRelease(cache.ownerWord(), 0);
      owner = group.css;
    }
    owner.put();
  }

  @Override
  public boolean paysIn(Slabs slabs) {
    return slabs.equals(tree.slabs);
  }

  /** This group while it is online, then the nearest above it that is; null for nobody. */
  @Override
  public MemCgroup heir() {
    return nearestOnline();
  }

  // ------------------------------------------------------------------ the end

  /**
   * Closes the group. Whatever it owns, what it had inherited included, is handed to the group
   * above: one store for each cache, and no page is touched. Its objects live on and may be freed
   * at any time; handles of the group allocate on behalf of the heir from now on.
   *
   * <p>Returns at once; the rest is background work. The group is released when the last of what it
   * owned is gone from its threads.
   *
   * @return what was left behind
   * @throws IllegalStateException if it is the root, is closed already, or has groups below it that
   *     are online
   */
  public Leftovers offline() {
    if (parent == null) {
      throw new IllegalStateException("the root is closed with the tree, not alone");
    }
    Leftovers left = tryOffline();
    if (left == null) {
      throw new IllegalStateException(path() + " is closed already");
    }
    return left;
  }

  /** As {@link #offline}; null if somebody else closed it. */
  Leftovers tryOffline() {
    List<Leftovers.Cache> left = new ArrayList<>();
    OwnedCache[] caches = null;
    try {
      synchronized (tree.lock) {
        tree.checkAllocatorOpen();
        if (!css.isOnline()) {
          return null;
        }
        if (byName != null && !byName.isEmpty()) {
          throw new IllegalStateException(
              path() + " has groups below it that are online: " + byName.keySet());
        }
        caches = goOffline();
        addLeft(caches, left);
      }
    } finally { // there may be no heap for a report
      if (caches != null) {
        tree.closed(this, parent);
      }
    }
    Leftovers report = new Leftovers(path(), parent.path(), left, caches, tree.slabs);
    tree.tell(report);
    return report;
  }

  /** Returns the caches that it had. Guarded by the tree's lock. */
  private OwnedCache[] goOffline() {
    // All memory that is needed is taken before anything changes.
    OwnedCache[] caches = owned().toArray(new OwnedCache[0]);
    handOver(caches);
    css.setOffline(); // whoever charges from here on charges the heir
    css.counter().setMin(0);
    css.counter().setLow(0);
    if (parent != null) {
      parent.byName.remove(name);
    }
    for (MemCgroup level = parent; level != null; level = level.parent) {
      level.dyingDescendants.incrementAndGet();
    }
    for (OwnedCache cache : caches) {
      cache.retire();
    }
    reparent(caches);
    tree.slabs.endings().addAfterGracePeriod(end);
    return caches;
  }

  private void addLeft(OwnedCache[] caches, List<Leftovers.Cache> left) {
    for (OwnedCache cache : caches) {
      if (!isSample(cache)) {
        addLeft(cache, left);
      }
    }
    for (OwnedCache cache : caches) { // after what they are samples of
      if (isSample(cache)) {
        addLeft(cache, left);
      }
    }
  }

  private static boolean isSample(OwnedCache cache) {
    return cache instanceof KmemCache slabCache && slabCache.isSample();
  }

  private void addLeft(OwnedCache cache, List<Leftovers.Cache> left) {
    long objects = cache.usedObjects();
    if (objects > 0) {
      boolean inherited = !equals(cache.account());
      long bytes = objects * cache.bytesPerObject();
      var one = new Leftovers.Cache(cache.name(), inherited, objects, bytes);
      if (isSample(cache)) {
        addSample(left, one);
      } else {
        left.add(one);
      }
    }
  }

  /** What a cache serves from a sample of tracked objects is the cache's, to whoever is told. */
  private static void addSample(List<Leftovers.Cache> left, Leftovers.Cache sample) {
    for (int i = 0; i < left.size(); i++) {
      Leftovers.Cache other = left.get(i);
      if (other.name().equals(sample.name()) && other.inherited() == sample.inherited()) {
        long objects = other.objects() + sample.objects();
        long bytes = other.bytes() + sample.bytes();
        left.set(i, new Leftovers.Cache(other.name(), other.inherited(), objects, bytes));
        return;
      }
    }
    left.add(sample);
  }

  /** Enters all caches into the heir's list. Guarded by the tree's lock. */
  private void handOver(OwnedCache[] caches) {
    if (parent == null) {
      return;
    }
    try {
      for (OwnedCache cache : caches) {
        parent.own(cache);
      }
    } catch (OutOfMemoryError e) {
      for (OwnedCache cache : caches) {
        parent.disown(cache);
      }
      throw e;
    }
  }

  /** Has the heir pay for all caches. Guarded by the tree's lock. */
  private void reparent(OwnedCache[] caches) {
    long count = caches.length;
    if (count == 0) {
      return;
    }
    if (parent != null) {
      parent.css.get(count);
    }
    long heir = parent == null ? 0 : parent.address;
    for (OwnedCache cache : caches) {
      Memory.putLongRelease(cache.ownerWord(), heir); // pairs with payerOf
    }
    owned = null;
    css.put(count); // never the last: the initial reference is there still
  }

  /** As {@link #offline}. */
  @Override
  public void close() {
    offline();
  }

  /** Closes the root, with which nobody pays any more. Guarded by nothing: the tree is ending. */
  void closeAsRoot() {
    synchronized (tree.lock) {
      goOffline();
    }
  }

  /** The steps after {@link #offline}. */
  private final class End extends GraceQueue.Task {
    private static final int OFFLINE = 0;
    private static final int KILLED = 1;
    private static final int DRAINED = 2;
    private static final int DEAD = 3;

    private int state;

    /** The last reference was put, on any thread. */
    void begin() {
      tree.slabs.endings().add(this);
    }

    @Override
    protected void step() {
      switch (state) {
        case OFFLINE -> {
          tree.stock.drain(css.counter());
          css.kill();
          state = KILLED;
          tree.slabs.endings().addAfterGracePeriod(this);
        }
        case KILLED -> {
          state = DRAINED;
          css.confirm(); // which comes back to begin(), if that was the last reference
        }
        case DRAINED -> {
          // After the count has reached zero, and before the grace period that precedes reuse.
          for (MemCgroup level = parent; level != null; level = level.parent) {
            Memory.getAndAddLong(level.address + DEATHS, 1);
          }
          released = true;
          state = DEAD;
          tree.slabs.endings().addAfterGracePeriod(this);
        }
        default -> release();
      }
    }

    private void release() {
      synchronized (tree.lock) {
        try {
          if (parent != null) {
            parent.children.remove(serial);
          }
        } catch (OutOfMemoryError e) { // no room on the Java heap: once more, later
          tree.slabs.endings().add(this);
          throw e;
        }
        for (MemCgroup level = parent; level != null; level = level.parent) {
          level.dyingDescendants.decrementAndGet();
        }
      }
      tree.forget(MemCgroup.this);
      if (parent != null) {
        parent.css.put();
      }
    }
  }

  /** References now, the initial one included; exact at rest. */
  public long references() {
    return css.references();
  }

  /**
   * References that can be accounted for while the group is online: the initial one, and one for
   * each cache that it owns, for each group below that is not released, for each stock's entry.
   * Guarded by the tree's lock.
   */
  long expectedReferences() {
    return 1 + owned().size() + (children == null ? 0 : children.size()) + tree.stock.entries(css);
  }

  /** Bytes of this group that lie in stocks; a sum over words that change meanwhile. */
  public long stockedBytes() {
    return bytes(tree.stock.pages(css));
  }

  /** The caches that this group pays for: its own, and what it has inherited. */
  public List<OwnedCache> caches() {
    return List.copyOf(owned());
  }

  @Override
  public String toString() {
    return path();
  }
}
