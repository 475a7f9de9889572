package org.kmem4j.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * A lock that allocates nothing, held for short stretches of leaf code. Waiters spin, then yield,
 * then park for microseconds, so that a holder which lost its core gets it back.
 *
 * <p>Not reentrant and not fair. Works for platform and virtual threads alike.
 */
public final class SpinLock {
  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(SpinLock.class, "held", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("unused") // through HELD
  private int held;

  public boolean tryLock() {
    return (int) HELD.getOpaque(this) == 0 && HELD.compareAndSet(this, 0, 1);
  }

  public void lock() {
    if (!tryLock()) {
      lockSlow();
    }
  }

  private void lockSlow() {
    for (int round = 0; !tryLock(); round++) {
      pause(round);
    }
  }

  /** Publishes what was written under the lock to the next holder's CAS. */
  public void unlock() {
    assert isLocked();
    HELD.setRelease(this, 0);
  }

  public boolean isLocked() {
    return (int) HELD.getOpaque(this) != 0;
  }

  /** Waits ever longer: spin hints, yields, then parks of 50 µs. Allocates nothing. */
  public static void pause(int round) {
    if (round < 64) {
      Thread.onSpinWait();
    } else if (round < 96) {
      Thread.yield();
    } else if (Thread.interrupted()) {
      // It would not park; a virtual thread would keep the carrier that the holder may need.
      LockSupport.parkNanos(1); // takes the permit that the interrupt left
      LockSupport.parkNanos(50_000);
      Thread.currentThread().interrupt();
    } else {
      LockSupport.parkNanos(50_000);
    }
  }
}
