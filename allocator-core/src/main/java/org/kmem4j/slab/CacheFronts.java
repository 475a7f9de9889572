package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.kmem4j.sync.AllFronts;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.Slot;

/**
 * The fronts of one cache and the barn behind them: the slow path between a thread's sheaves and
 * the slabs. It detaches a front, works on it as private memory, and attaches it again; no lock,
 * read section or stripe is held while it charges, takes pages or runs a constructor.
 *
 * <p>Fronts start small, grow with use, and count in a budget of the allocator.
 */
final class CacheFronts {
  /** Full sheaves that a barn may hold at first, at most, by count and by bytes. */
  private static final int BARN_SHEAVES = 8;

  private static final int BARN_BYTES = 64 << 10;

  /** A barn never grows beyond this part of the budget for all fronts. */
  private static final int BARN_PART = 16;

  /** Capacity of a front's first sheaf. */
  private static final int FIRST_SHEAF = 6;

  /** Objects that one sheaf may hold, in bytes. */
  private static final int SHEAF_BYTES = 32 << 10;

  private final KmemCache cache;
  private final Slabs slabs;
  private final CacheSlabs store;
  private final Guard guard;
  private final int stride;
  private final int sheafMax;
  private final Barn barn;
  private final AllFronts ofThreads;
  private final BooleanSupplier allowed;

  /** Slow operations so far, racily counted: tells the agent that the cache is idle. */
  private int operations;

  // The agent's.
  private int seenOperations;
  private long seenCached = -1;
  private int idleTicks;

  CacheFronts(KmemCache cache, CacheSlabs store, boolean wanted) {
    this.cache = cache;
    this.slabs = cache.slabs;
    this.store = store;
    this.guard = store.guard();
    this.stride = store.geometry().stride();
    int capacity = slabs.settings().sheafCapacity();
    boolean some = wanted && capacity > 0;
    this.sheafMax = some ? Sheaf.capacityUpTo(Math.min(capacity, SHEAF_BYTES / stride)) : 0;
    this.barn = some ? createBarn() : new Barn(0, 0);
    this.ofThreads = new AllFronts(cache, this::dissolve);
    this.allowed = () -> !cache.isRetired();
  }

  private Barn createBarn() {
    long sheafBytes = sheafBytes(sheafMax);
    int least = Math.clamp(BARN_BYTES / sheafBytes, 1, BARN_SHEAVES);
    long most = slabs.settings().frontBudgetBytes() / BARN_PART / sheafBytes;
    return new Barn(least, Math.clamp(most, least, Integer.MAX_VALUE / 2));
  }

  /** Whether the cache has fronts at all. */
  boolean exist() {
    return sheafMax > 0;
  }

  /** The slot to work on: the thread's own, or a locked stripe, or null. */
  private Slot slotOrStripe() {
    if (sheafMax == 0 || cache.isRetired()) {
      return null;
    }
    Slot slot = PerThread.find();
    return slot != null ? slot : PerThread.tryLockStripe();
  }

  /**
   * Detaches the front of what {@link #slotOrStripe} gave; a stripe is held no longer than that.
   */
  private Sheaf detach(Slot slot) {
    try {
      return Front.detach(slot, cache);
    } catch (OutOfMemoryError e) {
      return Front.BUSY; // no room on the Java heap for a front: the slabs serve
    } finally {
      if (slot.isStripe()) {
        PerThread.unlock(slot);
      }
    }
  }

  /** Puts the front back, or empties it if the cache no longer wants fronts. */
  private void attach(Slot slot, Sheaf main) {
    if (slot.isStripe()) {
      PerThread.lock(slot);
    }
    boolean attached;
    try {
      attached = Front.attach(slot, cache, main, allowed);
    } finally {
      if (slot.isStripe()) {
        PerThread.unlock(slot);
      }
    }
    if (!attached && main != null) {
      dissolve(main);
    }
  }

  // ------------------------------------------------------------------ taking

  /** Whether there is nothing in the caller's front and the barn; a recent answer. */
  boolean areEmpty(Slot slot) {
    return barn.hasNone() && (slot == null || Front.peekCount(slot, cache) == 0);
  }

  /** Refills the caller's front and takes one object of it, or a code that says who refused. */
  long take() {
    Slot slot = slotOrStripe();
    Sheaf main = slot == null ? Front.BUSY : detach(slot);
    if (main == Front.BUSY) {
      return store.takeOne();
    }
    operations++;
    long object = OwnedCache.NO_PAGES;
    try {
      main = exchangeEmpty(main);
      long refusal = object;
      if (main != null && main.isEmpty()) {
        refusal = store.fill(main, slot);
      }
      object = main == null ? store.takeOne() : main.isEmpty() ? refusal : pop(main);
    } finally {
      attach(slot, main, object);
    }
    return object;
  }

  /** As {@link #attach}; if that reports damage, what was taken is free again. */
  private void attach(Slot slot, Sheaf main, long taken) {
    boolean done = false;
    try {
      attach(slot, main);
      done = true;
    } finally {
      if (!done && taken > 0) {
        store.putOne(taken);
      }
    }
  }

  private long pop(Sheaf main) {
    long object = main.pop();
    return guard == null ? object : guard.handOut(object);
  }

  /**
   * Exchanges an empty main sheaf for one with objects, or for a larger one. Returns the main sheaf
   * now, null if there can be none.
   */
  private Sheaf exchangeEmpty(Sheaf main) {
    if (main == null) {
      return createSheaf(Math.min(FIRST_SHEAF, sheafMax));
    }
    if (!main.isEmpty()) {
      return main; // somebody was faster on this stripe
    }
    Sheaf spare = main.spare();
    if (spare != null && !spare.isEmpty()) {
      main.setSpare(null);
      spare.setSpare(main);
      return spare;
    }
    Sheaf full = barn.takeFull();
    if (full != null) {
      return exchange(main, full);
    }
    if (barn.hasOverflowed() && slabs.hasRoomForBarns()) {
      barn.grow();
    }
    return grown(main);
  }

  /** Puts a full sheaf in front of an empty one, of which there may be one too many now. */
  private Sheaf exchange(Sheaf empty, Sheaf full) {
    Sheaf spare = empty.spare();
    empty.setSpare(null);
    full.setSpare(spare == null ? empty : spare);
    if (spare != null && !(empty.capacity() == sheafMax && barn.putEmpty(empty))) {
      discard(empty);
    }
    return full;
  }

  // ------------------------------------------------------------------ putting

  /** Makes room in the caller's front for an object, or gives it back to its slab. */
  void put(long object) {
    Slot slot = slotOrStripe();
    Sheaf main = slot == null ? Front.BUSY : detach(slot);
    if (main == Front.BUSY) {
      store.putOne(object);
      return;
    }
    operations++;
    try {
      main = withRoomFor(object, main);
      if (main == null) {
        store.putOne(object);
      } else {
        push(main, object); // which refuses what another thread has freed meanwhile
      }
    } finally {
      attach(slot, main);
    }
  }

  private void push(Sheaf main, long object) {
    if (guard == null) {
      main.push(object);
    } else {
      guard.takeBack(object);
      main.push(Guard.seal(object));
    }
  }

  /** As {@link #withRoom}; if that reports damage, the object goes to its slab. */
  private Sheaf withRoomFor(long object, Sheaf full) {
    try {
      return withRoom(full);
    } catch (CorruptionException | IllegalArgumentException e) { // of another object
      store.putOne(object);
      throw e;
    }
  }

  /** Finds room in a full main sheaf. Returns the main sheaf now, null if there can be none. */
  private Sheaf withRoom(Sheaf full) {
    if (full == null) {
      return createSheaf(Math.min(FIRST_SHEAF, sheafMax));
    }
    if (!full.isFull()) {
      return full; // somebody was faster on this stripe
    }
    Sheaf main = grown(full);
    if (!main.isFull()) {
      return main;
    }
    Sheaf spare = main.spare();
    if (spare == null) {
      spare = createSheaf(main.capacity());
    } else if (spare.isFull() && spare.capacity() == sheafMax && barn.putFull(spare)) {
      main.setSpare(null); // it is the barn's now, and the budget may refuse another
      spare = barn.takeEmpty();
      spare = spare != null ? spare : createSheaf(sheafMax);
    } else if (!spare.isEmpty()) {
      store.flush(spare);
    }
    if (spare == null) {
      store.flush(main);
      return main;
    }
    main.setSpare(null);
    spare.setSpare(main);
    return spare;
  }

  // ------------------------------------------------------------------ sheaves

  /** A larger main sheaf with the same objects and spare, if the budget has room for it. */
  private Sheaf grown(Sheaf main) {
    if (main.capacity() >= sheafMax) {
      return main;
    }
    Sheaf larger = createSheaf(main.grownCapacity(sheafMax));
    if (larger == null) {
      return main;
    }
    main.moveTo(larger);
    discard(main);
    return larger;
  }

  /** Null if the budget is used up, or the Java heap. */
  private Sheaf createSheaf(int capacity) {
    if (!slabs.tryReserveFront(sheafBytes(capacity))) {
      return null;
    }
    try {
      return new Sheaf(capacity);
    } catch (OutOfMemoryError e) {
      slabs.releaseFront(sheafBytes(capacity));
      return null;
    }
  }

  private void discard(Sheaf sheaf) {
    slabs.releaseFront(sheafBytes(sheaf.capacity()));
  }

  /** What a sheaf counts in the budget: the objects that it may hold, and itself. */
  long sheafBytes(int capacity) {
    return (long) capacity * stride + Sheaf.heapBytes(capacity);
  }

  /** Empties a front that the caller alone owns. */
  private void dissolve(Sheaf main) {
    Sheaf spare = main.spare();
    main.setSpare(null);
    discard(main);
    try {
      store.flush(main);
    } finally {
      if (spare != null) {
        dissolve(spare);
      }
    }
  }

  // ------------------------------------------------------------------ draining

  /** Takes the fronts of all threads away; they are emptied after a grace period. */
  void unlink() {
    if (sheafMax > 0) {
      ofThreads.unlink(slabs.deferred());
    }
  }

  /** Empties the barn, and finds what a stack's end has left between a front and the program. */
  void emptyBarn() {
    barn.shrink();
    takeOut(Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  /** Takes out of the barn what nobody has needed since the last call. */
  void trimBarn() {
    takeOut(barn.unneeded(), barn.unneededEmpty());
  }

  /**
   * Returns strays and full sheaves of the barn to slabs, and empty ones to the budget: to the last
   * of them, whatever damage comes to light, for nobody comes back to a barn that is closed.
   */
  private void takeOut(int full, int empty) {
    RuntimeException damage = null;
    Error error = null;
    int taken = 0;
    for (boolean more = true; more; ) {
      try {
        more = putStray() || taken++ < full && dissolveFull();
      } catch (CorruptionException | IllegalArgumentException e) {
        damage = e;
      } catch (OutOfMemoryError e) {
        error = e;
      }
    }
    Sheaf unneeded = empty > 0 ? barn.takeEmpty() : null;
    for (int i = 1; unneeded != null; i++) {
      discard(unneeded);
      unneeded = i < empty ? barn.takeEmpty() : null;
    }
    if (damage != null) {
      throw damage;
    }
    if (error != null) {
      throw error;
    }
  }

  private boolean putStray() {
    long stray = guard == null ? 0 : guard.takeStray();
    if (stray == 0) {
      return false;
    }
    store.putStray(stray);
    return true;
  }

  private boolean dissolveFull() {
    Sheaf full = barn.takeFull();
    if (full == null) {
      return false;
    }
    dissolve(full);
    return true;
  }

  /** Empties the barn for ever: a slow path that is still running finds it full. */
  void closeBarn() {
    barn.close();
    emptyBarn();
  }

  /**
   * Called by the agent once per tick: whether the cache has been idle for so many of them, and has
   * something to give back.
   */
  boolean areIdle(int ticks) {
    long cached = cachedObjects();
    boolean idle = operations == seenOperations && cached == seenCached;
    seenOperations = operations;
    seenCached = cached;
    idleTicks = idle ? idleTicks + 1 : 0;
    if (idleTicks < ticks || (cached == 0 && !store.hasEmpties())) {
      return false;
    }
    idleTicks = 0;
    return true;
  }

  // ------------------------------------------------------------------ numbers

  /** Objects in sheaves, of all slots and of the barn, and strays. */
  long cachedObjects() {
    int strays = guard == null ? 0 : guard.countStrays();
    return sheafMax == 0 ? strays : ofThreads.peekCount() + barn.objects() + strays;
  }

  /** Every sheaf of this cache, at rest. */
  List<Sheaf> sheaves() {
    List<Sheaf> sheaves = new ArrayList<>(barn.sheaves());
    sheaves.addAll(ofThreads.peek());
    return sheaves;
  }
}
