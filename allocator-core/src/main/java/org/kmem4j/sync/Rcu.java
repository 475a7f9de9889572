package org.kmem4j.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.OsException;

/**
 * Read-copy-update for leaf code: a reader pays two stores, a writer waits for a <em>grace
 * period</em>, the time after which every read section that was running has ended. Process-wide.
 *
 * <p>A section is entered by storing the number of the latest grace period into the slot's word and
 * left by storing 0. It holds leaf code only: no allocation, lock, class initialisation or
 * callback. A writer unpublishes, then calls {@link #synchronize}, then owns what it unpublished.
 *
 * <p>Whatever is thrown ends the section too, a stack overflow among them, and where the stack has
 * ended there is none for {@link #exit} either: it may be interpreted still when what called it is
 * compiled. So {@link Front} ends a section that failed by two stores, which need no stack; the
 * first is volatile, and a fence. A section behind a {@link StackProbe} may use {@code finally}.
 *
 * <p>The word holds a number and not a flag, so that a writer need not catch a busy reader between
 * two sections: a section that began after the number rose has seen what was unpublished.
 *
 * <p><b>Ordering.</b> Nothing in the Java memory model orders the reader's store before its later
 * loads. HotSpot's {@code acquireFence} keeps the compiler from moving a load above the store; the
 * processor is held to it by the writer's {@code membarrier}, which interrupts each running thread
 * with a full fence. So either the writer sees the word, or the reader sees what was unpublished.
 * {@code RcuLitmusTest} shows it. Without {@code membarrier}, and with {@code
 * kmem4j.rcu.fence=true}, the reader pays a full fence.
 */
public final class Rcu {
  /** A word set for longer than this is counted as a stall: sections are leaf code. */
  static final long STALL_NANOS = 100_000_000;

  /** For how long a refused membarrier is tried again. */
  private static final long REFUSED_NANOS = 1_000_000_000;

  private static final boolean FENCE = !Os.MEMBARRIER || Boolean.getBoolean("kmem4j.rcu.fence");
  private static final long MAX_PER_SECOND = Long.getLong("kmem4j.rcu.maxPerSecond", 1000);

  /** The latest number, on cache lines of its own: each section reads it. */
  private static final Number GP = new Number();

  /** One grace period at a time; whoever waits here shares the next one. */
  private static final SpinLock LOCK = new SpinLock();

  private static volatile long completed;
  private static final AtomicLong STALLS = new AtomicLong();
  private static long windowStart;
  private static long inWindow;

  private Rcu() {}

  private static final class Number extends Padding {
    private static final VarHandle VALUE;

    static {
      try {
        VALUE = MethodHandles.lookup().findVarHandle(Number.class, "value", long.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    private long value = 1;

    @SuppressWarnings("unused")
    private long unused1, unused2, unused3, unused4, unused5, unused6, unused7, unused8;

    long getVolatile() {
      return (long) VALUE.getVolatile(this);
    }
  }

  /** Begins a read section of the slot, which the calling thread owns. Not reentrant. */
  public static void enter(Slot slot) {
    slot.word = GP.value; // plain: the fence below and the one in exit keep it in its place
    if (FENCE) {
      VarHandle.fullFence();
    } else {
      VarHandle.acquireFence(); // for the compiler; pairs with the membarrier in synchronize
    }
  }

  /** Ends the section. What it stored is visible to the writer who sees the 0. */
  public static void exit(Slot slot) {
    VarHandle.releaseFence();
    slot.word = 0;
  }

  /** Whether the slot's thread, the caller, is inside a section. */
  static boolean isInSection(Slot slot) {
    return slot.word != 0;
  }

  /** Whether the slot's thread, the caller, is inside a section or holds a pin. */
  public static boolean isReading(Slot slot) {
    return slot != null && (slot.word | slot.pin) != 0;
  }

  /**
   * For what waits for grace periods, before it changes anything.
   *
   * @param what was called
   * @throws IllegalStateException in a section or under a pin of the calling thread
   */
  public static void checkNotReading(String what) {
    if (isReading(PerThread.existing())) {
      throw new IllegalStateException(what + " was called under a pin: end it first");
    }
  }

  /**
   * Begins a pin: one long section around many operations of a duty cycle. Until {@link #unpin} or
   * {@link #repin}, writers wait.
   */
  public static void pin(Slot slot) {
    slot.pinnedAt = System.nanoTime();
    repin(slot);
  }

  /** Renews a pin: what was read under it before may be gone. */
  public static void repin(Slot slot) {
    VarHandle.releaseFence();
    slot.pin = GP.value;
    if (FENCE) {
      VarHandle.fullFence();
    } else {
      VarHandle.acquireFence(); // as in enter
    }
  }

  public static void unpin(Slot slot) {
    VarHandle.releaseFence();
    slot.pin = 0;
  }

  public static boolean isPinned(Slot slot) {
    return slot.pin != 0;
  }

  /** Nanoseconds for which the oldest pin has been held, or 0 if there is none. */
  public static long oldestPinNanos() {
    long oldest = 0;
    for (int i = 0; i < PerThread.slotCount(); i++) {
      Slot slot = PerThread.slot(i);
      if ((long) SlotWords.PIN.getOpaque(slot) != 0) {
        oldest = Math.max(oldest, System.nanoTime() - slot.pinnedAt);
      }
    }
    return oldest;
  }

  /**
   * Waits until every section that is running now has ended.
   *
   * @throws IllegalStateException in a section or under a pin, which would wait for itself
   * @throws OsException if the system refuses the barrier for more than a second
   */
  public static void synchronize() {
    boolean done = synchronize(Long.MAX_VALUE);
    assert done;
  }

  /**
   * As {@link #synchronize()}, for at most {@code maxNanos}. Waiters share grace periods.
   *
   * @return whether the grace period ended; if not, what was unpublished must not be touched yet
   */
  public static boolean synchronize(long maxNanos) {
    if (isReading(PerThread.existing())) {
      throw new IllegalStateException(
          "a grace period was awaited inside a read section or pin: end it first");
    }
    VarHandle.fullFence(); // what was unpublished is visible before any number is read
    long start = System.nanoTime();
    long needed = snapshot();
    for (int round = 0; completed < needed; round++) {
      if (LOCK.tryLock()) {
        try {
          if (completed < needed && !run(start, maxNanos)) {
            return false;
          }
        } finally {
          LOCK.unlock();
        }
      } else if (System.nanoTime() - start > maxNanos) {
        return false;
      } else {
        SpinLock.pause(round);
      }
    }
    return true;
  }

  /** The number of the first grace period that begins after this call. */
  public static long snapshot() {
    return GP.getVolatile() + 1;
  }

  /** Whether the grace period of a {@link #snapshot} has ended. Never waits. */
  public static boolean hasElapsed(long snapshot) {
    return completed >= snapshot;
  }

  /** Grace periods that began so far; each interrupted every core that ran this process. */
  public static long gracePeriods() {
    return GP.getVolatile() - 1;
  }

  /** How often a section was found running for over 100 ms. */
  public static long stalls() {
    return STALLS.get();
  }

  private static boolean run(long start, long maxNanos) {
    if (!waitForTurn(start, maxNanos)) {
      return false;
    }
    long number = GP.getVolatile() + 1;
    Number.VALUE.setVolatile(GP, number);
    if (!FENCE && !interruptAll(start, maxNanos)) {
      return false;
    }
    // Slots are counted after the barrier: a newer one has published itself by a full fence before
    // its first section, which therefore sees what was unpublished.
    int count = PerThread.slotCount();
    for (int i = 0; i < count; i++) {
      if (!await(PerThread.slot(i), number, start, maxNanos)) {
        return false;
      }
    }
    completed = number;
    return true;
  }

  /**
   * A system that is short of memory may refuse the barrier. Nothing is lost by that: the grace
   * period has not ended, and whoever waits tries again.
   *
   * @return false if the system refused for as long as the caller may wait
   * @throws OsException if it still does after a second
   */
  private static boolean interruptAll(long start, long maxNanos) {
    for (int round = 0; ; round++) {
      try {
        Os.membarrier();
        return true;
      } catch (OsException e) {
        long waited = System.nanoTime() - start;
        if (waited > maxNanos) {
          return false;
        }
        if (waited > REFUSED_NANOS) {
          throw e;
        }
        SpinLock.pause(round);
      }
    }
  }

  /** Spreads grace periods: at most {@link #MAX_PER_SECOND}, for each one disturbs every core. */
  private static boolean waitForTurn(long start, long maxNanos) {
    long now = System.nanoTime();
    if (now - windowStart > 1_000_000_000L / 10 || windowStart == 0) {
      windowStart = now;
      inWindow = 0;
    }
    for (int round = 96; inWindow >= Math.max(1, MAX_PER_SECOND / 10); round++) {
      if (System.nanoTime() - start > maxNanos) {
        return false;
      }
      SpinLock.pause(round);
      if (System.nanoTime() - windowStart > 1_000_000_000L / 10) {
        windowStart = System.nanoTime();
        inWindow = 0;
      }
    }
    inWindow++;
    return true;
  }

  private static boolean await(Slot slot, long number, long start, long maxNanos) {
    long began = 0; // of this wait; the one for our turn says nothing about the slot
    boolean stalled = false;
    for (int round = 0; ; round++) {
      if (isQuiet(SlotWords.WORD, slot, number) && isQuiet(SlotWords.PIN, slot, number)) {
        return true;
      }
      if (round > 64) {
        if (PerThread.isDead(slot)) {
          return true;
        }
        long now = System.nanoTime();
        if (now - start > maxNanos) {
          return false;
        }
        began = began == 0 ? now : began;
        if (now - began > STALL_NANOS && !stalled) {
          stalled = true;
          STALLS.incrementAndGet();
        }
      }
      SpinLock.pause(round);
    }
  }

  private static boolean isQuiet(VarHandle word, Slot slot, long number) {
    long entered = (long) word.getAcquire(slot); // pairs with the fence in exit and unpin
    return entered == 0 || entered >= number;
  }
}
