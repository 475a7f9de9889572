package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
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
    var counted = new AtomicLong();
    for (int i = 0; i < 4; i++) {
      crew.start(
          i < 3 ? Thread.ofPlatform().daemon() : Thread.ofVirtual(),
          () -> {
            long mine = 0;
            for (; crew.goesOn(); mine++) {
              lock.lock();
              try {
                counter++;
              } finally {
                lock.unlock();
              }
            }
            counted.addAndGet(mine);
          });
    }
    crew.runFor(Duration.ofMillis(500));

    assertEquals(counted.get(), counter);
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
