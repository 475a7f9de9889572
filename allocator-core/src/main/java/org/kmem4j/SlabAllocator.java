package org.kmem4j;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.kmem4j.memory.Metadata;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.OsException;
import org.kmem4j.page.PageAllocator;
import org.kmem4j.page.PageSettings;
import org.kmem4j.page.PageStats;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.CacheStats;
import org.kmem4j.slab.Description;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.LeakReport;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.Pin;
import org.kmem4j.slab.SizeClasses;
import org.kmem4j.slab.Slabs;
import org.kmem4j.sync.Linked;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.StackProbe;

/**
 * The door: one reservation of native memory with a hard ceiling, and the caches and pools that
 * live in it. Several may exist side by side. Any thread, platform or virtual, may call any method.
 *
 * <p>An operation that can run out of memory comes twice: {@code tryX} returns 0, false or null,
 * without exception or garbage and without disturbing other threads; {@code X} makes room first if
 * need be and throws {@link OutOfNativeMemoryException} when there is none.
 *
 * <p>Nothing here starts a thread. Background work (giving idle memory back, finishing what waits
 * for a grace period) is one {@link #agent}: run it on a thread of yours, invoke it from your duty
 * cycle, or call {@link #startAgent}.
 *
 * <p>After {@link #close} every method throws {@link IllegalStateException}; memory is given back,
 * yet a stale access reads zeroes and does not crash. {@link #unmap} ends that.
 */
public final class SlabAllocator implements AutoCloseable {
  /** Room for the structs of all caches that a process can have. */
  private static final long METADATA_BYTES = 32 << 20;

  private final Settings settings;
  private final Consumer<LiveReport> onClose;
  private final Metadata metadata;
  private final PageAllocator pages;
  private final Linked pageLists;
  private final Slabs slabs;
  private final SizeClasses sizes;
  private final Agent agent;
  private final List<Agent> moreWork = new CopyOnWriteArrayList<>();
  private final List<Runnable> moreToUnmap = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closing = new AtomicBoolean();
  private volatile boolean zeroed;
  private volatile AgentRunner runner;
  private boolean unmapped;

  private SlabAllocator(Builder builder) {
    this.settings = builder.settings;
    this.onClose = builder.onClose;
    this.agent = new Housekeeper();
    Linked lists = new Linked();
    if (!lists.hasLink()) {
      throw new IllegalStateException("this process has as many caches as there can be");
    }
    Metadata structs = null;
    PageAllocator reserved = null;
    Slabs made = null;
    boolean done = false;
    try {
      structs = new Metadata(METADATA_BYTES, "kmem4j metadata");
      reserved = new PageAllocator(settings.pages(), lists);
      made = new Slabs(reserved, structs, settings.slabs());
      this.sizes = new SizeClasses(made, settings.debug()::of);
      done = true;
    } finally { // whatever it throws
      if (!done) {
        abandon(lists, structs, reserved, made);
      }
    }
    this.pageLists = lists;
    this.metadata = structs;
    this.pages = reserved;
    this.slabs = made;
  }

  /** Gives back what an allocator has that could not be opened; some of it may be null. */
  private static void abandon(Linked lists, Metadata structs, PageAllocator reserved, Slabs made) {
    try {
      if (made != null) {
        made.forget(true);
      }
    } finally {
      PerThread.giveLink(lists.endLink());
      try {
        if (reserved != null) {
          reserved.unmap();
        }
      } finally {
        if (structs != null) {
          structs.unmap();
        }
      }
    }
  }

  /**
   * An allocator with the defaults and what the {@code kmem4j.} system properties say.
   *
   * @throws IllegalArgumentException if a property has a bad value or an unknown name
   */
  public static SlabAllocator create() {
    return builder().build();
  }

  /** Begins from the system properties; what is set here beats them. */
  public static Builder builder() {
    return new Builder(Settings.from(System.getProperties()));
  }

  // ------------------------------------------------------------------ caches and pools

  /**
   * Makes a cache of objects of one size.
   *
   * @param name shown in reports; printable and without spaces
   * @param objectBytes from 1 byte to 2 MiB less a header
   * @throws IllegalArgumentException if one is not accepted; the message says what is
   */
  public KmemCache createCache(String name, int objectBytes) {
    return createCache(CacheOptions.of(name, objectBytes));
  }

  /**
   * Makes a cache with a constructor, an alignment, debugging, or accounting by object.
   *
   * @throws IllegalArgumentException if the objects fit no slab that {@code kmem4j.maxOrder} allows
   * @throws OutOfNativeMemoryException if there is no room for one more cache
   */
  public KmemCache createCache(CacheOptions options) {
    return slabs.create(options.debug(settings.debug().with(options.debug(), options.name())));
  }

  /**
   * Makes a pool of objects that are seen through flyweights.
   *
   * @param <F> the flyweight's class
   * @throws IllegalStateException if the flag that Agrona's buffers need is missing; it is named
   */
  public <F extends Flyweight> ObjectPool<F> pool(String name, int objectBytes) {
    return new ObjectPool<>(createCache(name, objectBytes));
  }

  // ------------------------------------------------------------------ by size

  /**
   * Takes a block of at least {@code bytes} bytes; its contents are undefined.
   *
   * @return its address, a multiple of 8 (of 16 where its {@link #usableSize} is one, of 4096 above
   *     32 KiB), or 0 if the ceiling or the system refuses
   * @throws IllegalArgumentException if the size is not positive
   */
  public long tryAlloc(long bytes) {
    return sizes.tryAlloc(bytes);
  }

  /**
   * Takes a block of at least {@code bytes} bytes, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   * @throws IllegalArgumentException if the size is not positive
   */
  public long alloc(long bytes) {
    return sizes.alloc(bytes);
  }

  /**
   * Gives back a block, or an object of any cache or pool of this allocator. 0 does nothing.
   *
   * @throws IllegalArgumentException if none begins at the address: the message says what is there;
   *     nothing is changed
   */
  public void free(long address) {
    sizes.free(address);
  }

  /**
   * Bytes that may be used at an address that this allocator handed out.
   *
   * @throws IllegalArgumentException if nothing that was handed out begins there
   */
  public long usableSize(long address) {
    return sizes.usableSize(address);
  }

  /** The caches and what they share, for modules on top of this. */
  public Slabs slabs() {
    return slabs;
  }

  /** Allocation by size whose pages an account pays for; resolve it once, for hot paths. */
  public SizeClasses in(Account account) {
    return sizes.in(account);
  }

  /**
   * Pins the calling platform thread: operations that are given the pin are cheaper. See {@link
   * Pin} for what it costs others.
   */
  public Pin pin() {
    checkOpen();
    return new Pin();
  }

  // ------------------------------------------------------------------ looking inside

  /** Says what an address is: region, slab, cache, object, and whether it is in use. */
  public Description describe(long address) {
    checkOpen();
    return slabs.describe(address);
  }

  /** Every number. Walks all slots, and asks the system for each page whether it is resident. */
  public AllocatorStats stats() {
    checkOpen();
    long used = 0;
    long usedObjects = slabs.largeBlocks();
    long cached = 0;
    long free = 0;
    List<CacheStats> caches = slabs.snapshot().stream().map(KmemCache::stats).toList();
    for (CacheStats cache : caches) {
      used += cache.usedObjects() * cache.stride();
      usedObjects += cache.usedObjects();
      cached += cache.cachedObjects() * cache.stride();
      free += cache.freeObjects() * cache.stride();
    }
    PageStats page = pages.stats();
    return new AllocatorStats(
        used + slabs.largePages() * Os.PAGE_BYTES,
        cached,
        free,
        page.mapped() * Os.PAGE_BYTES,
        page.peakMapped() * Os.PAGE_BYTES,
        page.freeBacked() * Os.PAGE_BYTES,
        pages.residentBytes(),
        metadata.usedBytes(),
        slabs.frontBytes(),
        page.ceiling() * Os.PAGE_BYTES,
        usedObjects,
        slabs.largeBlocks(),
        slabs.reclaims(),
        page.decommits(),
        Rcu.gracePeriods(),
        Rcu.stalls(),
        Rcu.oldestPinNanos(),
        caches);
  }

  /**
   * What is alive now of that which is tracked, by the place that allocated it and who pays for it:
   * a sample with {@code kmem4j.leaks} above 1, everything with 1 and in caches that debug with
   * {@link org.kmem4j.slab.Debug#TRACK}.
   */
  public LeakReport leaks() {
    checkOpen();
    return slabs.leaks();
  }

  /** What is alive now. */
  public LiveReport live() {
    checkOpen();
    return report();
  }

  private LiveReport report() {
    Map<String, Long> objects = new TreeMap<>(slabs.liveObjects());
    long bytes = 0;
    for (KmemCache cache : slabs.snapshot()) {
      bytes += cache.stats().usedObjects() * cache.objectBytes();
    }
    return new LiveReport(
        objects, slabs.largeBlocks(), bytes + slabs.largePages() * Os.PAGE_BYTES, slabs.leaks());
  }

  /**
   * Walks over every page, slab, list and front and checks that the books are right: for tests, and
   * for whoever suspects that memory was overwritten. Only while nobody else uses the allocator.
   *
   * @throws AssertionError with what is wrong
   */
  public void validate() {
    checkOpen();
    slabs.validate();
  }

  /**
   * Gives back now what nobody uses: everything that threads have cached, empty slabs, free pages.
   * Waits for grace periods; other threads' next allocations are slower.
   *
   * @return bytes given back to the system
   * @throws IllegalStateException under a pin, and in a constructor of objects
   */
  public long trim() {
    checkOpen();
    slabs.checkMayWait("trim()");
    StackProbe.probe();
    slabs.endMost(); // caches whose end was cut short still have fronts
    slabs.shrinkAll();
    slabs.drainPageLists(Long.MAX_VALUE);
    return pages.giveBack(Long.MAX_VALUE) * Os.PAGE_BYTES;
  }

  // ------------------------------------------------------------------ background work

  /**
   * All background work, to be run by one thread at a time. It looks for work about eighty times
   * per decay time and returns at once in between; without it nothing is given back by itself.
   */
  public Agent agent() {
    return agent;
  }

  /**
   * Makes background work of a module on top of this a part of {@link #agent}, for as long as the
   * allocator is open. It is asked for work in every duty cycle.
   */
  public void addWork(Agent work) {
    checkOpen();
    moreWork.add(Objects.requireNonNull(work, "work"));
  }

  /** Ends what {@link #addWork} began; the work may be running for the last time. */
  public void removeWork(Agent work) {
    moreWork.remove(work);
  }

  /** Has {@link #unmap} give back native memory of a module on top of this as well. */
  public void addToUnmap(Runnable unmap) {
    moreToUnmap.add(Objects.requireNonNull(unmap, "unmap"));
  }

  /** Runs {@link #agent} on a daemon thread of ours until {@link #close}. */
  public synchronized void startAgent() {
    checkOpen();
    if (runner == null) {
      var idle = new SleepingMillisIdleStrategy(50);
      runner =
          new AgentRunner(
              idle,
              error -> logger().log(System.Logger.Level.ERROR, "the kmem4j agent failed", error),
              null,
              agent);
      Thread thread = new Thread(runner, agent.roleName());
      thread.setDaemon(true);
      thread.start();
    }
  }

  private final class Housekeeper implements Agent {
    private static final int IDLE_TICKS = 2;

    private final long tickNanos =
        settings.decayNanos() == PageSettings.NEVER ? 1_000_000_000 : settings.decayNanos() / 10;

    private long nextLook = System.nanoTime();
    private long nextTick = nextLook;

    @Override
    public int doWork() {
      if (closing.get()) {
        return 0;
      }
      RuntimeException failure = null;
      int work = 0;
      try {
        work = slabs.endSome();
        for (Agent other : moreWork) {
          work += doWork(other);
        }
      } catch (RuntimeException e) { // damage, or a listener's: no reason to keep idle memory
        failure = e;
      }
      work += tidy();
      if (failure != null) {
        throw failure;
      }
      return work;
    }

    private int tidy() {
      int work = 0;
      long now = System.nanoTime();
      if (now - nextLook < 0) {
        return work;
      }
      nextLook = now + tickNanos / 8;
      if (now - nextTick >= 0) {
        nextTick = now + tickNanos;
        boolean never = settings.decayNanos() == PageSettings.NEVER;
        work += slabs.tick(never ? Slabs.NEVER : IDLE_TICKS);
      }
      return work + (int) Math.min(Integer.MAX_VALUE, pages.decay(now));
    }

    private static int doWork(Agent other) {
      try {
        return other.doWork();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(other.roleName() + " failed", e);
      }
    }

    @Override
    public String roleName() {
      return "kmem4j-agent";
    }
  }

  // ------------------------------------------------------------------ the end

  private void checkOpen() {
    if (closing.get()) {
      throw new IllegalStateException("the allocator is closed");
    }
  }

  /**
   * Ends the allocator. What is alive is reported to the builder's {@code onClose}, or logged as a
   * warning; then all memory is given back. The address range stays mapped, to zeroes. A second
   * call does nothing.
   *
   * @throws IllegalStateException under a pin, and in a constructor of objects or a shrinker: an
   *     allocation goes on after those
   * @throws RuntimeException a report on damage that came to light only now, such as a second free,
   *     or what the system refused; the allocator is closed nevertheless
   */
  @Override
  public void close() {
    slabs.checkMayEnd("close()");
    if (closing.get()) {
      return;
    }
    AgentRunner running = runner;
    if (running != null) {
      running.close();
    }
    RuntimeException trouble = slabs.finishDeferred(); // what is cached is not alive
    LiveReport report = report();
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    boolean quiet = false; // whether nobody is at work on what was there
    try {
      RuntimeException more = slabs.close();
      trouble = trouble != null ? trouble : more;
      pages.deactivate();
      Rcu.synchronize();
      slabs.drainPageLists(Long.MAX_VALUE);
      quiet = true;
    } catch (OsException e) {
      trouble = trouble != null ? trouble : e;
    } finally {
      end(quiet, report);
    }
    if (trouble != null) {
      throw trouble;
    }
  }

  /** The last steps, each of which is made whatever another one throws. */
  private void end(boolean quiet, LiveReport report) {
    try {
      slabs.forget(quiet);
    } finally {
      try {
        pages.clear();
      } finally {
        try {
          metadata.clear();
        } finally {
          if (quiet) {
            PerThread.giveLink(pageLists.endLink());
          }
          zeroed = true;
          onClose.accept(report);
        }
      }
    }
  }

  /**
   * Gives the address range back too. From here on a stale access <em>crashes the process</em>, or,
   * worse, hits what is mapped there next: call it only when no address is kept anywhere.
   *
   * @throws IllegalStateException before {@link #close}
   */
  public synchronized void unmap() {
    if (!zeroed) {
      throw new IllegalStateException("unmap() was called before close()");
    }
    if (!unmapped) {
      unmapped = true; // whatever is refused: another try might hit what is mapped there by then
      try {
        pages.unmap();
      } finally {
        try {
          metadata.unmap();
        } finally {
          moreToUnmap.forEach(Runnable::run);
        }
      }
    }
  }

  /** Looked up when there is something to say: loading a logger takes as long as all else here. */
  private static System.Logger logger() {
    return System.getLogger("org.kmem4j");
  }

  private static void warn(LiveReport report) {
    if (!report.isEmpty()) {
      logger().log(System.Logger.Level.WARNING, "closed with live memory: {0}", report);
    }
  }

  // ------------------------------------------------------------------ the builder

  /** Settings of one allocator. Not thread-safe. */
  public static final class Builder {
    private Settings settings;
    private Consumer<LiveReport> onClose = SlabAllocator::warn;

    private Builder(Settings settings) {
      this.settings = settings;
    }

    private Builder with(UnaryOperator<Properties> change) {
      settings = Settings.from(change.apply(settings.toProperties()));
      return this;
    }

    private Builder with(String property, Object value) {
      return with(
          properties -> {
            properties.setProperty(property, value.toString());
            return properties;
          });
    }

    /**
     * Ceiling of the memory held at once, in bytes; from 64 KiB to 4 TiB. The map of its pages lies
     * on the Java heap: four bytes for each, those of the first gigabyte at once.
     *
     * @throws IllegalArgumentException if it is less, as every setter does with what it does not
     *     accept; if it is more, {@link #build} throws
     */
    public Builder max(long bytes) {
      return with(Settings.MAX, bytes);
    }

    /** How long free pages keep their memory before it is given back. */
    public Builder decay(Duration time) {
      boolean isLong = Math.abs(time.toDays()) > 365; // then too long in either unit
      return with(Settings.DECAY, isLong ? time.toSeconds() + "s" : time.toNanos() + "ns");
    }

    /** Gives no memory back before {@link #close}. */
    public Builder neverDecay() {
      return with(Settings.DECAY, "never");
    }

    /** Touches new regions of 2 MiB at once, so that no page fault comes later. */
    public Builder preTouch() {
      return with(Settings.PRE_TOUCH, true);
    }

    /** Locks regions in memory; nothing is given back then. */
    public Builder lockInMemory() {
      return with(Settings.LOCK, true);
    }

    /** Asks for transparent huge pages. */
    public Builder hugePages() {
      return with(Settings.HUGE_PAGES, true);
    }

    /** Largest order of a slab, 0 to 9: with 0 every slab is one page of 4 KiB. */
    public Builder maxOrder(int order) {
      return with(Settings.MAX_ORDER, order);
    }

    /** Most objects in a thread's sheaf; 0 for no per-thread caching. */
    public Builder sheafCapacity(int objects) {
      return with(Settings.SHEAF, objects);
    }

    /** Most bytes of objects that the fronts of all threads may be able to hold. */
    public Builder frontBudget(long bytes) {
      return with(Settings.FRONTS, bytes);
    }

    /**
     * Catches wrong use: as {@code kmem4j.debug}, {@code "FZPU"}, {@code "U,order,size-*"} or the
     * like.
     *
     * @see org.kmem4j.slab.Debug
     */
    public Builder debug(String lettersAndCaches) {
      Objects.requireNonNull(lettersAndCaches, "lettersAndCaches");
      return with(Settings.DEBUG, lettersAndCaches);
    }

    /**
     * Hardens all caches for production: a double free is refused at once, each free looks at its
     * slab's header, and new slabs hand their objects out in random order. Zeroing is apart, for
     * its cost grows with the size: {@link #initOnAlloc}, {@link #initOnFree}.
     */
    public Builder hardened(boolean on) {
      return with(Settings.DOUBLE_FREE, on)
          .with(Settings.HEADERS, on)
          .with(Settings.RANDOM_ORDER, on);
    }

    /** Zeroes each object and large block when it is handed out; not what has a constructor. */
    public Builder initOnAlloc() {
      return with(Settings.INIT_ON_ALLOC, true);
    }

    /**
     * Zeroes each object and large block when it is freed; what has a constructor, when its slab is
     * given back.
     */
    public Builder initOnFree() {
      return with(Settings.INIT_ON_FREE, true);
    }

    /**
     * Tracks who allocates: of those that leave slabs one object in {@code oneIn}, on average, and
     * at most one of those that fill a sheaf together; 1 for each, which takes the fronts away; 0
     * for none. Above 1 what is accounted by object, or debugs without tracking, is left out.
     * {@link SlabAllocator#leaks}, {@link SlabAllocator#close} and closing groups then tell where
     * live objects come from.
     */
    public Builder leaks(int oneIn) {
      return with(Settings.LEAKS, oneIn);
    }

    /** Receives what is alive at {@link SlabAllocator#close}; by default a warning is logged. */
    public Builder onClose(Consumer<LiveReport> listener) {
      onClose = Objects.requireNonNull(listener, "listener");
      return this;
    }

    /**
     * Reserves the address space.
     *
     * @throws IllegalStateException if the JVM was started without a flag that is needed; it is
     *     named
     * @throws UnsupportedOperationException if the system's pages are not those we work with
     * @throws RuntimeException if the system refuses; the message has its call and errno
     */
    public SlabAllocator build() {
      try {
        return new SlabAllocator(this);
      } catch (ExceptionInInitializerError e) { // what is missing comes to light in the first use
        if (e.getCause() instanceof RuntimeException reason) {
          throw reason;
        }
        throw e;
      }
    }
  }
}
