package org.kmem4j.sync;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

class RcuTest {
  private static final long SHORT = MILLISECONDS.toNanos(20);
  private static final long LONG = SECONDS.toNanos(5);

  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void letAllGo() throws InterruptedException {
    release.countDown();
    crew.stop();
    crew.join();
  }

  /** A thread inside a section, until it is released. */
  private Thread reader() throws InterruptedException {
    var inside = new CountDownLatch(1);
    Thread reader =
        crew.start(
            () -> {
              Slot slot = PerThread.find();
              Rcu.enter(slot);
              try {
                inside.countDown();
                Crew.await(release);
              } finally {
                Rcu.exit(slot);
              }
            });
    Crew.await(inside);
    return reader;
  }

  // ------------------------------------------------------------------ what is awaited

  @Test
  void withoutAReaderAGracePeriodEndsAtOnce() {
    assertTrue(Rcu.synchronize(LONG));
  }

  @Test
  void aRunningSectionIsAwaited() throws InterruptedException {
    Thread reader = reader();

    assertFalse(Rcu.synchronize(SHORT));

    release.countDown();
    assertTrue(Rcu.synchronize(LONG));
    reader.join();
  }

  @Test
  void theFirstSectionOfABrandNewThreadIsAwaited() throws InterruptedException {
    int threads = PerThread.slotCount() + 1; // more than there are dead slots to adopt
    for (int i = 0; i < threads; i++) {
      var inside = new CountDownLatch(1);
      var leave = new CountDownLatch(1);
      var outside = new CountDownLatch(1);
      crew.start(
          () -> {
            Slot slot = PerThread.find();
            Rcu.enter(slot);
            inside.countDown();
            Crew.await(leave);
            Rcu.exit(slot);
            outside.countDown();
            Crew.await(release); // lives on, so that its slot stays its own
          });
      Crew.await(inside);

      assertFalse(Rcu.synchronize(MILLISECONDS.toNanos(1)), "thread " + i);

      leave.countDown();
      Crew.await(outside);
    }
  }

  @Test
  void theSectionOfADeadThreadIsOver() throws InterruptedException {
    crew.start(() -> Rcu.enter(PerThread.find()));
    crew.join();

    assertTrue(Rcu.synchronize(LONG));
  }

  /** With a flag in place of the number, a writer has to catch the reader between two sections. */
  @Test
  void aWriterIsNotHeldUpByAReaderThatHardlyEverLeaves() throws InterruptedException {
    int warmUp = 100_000; // compiled, it leaves for a few nanoseconds
    var warm = new CountDownLatch(warmUp);
    crew.start(
        () -> {
          Slot slot = PerThread.find();
          for (int i = 0; crew.goesOn(); i++) {
            Rcu.enter(slot);
            warm.countDown();
            long end = System.nanoTime() + (i < warmUp ? 100 : MILLISECONDS.toNanos(1));
            while (System.nanoTime() - end < 0) {
              Thread.onSpinWait();
            }
            Rcu.exit(slot);
          }
        });
    Crew.await(warm);
    long start = System.nanoTime();

    for (int i = 0; i < 20; i++) {
      assertTrue(Rcu.synchronize(LONG), "grace period " + i);
    }

    long took = System.nanoTime() - start;
    assertTrue(took < SECONDS.toNanos(2), "20 grace periods took " + took + " ns");
  }

  // ------------------------------------------------------------------ bounded waits

  @Test
  void aGracePeriodThatWasTooSlowIsNoGracePeriod() throws InterruptedException {
    Thread reader = reader();
    long snapshot = Rcu.snapshot();

    assertFalse(Rcu.synchronize(SHORT));
    assertFalse(Rcu.hasElapsed(snapshot));

    release.countDown();
    reader.join();
    assertFalse(Rcu.hasElapsed(snapshot), "nobody has waited since");
    Rcu.synchronize();
    assertTrue(Rcu.hasElapsed(snapshot));
  }

  @Test
  void nobodyWaitsLongerThanItWantsBehindOneWhoWaitsForEver() throws InterruptedException {
    Thread reader = reader();
    Thread patient = crew.start(() -> Rcu.synchronize());
    Thread.sleep(20);
    long start = System.nanoTime();

    assertFalse(Rcu.synchronize(SHORT));

    assertTrue(System.nanoTime() - start < LONG);
    assertTrue(patient.isAlive());
    release.countDown();
    reader.join();
  }

  @Test
  void whoWaitsForItselfIsTold() {
    Slot slot = PerThread.find();
    Rcu.enter(slot);
    try {
      assertThrows(IllegalStateException.class, () -> Rcu.synchronize(SHORT));
    } finally {
      Rcu.exit(slot);
    }
    Rcu.pin(slot);
    try {
      assertThrows(IllegalStateException.class, () -> Rcu.synchronize(SHORT));
    } finally {
      Rcu.unpin(slot);
    }
    assertTrue(Rcu.synchronize(LONG));
  }

  /** Its slot is not where its hash says, for another live thread's is. */
  @Test
  void whoWaitsForItselfIsToldThoughItsIdCollides() throws InterruptedException {
    Thread first = reader();
    Thread second;
    do {
      second =
          new Thread(
              crew.guarded(
                  () -> {
                    Slot slot = PerThread.find();
                    Rcu.pin(slot);
                    try {
                      assertThrows(IllegalStateException.class, () -> Rcu.synchronize(SHORT));
                    } finally {
                      Rcu.unpin(slot);
                    }
                  }));
    } while (((second.threadId() - first.threadId()) & (PerThread.TABLE_SIZE - 1)) != 0);

    crew.start(second);
    second.join();
  }

  // ------------------------------------------------------------------ few grace periods

  @Test
  void whoWaitsAtTheSameTimeSharesAGracePeriod() throws Exception {
    int waiters = 8;
    Thread reader = reader();
    var together = new CyclicBarrier(waiters + 1);
    for (int i = 0; i < waiters; i++) {
      crew.start(
          () -> {
            together.await();
            Rcu.synchronize();
          });
    }
    long before = Rcu.gracePeriods();
    together.await();
    Thread.sleep(100); // all wait: one for the reader, seven for the next

    release.countDown();
    reader.join();
    crew.join();

    long needed = Rcu.gracePeriods() - before;
    assertTrue(needed <= 4, waiters + " waiters needed " + needed + " grace periods");
  }

  @Test
  void gracePeriodsAreSpread() {
    long max = Long.getLong("kmem4j.rcu.maxPerSecond", 1000);
    long before = Rcu.gracePeriods();
    long start = System.nanoTime();

    for (long i = 0; i < max / 2; i++) {
      Rcu.synchronize();
    }

    double seconds = (System.nanoTime() - start) / 1e9;
    long periods = Rcu.gracePeriods() - before;
    assertTrue(periods >= max / 2, "each is counted: " + periods);
    // One window of a tenth of a second may have been used up, and one be unused, at either end.
    assertTrue(periods <= (seconds + 0.2) * max, periods + " grace periods in " + seconds + " s");
  }

  @Test
  void oneThatHasNoTurnInTimeIsToldSo() {
    long max = Long.getLong("kmem4j.rcu.maxPerSecond", 1000);
    boolean refused = false;

    for (long i = 0; i < max && !refused; i++) {
      refused = !Rcu.synchronize(MILLISECONDS.toNanos(1));
    }

    assertTrue(refused);
    assertTrue(Rcu.synchronize(LONG));
  }

  // ------------------------------------------------------------------ stalls

  @Test
  void aSectionThatTakesOverATenthOfASecondIsAStall() throws InterruptedException {
    reader();
    long before = Rcu.stalls();

    assertFalse(Rcu.synchronize(MILLISECONDS.toNanos(50)));
    assertEquals(before, Rcu.stalls(), "not yet");

    assertFalse(Rcu.synchronize(MILLISECONDS.toNanos(200)));
    assertEquals(before + 1, Rcu.stalls());
  }

  /** It was the cap that took the time, and no section. */
  @Test
  void waitingForOnesTurnIsNoStall() throws InterruptedException {
    long max = Long.getLong("kmem4j.rcu.maxPerSecond", 1000);
    long end = System.nanoTime() + SECONDS.toNanos(40);

    // Until the turn and the section behind it have taken longer than it takes to be a stall. Two
    // sections do, and the turn comes in the second.
    for (boolean waited = false; !waited; ) {
      assertTrue(System.nanoTime() - end < 0, "no wait was long enough");
      useUpTheTurns(max / 10);
      long before = Rcu.stalls();
      var reading = new Crew();
      var inside = new CountDownLatch(1);
      var longest = new AtomicLong();
      reading.start(
          () -> {
            Slot slot = PerThread.find();
            while (reading.goesOn()) {
              long entered = System.nanoTime();
              Rcu.enter(slot);
              inside.countDown();
              Thread.sleep(65);
              Rcu.exit(slot);
              longest.accumulateAndGet(System.nanoTime() - entered, Math::max);
            }
          });
      Crew.await(inside);
      long start = System.nanoTime();

      Rcu.synchronize();

      long took = System.nanoTime() - start;
      reading.stop();
      reading.join();
      if (longest.get() < MILLISECONDS.toNanos(90)) { // else a busy machine has made it a stall
        assertEquals(before, Rcu.stalls());
        waited = took > MILLISECONDS.toNanos(110);
      }
    }
  }

  /** Grace periods until the next one has to wait for the next tenth of a second. */
  private static void useUpTheTurns(long max) {
    Rcu.synchronize();
    for (long i = 0; i < 3 * max; i++) {
      if (!Rcu.synchronize(MILLISECONDS.toNanos(1))) {
        return;
      }
    }
  }

  // ------------------------------------------------------------------ pins

  @Test
  void aPinIsAwaitedUntilItIsRenewed() throws InterruptedException {
    var pinned = new CountDownLatch(1);
    var renewed = new CountDownLatch(1);
    crew.start(
        () -> {
          Slot slot = PerThread.find();
          Rcu.pin(slot);
          pinned.countDown();
          while (!renewed.await(1, MILLISECONDS)) {
            assertTrue(Rcu.isPinned(slot));
          }
          while (crew.goesOn()) {
            Rcu.repin(slot);
            Thread.sleep(1);
          }
          Rcu.unpin(slot);
        });
    Crew.await(pinned);

    assertFalse(Rcu.synchronize(SHORT));
    assertTrue(Rcu.oldestPinNanos() >= SHORT);

    renewed.countDown();
    assertTrue(Rcu.synchronize(LONG), "though it is never closed");
  }

  @Test
  void aSectionInsideAPinDoesNotEndIt() throws InterruptedException {
    var inside = new CountDownLatch(1);
    crew.start(
        () -> {
          Slot slot = PerThread.find();
          Rcu.pin(slot);
          Rcu.enter(slot);
          Rcu.exit(slot);
          inside.countDown();
          Crew.await(release);
          Rcu.unpin(slot);
        });
    Crew.await(inside);

    assertFalse(Rcu.synchronize(SHORT));
  }
}
