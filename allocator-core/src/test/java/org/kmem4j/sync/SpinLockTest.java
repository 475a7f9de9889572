package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

class SpinLockTest {
  private final SpinLock lock = new SpinLock();
  private final Crew crew = new Crew();
  private long counter; // guarded by the lock

  @Test
  void aHeldLockIsRefused() {
    assertTrue(lock.tryLock());
    assertTrue(lock.isLocked());

    assertFalse(lock.tryLock(), "not reentrant");

    lock.unlock();
    assertFalse(lock.isLocked());
    assertTrue(lock.tryLock());
    lock.unlock();
  }

  @Test
  void unlockingAFreeLockIsOurMistake() {
    assertThrows(AssertionError.class, lock::unlock);
  }

  @Test
  void whatIsDoneUnderTheLockIsDoneByOneAtATime() throws InterruptedException {
    int threads = 4;
    int rounds = 300_000;

    for (int i = 0; i < threads; i++) {
      crew.start(
          i < 3 ? Thread.ofPlatform().daemon() : Thread.ofVirtual(),
          () -> {
            for (int round = 0; round < rounds; round++) {
              lock.lock();
              try {
                counter++;
              } finally {
                lock.unlock();
              }
            }
          });
    }
    crew.join();

    assertEquals((long) threads * rounds, counter);
  }

  @Test
  void aWaiterParksAndGetsTheLockOfAHolderThatSleeps() throws InterruptedException {
    lock.lock();
    Thread waiter = crew.start(lock::lock);

    Thread.sleep(50);
    assertTrue(waiter.isAlive());
    lock.unlock();

    crew.join();
    assertTrue(lock.isLocked(), "the waiter has it");
  }

  /** An interrupted virtual thread does not park; if it only spun, it would keep its carrier. */
  @Test
  void interruptedWaitersLeaveTheirCarriersToTheHolder() throws InterruptedException {
    var held = new CountDownLatch(1);
    crew.startVirtual(
        () -> {
          lock.lock();
          held.countDown();
          Thread.sleep(100); // unmounted: it needs a carrier to go on
          lock.unlock();
        });
    Crew.await(held);

    for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
      crew.startVirtual(
          () -> {
            Thread.currentThread().interrupt();
            lock.lock();
            lock.unlock();
          });
    }

    crew.join();
    assertFalse(lock.isLocked());
  }
}
