package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;
import org.kmem4j.page.PageMap;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.Slot;
import org.kmem4j.sync.StackProbe;

/**
 * {@code struct kmem_cache}: all slabs of one kind of object. Objects are addresses; 0 is none. Any
 * thread may call any method, and free what another allocated. The model is Linux's {@code
 * mm/slub.c} with its per-CPU sheaves; what is ours is how a front is taken from its thread.
 *
 * <p>An operation goes through ever dearer places and stops at the first that serves it:
 *
 * <pre>
 *   front     two sheaves of the thread's slot; no lock, no atomic    {@link Front}
 *   barn      full and empty sheaves, whole ones change hands         lock    {@link CacheFronts}
 *   slabs     the partial list, many objects at a time                lock    {@link CacheSlabs}
 *   pages     a new slab, charged to the account                      none held
 * </pre>
 *
 * <p>A cache that a program makes is a <em>root</em>. {@link #in} gives its <em>child</em> for an
 * account, whose pages that account pays for. A child is a handle that stays valid for ever: when
 * it has ended, because its account was closed, it passes every call on to the child of the
 * account's heir.
 *
 * <p><b>Invariant at rest</b>: {@code inuse = used by the program + in sheaves}; those of the slabs
 * are in {@link PartialList}. Its life is in {@link OwnedCache}.
 */
public final class KmemCache extends OwnedCache {
  private static final Struct CACHE =
      Struct.named("kmem_cache", "All slabs of one kind of object. Its address is stable.");

  static final long MEMCG = CACHE.word("memcg", "the one word that says who pays; 0 for nobody");
  static final long ROOT = CACHE.word("root", "address of the root cache; its own if it is one");
  static final long ID = CACHE.half("id", "number of the cache and of its link; constant");
  static final long STRIDE = CACHE.half("stride", "bytes between objects; constant");
  static final long COOKIE = CACHE.word("cookie", "random; slabs repeat it");
  static final long PAGES = CACHE.word("pages", "pages of all slabs; guarded by the lock");
  static final long INUSE =
      CACHE.word("inuse", "objects allocated, sheaves included; guarded by the lock");
  static final long SIZE = CACHE.end(64);
  static final String LAYOUT = CACHE.toMarkdown();

  /** A page map entry that no page has: that of a cache without pages. */
  private static final int NO_ENTRY = -1;

  /** Objects that are looked at before they are freed in one section. */
  private static final int BULK = 64;

  // Read by the fast paths.
  private final PageMap map;
  private int pageEntry; // NO_ENTRY too if the cache is guarded
  private final int factor;
  private final int origin;
  private final int turn;
  private final int objects;

  // Of a hardened cache.
  private final Guard guard; // null if it does nothing to objects
  private int guardedEntry = NO_ENTRY;

  private final CacheOptions options;
  private final KmemCache root;
  private final CacheSlabs store;
  private final CacheFronts fronts;

  /**
   * The cache of the same root and account whose objects are tracked, of which a sample is served:
   * made for the first. It has no fronts, so its objects leave the fast paths by themselves, and it
   * is in all books as a child is. Null if nothing is sampled.
   */
  private final AtomicReference<KmemCache> tracked;

  /** The cache that this one tracks a sample for, or null. */
  private final KmemCache trackedFor;

  /** How many objects slabs give until the next is sampled; racy. */
  private int untilSample;

  /** Of a root: the children that accounts have, but for those that are ending. Or null. */
  private final ConcurrentHashMap<Account, KmemCache> children;

  /** Of a root: the children that are not released yet, each of which refers to it. Or null. */
  private final AtomicInteger childCount;

  KmemCache(Slabs slabs, CacheOptions options, KmemCache parent, Account account) {
    this(slabs, options, parent, account, null);
  }

  private KmemCache(
      Slabs slabs, CacheOptions options, KmemCache parent, Account account, KmemCache trackedFor) {
    SlabGeometry geometry =
        parent == null || !options.equals(parent.options)
            ? CacheSlabs.geometry(options, slabs)
            : parent.geometry();
    super(slabs, SIZE, account);
    this.map = slabs.pages().map();
    this.options = options;
    this.root = parent == null ? this : parent;
    this.trackedFor = trackedFor;
    long cookie = slabs.newCookie();
    boolean done = false;
    try {
      this.children = parent == null ? new ConcurrentHashMap<>() : null;
      this.childCount = parent == null ? new AtomicInteger() : null;
      this.store = new CacheSlabs(this, options, cookie, geometry);
      boolean wantsFronts = !options.debugs() && options.objectAccount() == null;
      this.fronts = new CacheFronts(this, store, wantsFronts);
      boolean samples = wantsFronts && slabs.settings().leaks() > 1;
      this.tracked = samples ? new AtomicReference<>() : null;
      this.untilSample = samples ? samplingInterval() : Integer.MAX_VALUE;
      done = true;
    } finally { // whatever it throws
      if (!done) {
        abandon(SIZE);
      }
    }
    this.factor = geometry.factor();
    this.origin = geometry.origin();
    this.turn = geometry.turn();
    this.objects = geometry.objects();
    this.guard = store.guard();
    int entry = PageMap.slabEntry(geometry.order(), link());
    this.pageEntry = guard == null ? entry : NO_ENTRY;
    this.guardedEntry = guard == null ? NO_ENTRY : entry;
    Memory.putLong(address + ROOT, root.address);
    Memory.putInt(address + ID, link());
    Memory.putInt(address + STRIDE, geometry.stride());
    Memory.putLong(address + COOKIE, cookie);
  }

  // ------------------------------------------------------------------ allocation

  /**
   * Takes one object; its contents are undefined, or as its constructor and last user left them.
   *
   * @return its address, or 0 if the ceiling, the account or the system refuses; no other thread is
   *     disturbed to make room
   * @throws IllegalStateException after {@code close} or {@link #destroy}
   */
  public long tryAlloc() {
    Slot slot = PerThread.currentUnbound();
    if (slot != null) {
      long object = Front.pop(slot, this);
      if (object > 0) {
        return object;
      }
      if (object < 0) {
        try {
          return guard.handOut(object);
        } catch (StackOverflowError e) {
          // No call: there is no stack for one.
          guard.strays[guard.strayCount++ & (Guard.STRAYS - 1)] = object;
          throw e;
        }
      }
    }
    return allocSlow();
  }

  /**
   * As {@link #tryAlloc()}, under the calling thread's pin: no slot look-up, no read section. It
   * does not ask whether the thread is bound to an account.
   */
  public long tryAlloc(Pin pin) {
    assert pin.isMine();
    long object = Front.popPinned(pin.slot(), this);
    if (object > 0) {
      return object;
    }
    if (object < 0) {
      try {
        return guard.handOut(object);
      } catch (StackOverflowError e) {
        // No call: there is no stack for one.
        guard.strays[guard.strayCount++ & (Guard.STRAYS - 1)] = object;
        throw e;
      }
    }
    return allocRefilling();
  }

  /**
   * Takes one object, making room first if need be: memory that threads have cached is collected,
   * and accounts reclaim.
   *
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   * @throws IllegalStateException after {@code close} or {@link #destroy}
   */
  public long alloc() {
    long object = tryAlloc();
    return object != 0 ? object : allocMakingRoom(stride());
  }

  /**
   * Takes one object.
   *
   * @param bytes what is asked for, of which the object may be a part
   */
  private long allocMakingRoom(long bytes) {
    StackProbe.probe();
    KmemCache payer = boundOrThis();
    Slot pinned = suspendPin();
    try {
      return payer.insist(payer::takeFromSlab, bytes, leastPages());
    } finally {
      resumePin(pinned);
    }
  }

  /** Takes one object without a front, or says who refused. */
  private long takeFromSlab() {
    StackProbe.probe();
    if (!enter()) {
      return successor().alloc();
    }
    long object = 0;
    try {
      object = store.takeOne();
    } finally {
      leaveWith(object);
    }
    return object;
  }

  /** A pin protects nothing across a slow path. Returns the slot if it was pinned, else null. */
  static Slot suspendPin() {
    Slot slot = PerThread.existing(); // no new one: that would probe the stack, and may throw
    if (slot == null || !Rcu.isPinned(slot)) {
      return null;
    }
    Rcu.unpin(slot);
    return slot;
  }

  static void resumePin(Slot slot) {
    if (slot != null) {
      Rcu.pin(slot);
    }
  }

  /**
   * Serves what the front of {@link PerThread#currentUnbound} could not, or returns 0. Its callers
   * return what it returns: a computation there would be part of each loop that allocates, and the
   * values of that loop would be spilled for it.
   */
  private long allocSlow() {
    KmemCache payer = tryBoundOrThis();
    if (payer != this) {
      return payer == null ? NO_PAGES : payer.tryAlloc();
    }
    long object = fronts.exist() ? popElsewhere() : 0;
    return object != 0 ? object : allocRefilling();
  }

  /** The child that the calling thread is bound to, if this is a root; else this. */
  private KmemCache boundOrThis() {
    return root == this && PerThread.binding() instanceof Account bound && bound.paysIn(slabs)
        ? in(bound)
        : this;
  }

  /** As {@link #boundOrThis}; null if there is no room for a child. */
  private KmemCache tryBoundOrThis() {
    try {
      return boundOrThis();
    } catch (OutOfNativeMemoryException e) {
      return null;
    }
  }

  /** Pops for a thread that is virtual, new or bound, or whose id collides with another's. */
  private long popElsewhere() {
    if (guard != null) {
      StackProbe.probe(); // for what follows the pop
    }
    Slot slot = PerThread.find();
    if (slot != null) {
      return handOut(Front.pop(slot, this));
    }
    Slot stripe = PerThread.tryLockStripe();
    if (stripe == null) {
      return 0;
    }
    long object;
    try {
      object = Front.pop(stripe, this);
    } finally {
      PerThread.unlock(stripe);
    }
    return handOut(object);
  }

  private long handOut(long popped) {
    return popped < 0 ? guard.handOut(popped) : popped;
  }

  private long allocRefilling() {
    slabs.checkOpen();
    if (account != null && !isRetired() && account.isFull(this) && hasNothingFree()) {
      return 0;
    }
    StackProbe.probe();
    if (!enter()) {
      KmemCache next = trySuccessor();
      return next == null ? NO_PAGES : next.tryAlloc();
    }
    long object = 0;
    try {
      Slot pinned = suspendPin();
      try {
        long taken = Math.max(0, fronts.take());
        object = untilSample > 0 || taken == 0 ? taken : sampledInPlaceOf(taken);
      } finally {
        resumePin(pinned);
      }
    } finally {
      leaveWith(object);
    }
    return object;
  }

  /** As {@link #leave}; if that reports damage, what was taken is free again. */
  private void leaveWith(long taken) {
    boolean done = false;
    try {
      leave();
      done = true;
    } finally {
      if (!done && taken > 0) {
        free(taken);
      }
    }
  }

  // ------------------------------------------------------------------ sampling

  /**
   * Counts objects that leave slabs: those of a pair that goes on and on do not, those that are
   * never freed do.
   */
  void leftSlab(int count) {
    if (tracked != null) {
      untilSample -= count;
    }
  }

  /** At random around the mean, so that no loop of the program keeps step with it. */
  private int samplingInterval() {
    return (int) ThreadLocalRandom.current().nextLong(1, 2L * slabs.settings().leaks());
  }

  /**
   * Gives an object back for one that is tracked, if that can be had. Where there is no room for
   * that it is not sampled; what else comes of the attempt is thrown, and no object taken.
   */
  private long sampledInPlaceOf(long object) {
    untilSample = samplingInterval();
    long sample = 0;
    try {
      sample = takeTracked();
    } catch (OutOfNativeMemoryException | StackOverflowError | OutOfMemoryError e) {
      return object;
    } catch (RuntimeException | Error e) { // damage, or of a constructor, or of an account
      fronts.put(object);
      throw e;
    }
    if (sample <= 0) {
      return object;
    }
    try {
      fronts.put(object);
    } catch (CorruptionException | IllegalArgumentException e) { // of another object
      free(sample);
      throw e;
    }
    return sample;
  }

  /** Takes one object of the cache that tracks, or returns 0 or less. */
  private long takeTracked() {
    KmemCache cache = tracked.get();
    if (cache == null) {
      cache = createTracked();
    }
    if (cache == null || !cache.enter()) {
      return 0;
    }
    long taken = 0;
    try {
      taken = cache.store.takeOne();
    } finally {
      cache.leaveWith(taken);
    }
    return taken;
  }

  /**
   * Returns the cache that tracks, by whomever it was made; null if the account was closed, or an
   * object with its tracks fits no slab.
   */
  private KmemCache createTracked() {
    CacheOptions tracking = options.debug(EnumSet.of(Debug.TRACK));
    if (CacheSlabs.geometryIfAny(tracking, slabs) == null) {
      return null;
    }
    StackProbe.probe(); // this is deeper than what the last one was for
    KmemCache fresh = new KmemCache(slabs, tracking, root, account, this);
    return publish(fresh, () -> tracked.compareAndSet(null, fresh), tracked::get);
  }

  /** Whether this holds the tracked objects of another cache of the same name and account. */
  public boolean isSample() {
    return trackedFor != null;
  }

  /** Live objects of the cache that this one tracks a sample for. */
  long untrackedObjects() {
    return trackedFor == null ? 0 : trackedFor.usedObjects();
  }

  private boolean hasNothingFree() {
    return store.list().freeObjects() == 0 && fronts.areEmpty(PerThread.existing());
  }

  /** Who serves in place of a child that has ended. */
  private KmemCache successor() {
    slabs.checkOpen();
    if (root == this) {
      throw destroyed();
    }
    Account heir = account.heir();
    return heir == null ? root : root.in(heir);
  }

  /** As {@link #successor}; null if there is no room for a child. */
  private KmemCache trySuccessor() {
    try {
      return successor();
    } catch (OutOfNativeMemoryException e) {
      return null;
    }
  }

  // ------------------------------------------------------------------ freeing

  /**
   * Gives one object back. 0 is allowed and does nothing.
   *
   * @param object an address that this cache, its root or another child of that handed out
   * @throws IllegalArgumentException if it is not the address of an object of this cache
   * @throws IllegalStateException after {@code close}
   */
  public void free(long object) {
    int entry = map.entry(object);
    if (isOurs(entry, object)) {
      push(object);
    } else {
      freeElsewhere(entry, object);
    }
  }

  /** As {@link #free(long)}, under the calling thread's pin. */
  public void free(Pin pin, long object) {
    assert pin.isMine();
    int entry = map.entry(object);
    if (!isOurs(entry, object)) {
      freeElsewhere(entry, object);
    } else if (!Front.pushPinned(pin.slot(), this, object)) {
      freeSlow(object);
    }
  }

  /**
   * Frees an object by its page map entry, which names this cache. The number for the front comes
   * from there too: so the processor need not wait for this object's fields to find it.
   */
  void free(int entry, long object) {
    if (isOurs(entry, object)) {
      Slot slot = PerThread.current();
      if (slot == null || !Front.push(slot, this, PageMap.cacheId(entry), object)) {
        freeSlow(object);
      }
    } else {
      freeElsewhere(entry, object);
    }
  }

  /**
   * Whether an object of ours, in a slab of the usual order, begins at an address. The page map
   * answers, not the slab's header: all headers lie at the same offset of their pages and compete
   * for the same few lines of the processor's caches. The headers are checked when objects return
   * to their slabs.
   */
  private boolean isOurs(int entry, long object) {
    return entry == pageEntry && beginsUsualObject(object);
  }

  /** As {@link SlabGeometry#indexOf} tells, in a slab of the usual order: by the address alone. */
  private boolean beginsUsualObject(long object) {
    int index = Integer.rotateRight((int) object * factor - origin, turn);
    return Integer.compareUnsigned(index, objects) < 0;
  }

  private void push(long object) {
    Slot slot = PerThread.current();
    if (slot == null || !Front.push(slot, this, object)) {
      freeSlow(object);
    }
  }

  private void freeElsewhere(int entry, long object) {
    if (entry == guardedEntry && beginsUsualObject(object)) {
      pushGuarded(object);
    } else {
      freeOfAnother(object);
    }
  }

  private void pushGuarded(long object) {
    if (!pushGuarded(PerThread.current(), object)) {
      freeSlow(object);
    }
  }

  /** Pushes an object of a guarded cache; false if there is no front, or no room in it. */
  private boolean pushGuarded(Slot slot, long object) {
    boolean onItsWay = false;
    try {
      guard.takeBack(object);
      onItsWay = true;
      if (slot != null && Front.push(slot, this, Guard.seal(object))) {
        return true;
      }
      guard.keep(object);
      return false;
    } catch (StackOverflowError e) {
      if (!onItsWay) {
        throw e;
      }
      // No call: there is no stack for one.
      guard.strays[guard.strayCount++ & (Guard.STRAYS - 1)] = ~object;
      return true;
    }
  }

  private void freeOfAnother(long object) {
    if (object == 0) {
      return;
    }
    KmemCache owner = slabs.cacheAround(object);
    if (owner == null) {
      slabs.checkOpen();
      throw new IllegalArgumentException(slabs.describeForeign(object, "cache \"" + name() + "\""));
    }
    if (owner.root != root) {
      throw new IllegalArgumentException(
          Slabs.hex(object)
              + " belongs to cache \""
              + owner.name()
              + "\", not to \""
              + name()
              + "\"; it lies in slab "
              + Slabs.hex(slabOf(object))
              + owner.history(object));
    }
    if (!owner.beginsObject(object)) {
      throw owner.notAnObject(object);
    }
    if (owner.guard == null) {
      owner.push(object);
    } else {
      owner.pushGuarded(object);
    }
  }

  /** Whether an object begins at an address inside one of our slabs, of whatever order. */
  boolean beginsObject(long object) {
    long slab = slabOf(object);
    int index = geometry().indexOf(slab, object);
    return Integer.compareUnsigned(index, Slab.objects(slab)) < 0;
  }

  private IllegalArgumentException notAnObject(long object) {
    return new IllegalArgumentException(
        Slabs.hex(object)
            + " is no object of cache \""
            + name()
            + "\": it lies "
            + where(object)
            + history(object));
  }

  /** Who allocated and who freed the object around an address, if the cache tracks. */
  String history(long address) {
    long slab = store.debug() == null ? 0 : slabOf(address);
    long offset = address - slab - geometry().first();
    return slab == 0 || offset < 0 || offset / stride() >= Slab.objects(slab)
        ? ""
        : store.debug().history(slab, (int) (offset / stride()));
  }

  /** Says where in one of our slabs an address lies. */
  String where(long address) {
    long slab = slabOf(address);
    long offset = address - slab - geometry().first();
    int stride = stride();
    return offset < 0
        ? "in the header of slab " + Slabs.hex(slab)
        : offset / stride >= Slab.objects(slab)
            ? "behind the last object of slab " + Slabs.hex(slab)
            : offset % stride
                + " bytes inside the object at "
                + Slabs.hex(address - offset % stride)
                + " of slab "
                + Slabs.hex(slab);
  }

  /** Takes back what the front of {@link PerThread#current} had no room for. */
  private void freeSlow(long object) {
    if (!fronts.exist() || !pushElsewhere(object)) {
      freeMakingRoom(object);
    }
  }

  /** Pushes for a thread that is virtual, or new, or whose id collides with another's. */
  private boolean pushElsewhere(long object) {
    Slot slot = PerThread.find();
    if (slot != null) {
      return pushTo(slot, object);
    }
    Slot stripe = PerThread.tryLockStripe();
    if (stripe == null) {
      return false;
    }
    try {
      return pushTo(stripe, object);
    } finally {
      PerThread.unlock(stripe);
    }
  }

  private boolean pushTo(Slot slot, long object) {
    return guard == null ? Front.push(slot, this, object) : pushGuarded(slot, object);
  }

  private void freeMakingRoom(long object) {
    slabs.checkOpen();
    StackProbe.probe();
    if (!enterForLiveObject()) {
      if (slabs.cacheAround(object) != this) {
        freeOfAnother(object); // our number ended, and serves another, since the entry was read
        return;
      }
      throw new IllegalArgumentException(slabs.describeForeign(object, "cache \"" + name() + "\""));
    }
    try {
      Slot pinned = suspendPin();
      try {
        fronts.put(object);
      } finally {
        resumePin(pinned);
      }
    } finally {
      leave();
    }
  }

  // ------------------------------------------------------------------ many at once

  /**
   * Takes {@code count} objects, or none.
   *
   * @param objects receives the addresses from index {@code from}
   * @return false if not all could be had; what had been taken is free again
   * @throws IndexOutOfBoundsException if the array is too short; nothing was taken
   * @throws IllegalStateException after {@code close} or {@link #destroy}
   */
  public boolean tryAllocBulk(long[] objects, int from, int count) {
    return allocBulk(objects, from, count, false);
  }

  /**
   * As {@link #tryAllocBulk}, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if not all could be had; none is taken
   * @throws IllegalStateException after {@code close} or {@link #destroy}
   */
  public void allocBulk(long[] objects, int from, int count) {
    boolean all = allocBulk(objects, from, count, true);
    assert all;
  }

  private boolean allocBulk(long[] objects, int from, int count, boolean mayWait) {
    Objects.checkFromIndexSize(from, count, objects.length);
    int taken = 0;
    boolean done = false;
    try {
      while (taken < count) {
        Slot slot = PerThread.currentUnbound();
        int popped =
            slot == null || guard != null
                ? 0
                : Front.popMany(slot, this, objects, from + taken, count - taken);
        taken += popped;
        if (popped == 0) {
          long object = tryAlloc();
          if (object == 0 && mayWait) {
            object = allocMakingRoom((long) count * stride());
          }
          if (object == 0) {
            break;
          }
          objects[from + taken++] = object;
        }
      }
      done = taken == count;
    } finally {
      if (!done) {
        freeBulk(objects, from, taken);
      }
    }
    return done;
  }

  /**
   * Frees objects and sets their array elements to 0. Zeroes are passed over.
   *
   * @throws IllegalArgumentException at the first that is no object of this cache: those before it
   *     are free, its element is 0, and those behind it are as they were
   * @throws IllegalStateException after {@code close}
   */
  public void freeBulk(long[] objects, int from, int count) {
    Objects.checkFromIndexSize(from, count, objects.length);
    int end = from + count;
    for (int i = from; i < end; ) {
      int ours = i; // the end of a run of objects of the usual kind, about a sheaf long
      while (ours < Math.min(end, i + BULK) && isOurs(map.entry(objects[ours]), objects[ours])) {
        ours++;
      }
      Slot slot = PerThread.current();
      int pushed = slot == null ? 0 : Front.pushMany(slot, this, objects, i, ours - i);
      Arrays.fill(objects, i, i + pushed, 0);
      i += pushed;
      if (pushed == 0) { // a full front, or an address that is none of ours
        long object = objects[i];
        objects[i++] = 0;
        free(object);
      }
    }
  }

  /**
   * Makes slabs until {@code count} objects are free, and keeps them until {@link #shrink}.
   *
   * @return false if the ceiling, the account or the system refuses; slabs made so far stay, but
   *     none is made for more objects than the ceiling can ever hold
   */
  public boolean tryPrewarm(long count) {
    try {
      return boundOrThis().prewarmOnce(count) > 0;
    } catch (OutOfNativeMemoryException e) { // no room for a child
      return false;
    }
  }

  /**
   * As {@link #tryPrewarm}, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   */
  public void prewarm(long count) {
    KmemCache payer = boundOrThis();
    long bytes = count > Long.MAX_VALUE / stride() ? Long.MAX_VALUE : count * stride();
    payer.insist(() -> payer.prewarmOnce(count), bytes, leastPages());
  }

  /** Returns 1, or says who refused. */
  private long prewarmOnce(long count) {
    if (count < 0) {
      throw new IllegalArgumentException("count=" + count + ", accepted: 0 or more");
    }
    slabs.checkOpen();
    if (count > slabs.ceilingBytes() / stride()) {
      return NO_PAGES;
    }
    StackProbe.probe();
    if (!enter()) {
      return successor().prewarmOnce(count);
    }
    try {
      Slot pinned = suspendPin();
      try {
        return addSlabsFor(count);
      } finally {
        resumePin(pinned);
      }
    } finally {
      leave();
    }
  }

  private long addSlabsFor(long count) {
    // With a bound: whoever trims as fast as slabs are made would hold us up for ever.
    for (long made = 0; !store.list().keepFree(count); made++) {
      long slab = made > 2 * count ? NO_PAGES : store.addSlab();
      if (slab <= 0) {
        return slab;
      }
    }
    return 1;
  }

  // ------------------------------------------------------------------ giving back

  /**
   * Gives back what nobody uses: objects in all sheaves, those of parked and dead threads too, and
   * every empty slab. Waits for a grace period.
   *
   * @return pages given back to the page allocator
   * @throws IllegalStateException under a pin, or after {@link #destroy}
   */
  public long shrink() {
    slabs.checkOpen();
    StackProbe.probe();
    checkMayWait("shrink()");
    if (!enter()) {
      return successor().shrink();
    }
    try {
      return shrinkEntered();
    } finally {
      leave();
    }
  }

  /** As {@link #shrink}, in a slow operation. */
  long shrinkEntered() {
    long before = store.list().pages();
    fronts.unlink();
    slabs.deferred().finish(Long.MAX_VALUE);
    store.list().keepNone();
    dropEmpty();
    return Math.max(0, before - store.list().pages());
  }

  @Override
  public void unlinkFronts() {
    fronts.unlink();
  }

  @Override
  public void dropEmpty() {
    fronts.emptyBarn();
    store.trimEmpties();
  }

  /**
   * Called by the agent once per tick: an idle cache gives its sheaves and empty slabs back, and
   * another one what nobody has needed since the last tick.
   *
   * @param ticks after how many idle ticks
   */
  boolean trimIfIdle(int ticks) {
    if (!fronts.areIdle(ticks)) {
      fronts.trimBarn();
      return false;
    }
    fronts.unlink();
    dropEmpty();
    return true;
  }

  // ------------------------------------------------------------------ the end

  /**
   * Ends the cache, a root with all its children: it gives no more objects, and its memory goes
   * back. Waits for grace periods. What the program still holds may be freed later; the last object
   * takes the cache with it.
   *
   * @return objects that the program still holds
   * @throws IllegalStateException under a pin, or if called twice
   */
  public long destroy() {
    checkMayWait("destroy()");
    slabs.checkOpen();
    StackProbe.probe();
    if (!tryBeginRetirement()) {
      throw destroyed();
    }
    List<KmemCache> ending = new ArrayList<>();
    for (KmemCache cache : slabs.snapshot()) {
      if (cache == this || cache.trackedFor == this || root == this && cache.root == this) {
        cache.retire();
        ending.add(cache);
      }
    }
    Retirement.finish(slabs.endings(), ending);
    slabs.deferred().finish(Long.MAX_VALUE); // others may still be emptying sheaves
    return ending.stream().mapToLong(KmemCache::usedObjects).sum();
  }

  @Override
  long holdings() {
    return store.list().slabs() + (root == this ? childCount.get() : 0);
  }

  @Override
  void retireChildren() {
    if (root == this) {
      children.values().forEach(OwnedCache::retire);
    }
  }

  @Override
  void hide() {
    if (trackedFor != null) {
      trackedFor.tracked.compareAndSet(this, null);
    } else if (root != this) {
      root.children.remove(account, this);
    }
    retireSample();
  }

  private void retireSample() {
    KmemCache sample = tracked == null ? null : tracked.get();
    if (sample != null) {
      sample.retire();
    }
  }

  @Override
  void drain() {
    retireSample(); // it may have been made since
    try {
      slabs.deferred().finishElapsed(); // which may report damage of whatever cache
    } finally {
      try {
        fronts.closeBarn();
      } finally {
        store.keepNoEmpties();
      }
    }
  }

  @Override
  long structBytes() {
    return SIZE;
  }

  @Override
  void vanish() {
    pageEntry = NO_ENTRY;
    guardedEntry = NO_ENTRY;
  }

  @Override
  void released() {
    if (root != this) {
      root.childCount.decrementAndGet();
      root.dropReferences(1);
    }
  }

  private IllegalStateException destroyed() {
    return new IllegalStateException("cache \"" + name() + "\" was destroyed");
  }

  // ------------------------------------------------------------------ accounts

  /**
   * The child of this cache whose pages an account pays for, or its heir if it is closed: made on
   * first use, the same one ever after. Objects may be freed through any child, and the root.
   *
   * @throws IllegalArgumentException if the account pays in another allocator
   * @throws OutOfNativeMemoryException if there is no room for one more cache
   * @throws IllegalStateException after {@code close} or {@link #destroy}
   */
  public KmemCache in(Account payer) {
    Objects.requireNonNull(payer, "account");
    if (root != this) {
      return root.in(payer);
    }
    KmemCache child = children.get(payer);
    while (child == null) {
      Account heir = payer.heir();
      if (heir == null) {
        return this;
      }
      child = heir.equals(payer) ? createChild(payer) : in(heir);
    }
    return child;
  }

  /** Returns the child, by whomever it was made, or null if the account was closed meanwhile. */
  private KmemCache createChild(Account payer) {
    slabs.checkOpen();
    slabs.checkPays(payer);
    StackProbe.probe();
    if (!enter()) {
      throw destroyed();
    }
    try {
      KmemCache fresh = new KmemCache(slabs, options, this, payer);
      KmemCache child =
          publish(fresh, () -> children.putIfAbsent(payer, fresh), () -> children.get(payer));
      if (isRetired()) {
        throw destroyed();
      }
      return child;
    } finally {
      leave();
    }
  }

  /**
   * Publishes a new cache of the same root that ends with this one, if not before.
   *
   * @param found which one was published, by whomever
   * @return that, or null if the account was closed meanwhile
   */
  private KmemCache publish(KmemCache fresh, Runnable publish, Supplier<KmemCache> found) {
    root.addReferences(1); // the new one's, until it is released
    root.childCount.incrementAndGet();
    KmemCache published = null;
    try {
      slabs.publish(fresh, publish);
      published = found.get();
    } finally {
      // Somebody was faster, or the account was closed, or threw: nobody has seen it. Or this
      // was destroyed: either destroy() has found the new one, or its mark is seen here.
      if (published != fresh || isRetired() || root.isRetired()) {
        fresh.retire();
      }
    }
    return published;
  }

  // ------------------------------------------------------------------ inside

  /** The name it was given; several caches may have the same. */
  @Override
  public String name() {
    return options.name();
  }

  /** Whether wrong use is caught, at the price of having no fronts. */
  public boolean isDebug() {
    return options.debugs();
  }

  /** Whether its pages count as those of objects that can be given up on demand. */
  public boolean isReclaimable() {
    return options.reclaimable();
  }

  /** Size of an object in bytes, as asked for. */
  public int objectBytes() {
    return options.objectBytes();
  }

  /**
   * Bytes that may be used in each object: its size, or, if the cache does not debug, its stride.
   */
  public int usableBytes() {
    return options.debugs() ? options.objectBytes() : stride();
  }

  /** Bytes that may be used in an object that begins at an address. */
  int usableBytes(long object) {
    return options.debugs() ? store.debug().usableBytes(object) : usableBytes();
  }

  /**
   * Guards what lies behind the bytes that were asked for, in an object that was just taken from
   * this cache or a child of it. Only in a cache that debugs.
   */
  void narrow(long object, int bytes) {
    slabs.cacheAround(object).store.debug().narrow(object, bytes);
  }

  private int stride() {
    return geometry().stride();
  }

  /** The cache that the program made, of which this is a child; itself if it is no child. */
  public KmemCache root() {
    return root;
  }

  /**
   * How often the object at an address was freed, in a debug cache: a kept address whose number has
   * changed means another object.
   *
   * @return the number, or -1 if the object is free; always 0 if the cache does not debug
   * @throws IllegalArgumentException if no object of this cache begins at the address
   */
  public int generation(long object) {
    slabs.checkOpen();
    KmemCache owner = slabs.cacheAround(object);
    if (owner == null || owner.root != root || !owner.beginsObject(object)) {
      throw new IllegalArgumentException(slabs.describeForeign(object, "cache \"" + name() + '"'));
    }
    return options.debugs() ? owner.store.debug().generation(object) : 0;
  }

  /**
   * Visits every object of this cache alone, children not included, that is in the hands of the
   * program, with its allocation as far as that is known; none unless the cache tracks. The visitor
   * must not use the cache.
   */
  void forEachLive(LiveVisitor visitor) {
    if (store.debug() != null) {
      store.debug().forEachLive(visitor);
    }
  }

  /**
   * Looks at every slab of a cache that debugs, those of its children included, at any time: at
   * headers and freelists, and at what its {@link Debug} letters say. What is wrong is put right,
   * as far as that is possible, and its slab frozen: it gives no object any more. So each damage is
   * reported once.
   *
   * @return a report on each thing that was wrong, and one on each that was put right; of a cache
   *     that was destroyed also on each slab that is left, and on each object; none if all is well
   * @throws IllegalStateException if the cache does not debug, or after {@code close}
   */
  public List<String> validate() {
    slabs.checkOpen();
    if (!isDebug()) {
      throw new IllegalStateException(
          "cache \"" + name() + "\" does not debug; kmem4j.debug=FZPU," + name() + " makes it");
    }
    StackProbe.probe();
    List<String> reports = new ArrayList<>();
    for (KmemCache cache : slabs.snapshot()) {
      if ((cache == this || cache.root == this) && cache.store.debug() != null) {
        reports.addAll(cache.store.debug().validate());
      }
    }
    return reports;
  }

  /** Is told of a live object, and of the address of its allocation's words in {@link Tracks}. */
  interface LiveVisitor {
    void visit(long object, long track);
  }

  Description describe(long where, long region, long slab) {
    long offset = where - slab - geometry().first();
    int index = (int) (offset / stride());
    if (offset < 0 || index >= Slab.objects(slab)) {
      return new Description(where, region, slab, name(), 0, -1, 0, "header", payerName());
    }
    long object = geometry().addressOf(slab, index);
    return new Description(
        where,
        region,
        slab,
        name(),
        object,
        index,
        where - object,
        stateOf(slab, index),
        payerName());
  }

  private String stateOf(long slab, int index) {
    if (options.debugs()) {
      return store.debug().isTaken(slab, index) ? "in use" : "free";
    }
    if (geometry().hasMarks()) {
      return guard.isInUse(geometry().addressOf(slab, index)) ? "in use" : "free";
    }
    return store.list().isFree(slab, index) ? "free" : "in a sheaf or in use";
  }

  @Override
  public long pages() {
    if (!enterToLook()) {
      return 0;
    }
    try {
      return store.list().pages();
    } finally {
      leaveUntouched();
    }
  }

  @Override
  public long leastPages() {
    return store.leastPages();
  }

  @Override
  public long usedObjects() {
    if (!enterToLook()) {
      return 0;
    }
    try {
      return Math.max(0, store.list().inuseObjects() - fronts.cachedObjects());
    } finally {
      leaveUntouched();
    }
  }

  @Override
  public long bytesPerObject() {
    return stride();
  }

  /** The numbers of this cache, its children not included. */
  public CacheStats stats() {
    slabs.checkOpen();
    if (!enterToLook()) {
      return CacheStats.none(name(), objectBytes(), geometry());
    }
    try {
      return store.list().stats(fronts.cachedObjects());
    } finally {
      leaveUntouched();
    }
  }

  // ------------------------------------------------------------------ for SlabValidator, at rest

  CacheSlabs store() {
    return store;
  }

  long slabOf(long object) {
    return map.slabOf(object);
  }

  SlabGeometry geometry() {
    return store.geometry();
  }

  /** Every sheaf of this cache, in fronts and barn. */
  List<Sheaf> sheaves() {
    return fronts.sheaves();
  }

  long sheafBytes(int capacity) {
    return fronts.sheafBytes(capacity);
  }

  @Override
  public String toString() {
    return "kmem_cache \"" + name() + "\"" + (account == null ? "" : " of " + account);
  }
}
