package org.kmem4j.sync;

import java.lang.ref.WeakReference;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The slot of the current thread. Process-wide, because threads are. The only class that knows
 * about virtual threads.
 *
 * <p>A platform thread owns a slot from its first use to its death; the next new thread then adopts
 * the slot with what it holds, so there are as many slots as there were platform threads alive at
 * once. Virtual threads own none, for their number has no bound: they borrow one of a few
 * <em>stripes</em>, slots guarded by a try-lock, for a few instructions at a time. All stripes
 * busy, or more than {@link #MAX_SLOTS} live threads: the caller works without a slot.
 *
 * <p>Slots are found in an open hash table by thread id. A thread looks only for its own id, which
 * only it enters and which leaves only after its death, so a look-up needs no ordering; all changes
 * are made under {@link #LOCK}.
 */
public final class PerThread {
  /** Slots that can exist at once, stripes included. */
  public static final int MAX_SLOTS = 4096;

  /** Links that can exist at once, over all allocators of the process. */
  public static final int MAX_LINKS = 1 << 17;

  static final int TABLE_SIZE = 4 * MAX_SLOTS;
  private static final int MAX_PROBES = 32;
  private static final int STRIPES =
      Math.min(64, Integer.highestOneBit(Runtime.getRuntime().availableProcessors() * 4 - 1));

  private static final Slot[] TABLE = new Slot[TABLE_SIZE];

  /** Guards the table, the registry below and all owners. Innermost of all locks. */
  private static final SpinLock LOCK = new SpinLock();

  private static final AtomicReferenceArray<Slot> SLOTS = new AtomicReferenceArray<>(MAX_SLOTS);

  /** Threads by slot index; stripes have none. Written under the lock, before the owner. */
  private static final WeakReference<?>[] THREADS = new WeakReference<?>[MAX_SLOTS];

  /** The link that is absent in every slot for ever. */
  static final int NO_LINK = 0;

  private static final BitSet LINKS_IN_USE = new BitSet();

  /** What virtual threads are bound to, and how many of them are. */
  private static final ThreadLocal<Object> VIRTUAL_BINDING = new ThreadLocal<>();

  private static final AtomicInteger VIRTUAL_BINDINGS = new AtomicInteger();

  private static volatile int slotCount;

  static {
    LINKS_IN_USE.set(NO_LINK);
    for (int i = 0; i < STRIPES; i++) {
      newSlot(true);
    }
  }

  private PerThread() {}

  /**
   * The slot of the calling platform thread, or null: it has none yet, is virtual, or hashes badly.
   * Then {@link #find} tells.
   */
  public static Slot current() {
    long id = Thread.currentThread().threadId();
    Slot slot = TABLE[(int) id & (TABLE_SIZE - 1)];
    return slot != null && slot.owner == id ? slot : null;
  }

  /** As {@link #current}; null too if the thread is bound to somebody who pays. */
  public static Slot currentUnbound() {
    long id = Thread.currentThread().threadId();
    Slot slot = TABLE[(int) id & (TABLE_SIZE - 1)];
    return slot != null && slot.unboundOwner == id ? slot : null;
  }

  /** The slot of the calling platform thread, made or adopted if need be; null if it is virtual. */
  public static Slot find() {
    Thread thread = Thread.currentThread();
    if (thread.isVirtual()) {
      return null;
    }
    Slot slot = existing();
    return slot != null ? slot : register(thread, thread.threadId());
  }

  /** The slot that the calling thread has, wherever its id hashes to; null if it has none. */
  public static Slot existing() {
    long id = Thread.currentThread().threadId();
    for (int probe = 0; probe < MAX_PROBES; probe++) {
      Slot slot = TABLE[entry(id, probe)];
      if (slot != null && slot.owner == id) {
        return slot;
      }
    }
    return null;
  }

  /**
   * What the calling thread is bound to, or null: see {@link #bind}. Not for the fast path of a
   * platform thread, which asks its slot.
   */
  public static Object binding() {
    if (Thread.currentThread().isVirtual()) {
      return VIRTUAL_BINDINGS.get() == 0 ? null : VIRTUAL_BINDING.get();
    }
    Slot slot = existing();
    return slot == null ? null : slot.binding;
  }

  /**
   * Binds the calling thread to whatever pays for what it allocates; null ends that.
   *
   * @return what it was bound to before
   * @throws IllegalStateException on a platform thread without a slot: there are too many
   */
  public static Object bind(Object binding) {
    Object before = binding();
    if (Thread.currentThread().isVirtual()) {
      VIRTUAL_BINDINGS.addAndGet((binding == null ? 0 : 1) - (before == null ? 0 : 1));
      VIRTUAL_BINDING.set(binding);
      return before;
    }
    Slot slot = find();
    if (slot == null) {
      throw new IllegalStateException("more than " + MAX_SLOTS + " threads: this one has no slot");
    }
    slot.binding = binding;
    slot.unboundOwner = binding == null ? slot.owner : -1;
    return before;
  }

  /** Locks a stripe for a virtual thread, or returns null if all are busy. Then {@link #unlock}. */
  public static Slot tryLockStripe() {
    StackProbe.probe(); // for all that is done under the lock
    int start = (int) Thread.currentThread().threadId();
    for (int i = 0; i < STRIPES; i++) {
      Slot stripe = slot((start + i) & (STRIPES - 1));
      if (tryLock(stripe)) {
        return stripe;
      }
    }
    return null;
  }

  private static boolean tryLock(Slot stripe) {
    return (int) SlotWords.LOCKED.getOpaque(stripe) == 0
        && SlotWords.LOCKED.compareAndSet(stripe, 0, 1);
  }

  /** Locks a given stripe, waiting for its present user, who runs leaf code. */
  public static void lock(Slot stripe) {
    for (int round = 0; !tryLock(stripe); round++) {
      SpinLock.pause(round);
    }
  }

  /** Ends a stripe's use. Pairs with the CAS in {@link #tryLock}. */
  public static void unlock(Slot stripe) {
    SlotWords.LOCKED.setRelease(stripe, 0);
  }

  /** Takes a link that nobody uses: absent in every slot. {@link #NO_LINK} if all are taken. */
  public static int takeLink() {
    LOCK.lock();
    try {
      int link = LINKS_IN_USE.nextClearBit(0);
      if (link >= MAX_LINKS) {
        return NO_LINK;
      }
      LINKS_IN_USE.set(link);
      return link;
    } finally {
      LOCK.unlock();
    }
  }

  /** Gives a link back, after it was made absent in every slot for ever. */
  public static void giveLink(int link) {
    LOCK.lock();
    try {
      LINKS_IN_USE.clear(link);
    } finally {
      LOCK.unlock();
    }
  }

  /** How many slots exist; all that ever existed still do. Indices below this are valid. */
  public static int slotCount() {
    return slotCount;
  }

  public static Slot slot(int index) {
    return SLOTS.get(index);
  }

  /**
   * Whether nobody can be running in this slot: its thread has died and nobody has adopted it. A
   * stripe is never dead.
   */
  static boolean isDead(Slot slot) {
    // The owner is read first: whoever adopts the slot later starts no section that began earlier.
    if ((long) SlotWords.OWNER.getVolatile(slot) <= 0) {
      return false;
    }
    Object owner = THREADS[slot.index()].get();
    return !(owner instanceof Thread thread) || !thread.isAlive();
  }

  private static Slot register(Thread thread, long id) {
    StackProbe.probe();
    WeakReference<Thread> reference = new WeakReference<>(thread); // no allocation under the lock
    LOCK.lock();
    try {
      int entry = freeEntry(id);
      Slot slot = entry < 0 ? null : adoptDeadSlot();
      if (slot == null) {
        slot = entry < 0 || slotCount == MAX_SLOTS ? null : newSlot(false);
      }
      if (slot != null) {
        THREADS[slot.index()] = reference;
        TABLE[entry] = slot;
        // Full fence: the slot is visible before its first section. Pairs with Rcu.synchronize.
        slot.unboundOwner = id;
        SlotWords.OWNER.setVolatile(slot, id);
      }
      return slot;
    } finally {
      LOCK.unlock();
    }
  }

  /**
   * The first entry that is empty, or leads to a slot whose owner does not need it: he has died, or
   * finds his slot through another entry, as it is when he adopted it. Never one that a live owner
   * needs.
   */
  private static int freeEntry(long id) {
    for (int probe = 0; probe < MAX_PROBES; probe++) {
      int entry = entry(id, probe);
      Slot slot = TABLE[entry];
      if (slot == null || isDead(slot) || entry != firstEntry(slot)) {
        return entry;
      }
    }
    return -1;
  }

  /** The entry through which a slot's owner finds it, or -1. */
  private static int firstEntry(Slot slot) {
    for (int probe = 0; probe < MAX_PROBES; probe++) {
      int entry = entry(slot.owner, probe);
      if (TABLE[entry] == slot) {
        return entry;
      }
    }
    return -1;
  }

  private static int entry(long id, int probe) {
    return (int) (id + probe) & (TABLE_SIZE - 1);
  }

  /**
   * Takes the slot of a thread that has died, with all that it holds. The lowest one: threads that
   * come and go then use few slots, and find what the last one left.
   */
  private static Slot adoptDeadSlot() {
    int count = slotCount;
    for (int i = STRIPES; i < count; i++) {
      Slot slot = slot(i);
      if (isDead(slot)) {
        SlotWords.OWNER.setVolatile(slot, -1L);
        SlotWords.WORD.setVolatile(slot, 0L);
        SlotWords.PIN.setVolatile(slot, 0L);
        slot.binding = null;
        slot.unboundOwner = -1;
        return slot;
      }
    }
    return null;
  }

  private static Slot newSlot(boolean stripe) {
    Slot slot = new Slot(slotCount, stripe);
    SLOTS.set(slot.index(), slot);
    slotCount = slot.index() + 1;
    return slot;
  }
}
