package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.Struct;
import org.kmem4j.page.PageMap;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.Slot;
import org.kmem4j.sync.SpinLock;
import org.kmem4j.sync.StackProbe;

/**
 * {@code struct kmem_cache}: all slabs of one kind of object. Objects are addresses; 0 is none. Any
 * thread may call any method, and free what another allocated.
 *
 * <p>An operation goes through ever dearer places and stops at the first that serves it:
 *
 * <pre>
 *   front     two sheaves of the thread's slot; no lock, no atomic    {@link Front}
 *   barn      full and empty sheaves, whole ones change hands         lock
 *   slabs     the partial list, many objects at a time                lock
 *   pages     a new slab, charged to the account                      none held
 * </pre>
 *
 * <p><b>Slow path.</b> It detaches its front, works on it as private memory, and attaches it again;
 * no lock, read section or stripe is held while it charges, takes pages or runs a constructor.
 *
 * <p><b>Invariant at rest</b>: {@code inuse = used by the program + in sheaves}; those of the slabs
 * are in {@link PartialList}.
 */
public final class KmemCache {
  private static final Struct CACHE =
      Struct.named("kmem_cache", "All slabs of one kind of object. Its address is stable.");

  static final long MEMCG = CACHE.word("memcg", "the one word that says who pays; 0 for nobody");
  static final long ROOT = CACHE.word("root", "address of the root cache; its own if it is one");
  static final long ID = CACHE.half("id", "number of the cache and of its link; constant");
  static final long STRIDE = CACHE.half("stride", "bytes between objects; constant");
  static final long COOKIE = CACHE.word("cookie", "random; slabs repeat it; 0 once destroyed");
  static final long PAGES = CACHE.word("pages", "pages of all slabs; guarded by the lock");
  static final long INUSE =
      CACHE.word("inuse", "objects allocated, sheaves included; guarded by the lock");
  static final long SIZE = CACHE.end(64);
  static final String LAYOUT = CACHE.toMarkdown();

  /** The debug word of an object, beside its slab's header. */
  private static final Struct STATE_WORD =
      Struct.named("object_state", "One word per object of a cache with constructor or debugging.");

  static final long OBJECT_STATE = STATE_WORD.word("state", "all of it");
  static final Bits LINK = STATE_WORD.bits("link", 16, "next free object while free");
  private static final Bits TAKEN = STATE_WORD.bits("taken", 1, "in use by the program");
  private static final Bits GENERATION =
      STATE_WORD.bits("generation", 31, "how often the object was freed");

  static {
    STATE_WORD.end(8);
  }

  static final String STATE_LAYOUT = STATE_WORD.toMarkdown();

  /** Empty slabs that are kept although nobody needs them, at most, by count and by bytes. */
  private static final int KEEP_EMPTY = 5;

  private static final int KEEP_EMPTY_BYTES = 64 << 10;

  private static final int BARN_SHEAVES = 8;
  private static final int BARN_BYTES = 64 << 10;

  /** Objects that are looked at before they are freed in one section. */
  private static final int BULK = 64;

  /** Capacity of a front's first sheaf. */
  private static final int FIRST_SHEAF = 6;

  /** Objects that one sheaf may hold, in bytes. */
  private static final int SHEAF_BYTES = 32 << 10;

  // Read by the fast paths.
  private final PageMap map;
  private final long address;
  private final int link;
  private final int pageEntry;
  private final int slabMask;
  private final int first;
  private final int inverse;
  private final int shift;
  private final int objects;

  // The rest of what never changes.
  private final Slabs slabs;
  private final CacheOptions options;
  private final KmemCache root;
  private final SlabGeometry geometry;
  private final SlabGeometry smallest;
  private final int sheafMax;
  private final long cookie;
  private final PartialList list;
  private final Barn barn;

  /** Fronts that were taken from their threads and wait for a grace period. */
  private final Set<Sheaf> unlinked = ConcurrentHashMap.newKeySet();

  private final ConcurrentHashMap<Account, KmemCache> children = new ConcurrentHashMap<>();
  private final Account account;

  /** Set before the cache ends: from then on no front is attached. */
  private volatile boolean deactivated;

  private final BooleanSupplier frontsAllowed = () -> !deactivated;

  /** Threads that look after the cache, on nobody's order or its own: its end waits for them. */
  private final AtomicInteger visitors = new AtomicInteger();

  private final AtomicBoolean ending = new AtomicBoolean();

  /** Slow operations so far, racily counted: tells the agent that the cache is idle. */
  private int slowOperations;

  // The agent's.
  private int seenOperations;
  private long seenCached = -1;
  private int idleTicks;

  KmemCache(Slabs slabs, CacheOptions options, KmemCache parent, Account account) {
    this.slabs = slabs;
    this.options = options;
    this.map = slabs.pages().map();
    boolean keepsState = options.debug() || options.constructor() != null;
    var side = SlabGeometry.Side.of(options.objectAccount() != null, keepsState);
    int maxOrder = slabs.settings().maxOrder();
    this.geometry = SlabGeometry.best(options.objectBytes(), options.align(), side, maxOrder);
    if (geometry == null) {
      throw new IllegalArgumentException(
          "objectBytes="
              + options.objectBytes()
              + " does not fit a slab of order "
              + maxOrder
              + ", the largest that kmem4j.maxOrder allows");
    }
    this.smallest = smallest(side);
    this.first = geometry.first();
    this.inverse = geometry.inverse();
    this.shift = geometry.shift();
    this.objects = geometry.objects();
    int capacity = slabs.settings().sheafCapacity();
    boolean fronts = capacity > 0 && !options.debug() && options.objectAccount() == null;
    this.sheafMax =
        fronts ? Sheaf.capacityUpTo(Math.min(capacity, SHEAF_BYTES / geometry.stride())) : 0;
    this.account = account;
    this.link = PerThread.takeLink();
    this.pageEntry = PageMap.slabEntry(geometry.order(), link);
    this.slabMask = geometry.slabBytes() - 1;
    this.address = slabs.metadata().tryAllocate(SIZE);
    if (address == 0) {
      PerThread.giveLink(link);
      long used = slabs.metadata().usedBytes();
      throw new OutOfNativeMemoryException(
          "no room for another cache: the metadata range is used up", SIZE, used, used, null);
    }
    this.root = parent == null ? this : parent;
    this.cookie = slabs.newCookie();
    int keepEmpty = Math.clamp(KEEP_EMPTY_BYTES / geometry.slabBytes(), 1, KEEP_EMPTY);
    this.list = new PartialList(this, address, geometry, cookie, keepEmpty);
    int barnMax = fronts ? BARN_BYTES / (sheafMax * geometry.stride()) : 0;
    this.barn = new Barn(Math.clamp(barnMax, fronts ? 1 : 0, BARN_SHEAVES));
    Memory.putLong(address + MEMCG, account == null ? 0 : account.address());
    Memory.putLong(address + ROOT, root.address);
    Memory.putInt(address + ID, link);
    Memory.putInt(address + STRIDE, geometry.stride());
    Memory.putLong(address + COOKIE, cookie);
  }

  /** The smallest slab that holds one object: what is tried when memory is short. */
  private SlabGeometry smallest(SlabGeometry.Side side) {
    for (int order = 0; order < geometry.order(); order++) {
      var candidate = SlabGeometry.of(order, options.objectBytes(), options.align(), side);
      // Only if objects begin at the same offset: the fast path's check knows one first object.
      if (candidate != null && candidate.first() == geometry.first()) {
        return candidate;
      }
    }
    return geometry;
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
    Slot slot = PerThread.current();
    if (slot != null) {
      long object = Front.pop(slot, link);
      if (object != 0) {
        return object;
      }
    }
    return allocSlow();
  }

  /** As {@link #tryAlloc()}, under the calling thread's pin: no slot look-up, no read section. */
  public long tryAlloc(Pin pin) {
    assert pin.isMine();
    long object = Front.popPinned(pin.slot(), link);
    return object != 0 ? object : allocSlow();
  }

  /**
   * Takes one object, making room first if need be: memory cached by all threads is collected.
   *
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   * @throws IllegalStateException after {@code close} or {@link #destroy}
   */
  public long alloc() {
    long object = tryAlloc();
    return object != 0 ? object : allocReclaiming();
  }

  private long allocReclaiming() {
    Slot pinned = suspendPin();
    try {
      slabs.reclaim();
      long object = takeFromSlab(true);
      if (object == 0) {
        throw slabs.refused(geometry.stride());
      }
      return object;
    } finally {
      resumePin(pinned);
    }
  }

  /** A pin protects nothing across a slow path. Returns the slot if it was pinned, else null. */
  static Slot suspendPin() {
    Slot slot = PerThread.find();
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

  /** Serves what the front of {@link PerThread#current} could not. */
  private long allocSlow() {
    long object = sheafMax == 0 ? 0 : popElsewhere();
    return object != 0 ? object : allocRefilling();
  }

  /** Pops for a thread that is virtual, or new, or whose id collides with another's. */
  private long popElsewhere() {
    Slot slot = PerThread.find();
    if (slot != null) {
      return Front.pop(slot, link);
    }
    Slot stripe = PerThread.tryLockStripe();
    if (stripe == null) {
      return 0;
    }
    try {
      return Front.pop(stripe, link);
    } finally {
      PerThread.unlock(stripe);
    }
  }

  private long allocRefilling() {
    checkUsable();
    StackProbe.probe();
    Slot pinned = suspendPin();
    try {
      Slot slot = sheafMax == 0 ? null : slotOrStripe();
      return slot == null ? takeFromSlab(false) : allocDetached(slot, detach(slot));
    } finally {
      resumePin(pinned);
    }
  }

  /** The slot to work on: the thread's own, or a locked stripe, or null. */
  private static Slot slotOrStripe() {
    Slot slot = PerThread.find();
    return slot != null ? slot : PerThread.tryLockStripe();
  }

  /**
   * Detaches the front of what {@link #slotOrStripe} gave; a stripe is held no longer than that.
   */
  private Sheaf detach(Slot slot) {
    try {
      return Front.detach(slot, link);
    } finally {
      if (slot.isStripe()) {
        PerThread.unlock(slot);
      }
    }
  }

  private long allocDetached(Slot slot, Sheaf sheaf) {
    if (sheaf == Front.BUSY) {
      return takeFromSlab(false);
    }
    slowOperations++;
    Sheaf main = sheaf;
    try {
      main = exchangeEmpty(main);
      if (main != null && main.isEmpty()) {
        refill(main, slot);
      }
      return main == null || main.isEmpty() ? takeFromSlab(false) : main.pop();
    } finally {
      attach(slot, main);
    }
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
    return full != null ? exchange(main, full) : grown(main);
  }

  /**
   * Fills an empty main sheaf from slabs, as far as they go. May throw what a constructor or a
   * damaged slab throws; what the sheaf has got by then it keeps.
   */
  private void refill(Sheaf main, Slot slot) {
    list.fill(main);
    if (main.isEmpty()) {
      long slab = newSlab(slot, false);
      if (slab != 0) {
        list.addAndFill(slab, main);
      }
    }
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

  private Sheaf createSheaf(int capacity) {
    return slabs.tryReserveFront(sheafBytes(capacity)) ? new Sheaf(capacity) : null;
  }

  private void discard(Sheaf sheaf) {
    slabs.releaseFront(sheafBytes(sheaf.capacity()));
  }

  /** What a sheaf counts in the budget: the objects that it may hold, and itself. */
  long sheafBytes(int capacity) {
    return (long) capacity * geometry.stride() + Sheaf.heapBytes(capacity);
  }

  /** Puts the front back, or empties it if the cache no longer wants fronts. */
  private void attach(Slot slot, Sheaf main) {
    if (slot.isStripe()) {
      PerThread.lock(slot);
    }
    boolean attached;
    try {
      attached = Front.attach(slot, link, main, frontsAllowed);
    } finally {
      if (slot.isStripe()) {
        PerThread.unlock(slot);
      }
    }
    if (!attached && main != null) {
      dissolve(main);
    }
  }

  /** Empties a front that the caller alone owns. */
  private void dissolve(Sheaf main) {
    Sheaf spare = main.spare();
    main.setSpare(null);
    discard(main);
    try {
      flush(main);
    } finally {
      if (spare != null) {
        dissolve(spare);
      }
    }
  }

  // ------------------------------------------------------------------ freeing

  /**
   * Gives one object back. 0 is allowed and does nothing.
   *
   * @param object an address that this cache, or its twin for another account, handed out
   * @throws IllegalArgumentException if it is not the address of an object of this cache
   * @throws IllegalStateException after {@code close}
   */
  public void free(long object) {
    free(map.entry(object), object);
  }

  /** As {@link #free(long)}, under the calling thread's pin. */
  public void free(Pin pin, long object) {
    assert pin.isMine();
    if (!isOurs(map.entry(object), object)) {
      freeElsewhere(object);
    } else if (!Front.pushPinned(pin.slot(), link, object)) {
      freeSlow(object);
    }
  }

  /** Frees an object whose page map entry is known. */
  void free(int entry, long object) {
    if (isOurs(entry, object)) {
      push(object);
    } else {
      freeElsewhere(object);
    }
  }

  /**
   * Whether an object of ours, in a slab of the usual order, begins at an address. The page map
   * answers, not the slab's header: all headers lie at the same offset of their pages and compete
   * for the same few lines of the processor's caches. The headers are checked when objects return
   * to their slabs.
   */
  private boolean isOurs(int entry, long object) {
    return entry == pageEntry
        && Integer.compareUnsigned(indexOf((int) object & slabMask), objects) < 0;
  }

  /** Number of the object at an offset in its slab; if none begins there, one that is too large. */
  private int indexOf(int offset) {
    return Integer.rotateRight((offset - first) * inverse, shift);
  }

  private void push(long object) {
    Slot slot = PerThread.current();
    if (slot == null || !Front.push(slot, link, object)) {
      freeSlow(object);
    }
  }

  private void freeElsewhere(long object) {
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
              + '"');
    }
    if (!owner.beginsObject(object)) {
      throw owner.notAnObject(object);
    }
    owner.push(object);
  }

  /** Whether an object begins at an address inside one of our slabs, of whatever order. */
  boolean beginsObject(long object) {
    long slab = slabOf(object);
    int index = geometry.indexOf(slab, object);
    return Integer.compareUnsigned(index, Slab.objects(slab)) < 0;
  }

  private IllegalArgumentException notAnObject(long object) {
    return new IllegalArgumentException(
        Slabs.hex(object) + " is no object of cache \"" + name() + "\": it lies " + where(object));
  }

  /** Says where in one of our slabs an address lies. */
  String where(long address) {
    long slab = slabOf(address);
    long offset = address - slab - first;
    return offset < 0
        ? "in the header of a slab"
        : offset / geometry.stride() >= Slab.objects(slab)
            ? "behind the last object of a slab"
            : offset % geometry.stride()
                + " bytes inside the object at "
                + Slabs.hex(address - offset % geometry.stride());
  }

  /** Takes back what the front of {@link PerThread#current} had no room for. */
  private void freeSlow(long object) {
    if (sheafMax == 0 || !pushElsewhere(object)) {
      freeMakingRoom(object);
    }
  }

  /** Pushes for a thread that is virtual, or new, or whose id collides with another's. */
  private boolean pushElsewhere(long object) {
    Slot slot = PerThread.find();
    if (slot != null) {
      return Front.push(slot, link, object);
    }
    Slot stripe = PerThread.tryLockStripe();
    if (stripe == null) {
      return false;
    }
    try {
      return Front.push(stripe, link, object);
    } finally {
      PerThread.unlock(stripe);
    }
  }

  private void freeMakingRoom(long object) {
    checkUsable();
    StackProbe.probe();
    Slot pinned = suspendPin();
    try {
      Slot slot = sheafMax == 0 ? null : slotOrStripe();
      if (slot == null) {
        freeToSlab(object);
      } else {
        freeDetached(slot, detach(slot), object);
      }
    } finally {
      resumePin(pinned);
    }
  }

  private void freeDetached(Slot slot, Sheaf sheaf, long object) {
    if (sheaf == Front.BUSY) {
      freeToSlab(object);
      return;
    }
    slowOperations++;
    Sheaf main = sheaf;
    try {
      main = withRoom(main);
      if (main == null) {
        freeToSlab(object);
      } else {
        main.push(object);
      }
    } catch (CorruptionException | IllegalArgumentException e) {
      freeToSlab(object); // the damage, or the second free, is another object's
      throw e;
    } finally {
      attach(slot, main);
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
      flush(spare);
    }
    if (spare == null) {
      flush(main);
      return main;
    }
    main.setSpare(null);
    spare.setSpare(main);
    return spare;
  }

  // ------------------------------------------------------------------ slabs

  /** Takes one object without a front; the account may be waited for. */
  private long takeFromSlab(boolean mayWait) {
    long object = list.takeOne();
    if (object == 0) {
      long slab = newSlab(PerThread.existing(), mayWait);
      if (slab == 0) {
        return 0;
      }
      object = list.addAndTakeOne(slab);
    }
    if (options.objectAccount() != null && !chargeObject(object)) {
      return 0;
    }
    if (options.debug()) {
      long word = stateWord(object);
      Memory.putLongVolatile(word, TAKEN.set(Memory.getLong(word), 1));
    }
    return object;
  }

  private boolean chargeObject(long object) {
    long slab = slabOf(object);
    long word = geometry.ownerWord(slab, geometry.indexOf(slab, object));
    boolean charged = false;
    try {
      charged = options.objectAccount().tryCharge(word, geometry.stride());
    } finally {
      if (!charged) {
        release(list.put(slab, object));
      }
    }
    return charged;
  }

  private void freeToSlab(long object) {
    long slab = slabOf(object);
    if (!isSound(slab)) {
      throw headerOverwritten(object);
    }
    if (options.debug()) {
      markFree(object);
    }
    if (options.objectAccount() != null) {
      long word = geometry.ownerWord(slab, geometry.indexOf(slab, object));
      options.objectAccount().uncharge(word, geometry.stride());
      Memory.putLong(word, 0);
    }
    release(list.put(slab, object));
  }

  long slabOf(long object) {
    return map.slabOf(object);
  }

  private long stateWord(long object) {
    long slab = slabOf(object);
    return geometry.stateWord(slab, geometry.indexOf(slab, object)) + OBJECT_STATE;
  }

  /** One CAS decides who frees: a second free of the same object finds it free. */
  private void markFree(long object) {
    long word = stateWord(object);
    long state = Memory.getLongVolatile(word);
    int generation = (GENERATION.get(state) + 1) & GENERATION.mask();
    if (TAKEN.get(state) == 0
        || !Memory.casLong(word, state, GENERATION.set(TAKEN.set(state, 0), generation))) {
      throw freedTwice(object);
    }
  }

  private IllegalArgumentException freedTwice(long object) {
    return new IllegalArgumentException(
        Slabs.hex(object) + " of cache \"" + name() + "\" was freed twice");
  }

  /** Returns all objects of a private sheaf to their slabs. */
  private void flush(Sheaf sheaf) {
    sheaf.sort();
    RuntimeException damage = removeDamaged(sheaf);
    release(list.putAll(sheaf));
    if (damage != null) {
      throw damage;
    }
  }

  /**
   * Checks again what freeing checked, for a header may have been overwritten since, and drops what
   * is wrong: objects whose slab cannot be trusted any more, and second copies of the same object.
   *
   * @return a report on the last of them, or null
   */
  private RuntimeException removeDamaged(Sheaf sheaf) {
    RuntimeException damage = null;
    int good = 0;
    long end = 0; // of the slab that is being looked at
    for (int i = 0; i < sheaf.count(); i++) {
      long object = sheaf.get(i);
      if (object >= end) {
        long slab = slabOf(object);
        end = isSound(slab) ? slab + ((long) Os.PAGE_BYTES << Slab.order(slab)) : 0;
      }
      if (end == 0) {
        damage = headerOverwritten(object);
      } else if (good > 0 && sheaf.get(good - 1) == object) {
        damage = freedTwice(object);
      } else {
        sheaf.set(good++, object);
      }
    }
    sheaf.setCount(good);
    return damage;
  }

  private CorruptionException headerOverwritten(long object) {
    return new CorruptionException(
        "cache \""
            + name()
            + "\": the header of the slab of "
            + Slabs.hex(object)
            + " was overwritten; found while the object was given back");
  }

  /**
   * Whether a slab's header is still ours at both ends: who writes past the page before it, or
   * before its first object, hits one of them first.
   */
  boolean isSound(long slab) {
    return slab != 0 && Slab.cache(slab) == address && Memory.getLong(slab + Slab.COOKIE) == cookie;
  }

  /** Freezes a slab whose header was overwritten. */
  void freezeOverwritten(long slab) {
    boolean usual = PageMap.order(map.entry(slab)) == geometry.order();
    Slab.freezeOverwritten(slab, address, link, cookie, usual ? geometry : smallest);
  }

  /** Takes pages and makes a slab of them, with no lock held. Returns 0 if refused. */
  private long newSlab(Slot slot, boolean mayWait) {
    Slot mine = slot == null || slot.isStripe() ? null : slot;
    long slab = newSlab(geometry, mine, false);
    if (slab == 0 && smallest.order() != geometry.order()) {
      slab = newSlab(smallest, mine, false);
    }
    return slab == 0 && mayWait ? newSlab(smallest, mine, true) : slab;
  }

  private long newSlab(SlabGeometry shape, Slot slot, boolean mayWait) {
    if (account != null) {
      if (mayWait) {
        account.charge(shape.pages());
      } else if (!account.tryCharge(shape.pages())) {
        return 0;
      }
    }
    long slab = 0;
    boolean done = false;
    try {
      slab = slabs.pages().tryAllocate(shape.order(), link, slot);
      if (slab != 0) {
        Slab.init(slab, address, link, cookie, shape);
        if (options.constructor() != null) {
          for (int i = 0; i < shape.objects(); i++) {
            options.constructor().accept(shape.addressOf(slab, i));
          }
        }
        done = true;
      }
    } finally {
      if (!done) { // refused, or the constructor threw: nothing may remain
        if (slab != 0) {
          Slab.wipe(slab);
          slabs.pages().free(slab, shape.order(), null);
        }
        uncharge(shape.pages());
      }
    }
    return slab;
  }

  private void uncharge(long pages) {
    if (account != null && pages > 0) {
      account.uncharge(pages);
    }
  }

  /** Gives the pages of a chain of slabs back, with no lock held. */
  private void release(long chain) {
    if (chain == 0) {
      return;
    }
    Slot slot = PerThread.existing(); // no new one: it might need more stack than was probed
    long released = 0;
    for (long slab = chain; slab != 0; ) {
      long next = Memory.getLong(slab + Slab.NEXT);
      int order = Slab.order(slab);
      Slab.wipe(slab);
      slabs.pages().free(slab, order, slot);
      released += 1L << order;
      slab = next;
    }
    uncharge(released);
  }

  // ------------------------------------------------------------------ many at once

  /**
   * Takes {@code count} objects, or none.
   *
   * @param objects receives the addresses from index {@code from}
   * @return false if not all could be had; what had been taken is free again
   */
  public boolean tryAllocBulk(long[] objects, int from, int count) {
    return tryAllocBulk(objects, from, count, false);
  }

  private boolean tryAllocBulk(long[] objects, int from, int count, boolean mayWait) {
    Objects.checkFromIndexSize(from, count, objects.length);
    int taken = 0;
    boolean done = false;
    try {
      while (taken < count) {
        Slot slot = PerThread.current();
        int popped =
            slot == null ? 0 : Front.popMany(slot, link, objects, from + taken, count - taken);
        taken += popped;
        if (popped == 0) {
          long object = allocSlow();
          if (object == 0 && mayWait) {
            object = takeWaiting();
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
   * As {@link #tryAllocBulk}, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if not all could be had; none is taken
   */
  public void allocBulk(long[] objects, int from, int count) {
    if (!tryAllocBulk(objects, from, count)) {
      Slot pinned = suspendPin();
      try {
        slabs.reclaim();
      } finally {
        resumePin(pinned);
      }
      if (!tryAllocBulk(objects, from, count, true)) {
        throw slabs.refused((long) count * geometry.stride());
      }
    }
  }

  /** Takes one object; the account may make room, or say itself why it refuses. */
  private long takeWaiting() {
    Slot pinned = suspendPin();
    try {
      return takeFromSlab(true);
    } finally {
      resumePin(pinned);
    }
  }

  /** Frees objects and sets their array elements to 0. Zeroes are passed over. */
  public void freeBulk(long[] objects, int from, int count) {
    Objects.checkFromIndexSize(from, count, objects.length);
    int end = from + count;
    for (int i = from; i < end; ) {
      int ours = i; // the end of a run of objects of the usual kind, about a sheaf long
      while (ours < Math.min(end, i + BULK) && isOurs(map.entry(objects[ours]), objects[ours])) {
        ours++;
      }
      Slot slot = PerThread.current();
      int pushed = slot == null ? 0 : Front.pushMany(slot, link, objects, i, ours - i);
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
   * @return false if the ceiling, the account or the system refuses; slabs made so far stay
   */
  public boolean tryPrewarm(long count) {
    return tryPrewarm(count, false);
  }

  private boolean tryPrewarm(long count, boolean mayWait) {
    checkUsable();
    if (count < 0) {
      throw new IllegalArgumentException("count=" + count + ", accepted: 0 or more");
    }
    StackProbe.probe();
    Slot pinned = suspendPin();
    try {
      // With a bound: whoever trims as fast as slabs are made would hold us up for ever.
      for (long made = 0; !list.keepFree(count); made++) {
        long slab = made > 2 * count ? 0 : newSlab(PerThread.existing(), mayWait);
        if (slab == 0) {
          return false;
        }
        list.add(slab);
      }
      return true;
    } finally {
      resumePin(pinned);
    }
  }

  /**
   * As {@link #tryPrewarm}, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   */
  public void prewarm(long count) {
    if (!tryPrewarm(count)) {
      Slot pinned = suspendPin();
      try {
        slabs.reclaim();
      } finally {
        resumePin(pinned);
      }
      if (!tryPrewarm(count, true)) {
        throw slabs.refused(count * geometry.stride());
      }
    }
  }

  /**
   * Gives back what nobody uses: objects in all sheaves, those of parked and dead threads too, and
   * every empty slab. Waits for a grace period.
   *
   * @return pages given back to the page allocator
   * @throws IllegalStateException under a pin
   */
  public long shrink() {
    checkUsable();
    StackProbe.probe();
    if (Rcu.isReading(PerThread.existing())) {
      throw new IllegalStateException("shrink() was called under a pin: end it first");
    }
    if (!tryVisit()) {
      throw destroyed();
    }
    try {
      return shrinkVisited();
    } finally {
      leave();
    }
  }

  /**
   * Keeps the cache, and its number, from ending until {@link #leave}.
   *
   * @return false if it is ending already
   */
  boolean tryVisit() {
    visitors.incrementAndGet(); // full fence: either we see the end coming, or it sees us
    if (deactivated) {
      leave();
      return false;
    }
    return true;
  }

  void leave() {
    visitors.decrementAndGet();
  }

  void awaitVisitors() {
    for (int round = 0; visitors.get() > 0; round++) {
      SpinLock.pause(round);
    }
  }

  /** As {@link #shrink}, for a visitor. */
  long shrinkVisited() {
    long before = Memory.getLong(address + PAGES);
    drainFronts(Long.MAX_VALUE);
    list.keepNone();
    trimEmpties();
    return Math.max(0, before - Memory.getLong(address + PAGES));
  }

  /**
   * Takes all fronts away and empties them after a grace period.
   *
   * @param maxNanos how long to wait; what is not done by then is done by the agent
   */
  void drainFronts(long maxNanos) {
    unlinkFronts();
    slabs.deferred().finish(maxNanos);
    emptyBarn();
  }

  void unlinkFronts() {
    for (int i = 0; i < PerThread.slotCount(); i++) {
      Sheaf sheaf = Front.unlink(PerThread.slot(i), link);
      if (sheaf != null) {
        unlinked.add(sheaf);
        slabs.deferred().add(() -> dissolveUnlinked(sheaf));
      }
    }
  }

  private void dissolveUnlinked(Sheaf sheaf) {
    try {
      dissolve(sheaf);
    } finally {
      unlinked.remove(sheaf);
    }
  }

  private void emptyBarn() {
    for (Sheaf full = barn.takeFull(); full != null; full = barn.takeFull()) {
      dissolve(full);
    }
    for (Sheaf empty = barn.takeEmpty(); empty != null; empty = barn.takeEmpty()) {
      discard(empty);
    }
  }

  /** Releases every empty slab that no prewarm asked for. */
  void trimEmpties() {
    release(list.takeEmpties());
  }

  /**
   * Called by the agent once per tick: an idle cache gives its sheaves and empty slabs back.
   *
   * @param ticks after how many idle ticks
   */
  boolean trimIfIdle(int ticks) {
    long cached = cachedObjects();
    boolean idle = slowOperations == seenOperations && cached == seenCached;
    seenOperations = slowOperations;
    seenCached = cached;
    idleTicks = idle ? idleTicks + 1 : 0;
    if (idleTicks < ticks || (cached == 0 && !list.hasEmpties())) {
      return false;
    }
    idleTicks = 0;
    unlinkFronts();
    emptyBarn();
    trimEmpties();
    return true;
  }

  /**
   * Ends the cache: its empty slabs go back. Waits for grace periods.
   *
   * @return objects that the program still holds; their slabs stay mapped, and they cannot be freed
   *     any more
   * @throws IllegalStateException under a pin, or if called twice
   */
  public long destroy() {
    if (Rcu.isReading(PerThread.existing())) {
      throw new IllegalStateException("destroy() was called under a pin: end it first");
    }
    checkUsable();
    StackProbe.probe();
    if (!ending.compareAndSet(false, true)) {
      throw destroyed();
    }
    long left = 0;
    for (KmemCache child : children.values()) {
      left += child.ending.compareAndSet(false, true) ? child.end() : 0;
    }
    return left + end();
  }

  private long end() {
    deactivate();
    return retire();
  }

  /** No front is attached from here on, and those that were are drained. */
  private void deactivate() {
    forbidFronts();
    awaitVisitors();
    Rcu.synchronize(); // whoever has read "active" has attached by now
    drainFronts(Long.MAX_VALUE);
  }

  void forbidFronts() {
    deactivated = true;
  }

  private long retire() {
    list.keepNone();
    trimEmpties();
    Memory.putLong(address + COOKIE, 0);
    long left = Memory.getLong(address + INUSE);
    if (root != this) {
      root.children.remove(account, this);
    }
    slabs.remove(this, Memory.getLong(address + PAGES) == 0); // a frozen slab stays for ever
    return left;
  }

  // ------------------------------------------------------------------ accounts

  /**
   * The twin of this cache whose pages an account pays for: made on first use, the same one ever
   * after. Objects of any twin may be freed through any other.
   */
  public KmemCache in(Account payer) {
    Objects.requireNonNull(payer, "account");
    checkUsable();
    if (root != this) {
      return root.in(payer);
    }
    return children.computeIfAbsent(
        payer, some -> slabs.add(new KmemCache(slabs, options, this, some)));
  }

  /** Who pays for this cache's pages, or null. */
  public Account account() {
    return account;
  }

  // ------------------------------------------------------------------ inside

  public String name() {
    return options.name();
  }

  /** Whether wrong use is caught, at the price of having no fronts. */
  public boolean isDebug() {
    return options.debug();
  }

  /** Size of an object in bytes, as asked for. */
  public int objectBytes() {
    return options.objectBytes();
  }

  /** Bytes that may be used in each object: the size, rounded up to the stride. */
  public int usableBytes() {
    return geometry.stride();
  }

  /** Address of the native struct: what the first word of each slab holds. */
  public long address() {
    return address;
  }

  int id() {
    return link;
  }

  KmemCache root() {
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
    if (!options.debug()) {
      return 0;
    }
    long state = Memory.getLongVolatile(owner.stateWord(object));
    return TAKEN.get(state) == 0 ? -1 : GENERATION.get(state);
  }

  Description describe(long where, long region, long slab) {
    long offset = where - slab - first;
    int index = (int) (offset / geometry.stride());
    if (offset < 0 || index >= Slab.objects(slab)) {
      return new Description(where, region, slab, name(), 0, -1, 0, "header");
    }
    long object = slab + first + (long) index * geometry.stride();
    return new Description(
        where, region, slab, name(), object, index, where - object, stateOf(slab, index));
  }

  private String stateOf(long slab, int index) {
    if (options.debug()) {
      long word = geometry.stateWord(slab, index);
      return TAKEN.get(Memory.getLongVolatile(word)) != 0 ? "in use" : "free";
    }
    return list.isFree(slab, index) ? "free" : "in a sheaf or in use";
  }

  private void checkUsable() {
    slabs.checkOpen();
    if (deactivated) {
      throw destroyed();
    }
  }

  private IllegalStateException destroyed() {
    return new IllegalStateException("cache \"" + name() + "\" was destroyed");
  }

  /** Objects in sheaves: of all slots and of the barn. */
  long cachedObjects() {
    long cached = 0;
    for (int i = 0; i < PerThread.slotCount(); i++) {
      cached += Front.peekCount(PerThread.slot(i), link);
    }
    for (Sheaf sheaf : unlinked) {
      Sheaf spare = sheaf.spare();
      cached += sheaf.count() + (spare == null ? 0 : spare.count());
    }
    return cached + barn.objects();
  }

  /** The numbers of this cache, twins not included. */
  public CacheStats stats() {
    slabs.checkOpen();
    return list.stats(cachedObjects());
  }

  // ------------------------------------------------------------------ for SlabValidator, at rest

  Slabs slabs() {
    return slabs;
  }

  PartialList list() {
    return list;
  }

  SlabGeometry geometry() {
    return geometry;
  }

  long cookie() {
    return cookie;
  }

  /** Every sheaf of this cache, in fronts and barn. */
  List<Sheaf> sheaves() {
    List<Sheaf> sheaves = new ArrayList<>(barn.sheaves());
    for (Sheaf sheaf : unlinked) {
      sheaves.add(sheaf);
      if (sheaf.spare() != null) {
        sheaves.add(sheaf.spare());
      }
    }
    for (int i = 0; i < PerThread.slotCount(); i++) {
      sheaves.addAll(Front.peek(PerThread.slot(i), link));
    }
    return sheaves;
  }

  /** Whether an object of a debug cache is in the hands of the program. */
  boolean isTaken(long slab, int index) {
    return TAKEN.get(Memory.getLongVolatile(geometry.stateWord(slab, index))) != 0;
  }

  @Override
  public String toString() {
    return "kmem_cache \"" + name() + "\"" + (account == null ? "" : " of " + account);
  }
}
