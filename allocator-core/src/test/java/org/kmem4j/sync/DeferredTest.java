package org.kmem4j.sync;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

class DeferredTest {
  private static final long LONG = SECONDS.toNanos(10);
  private static final long SHORT = MILLISECONDS.toNanos(20);

  private final Deferred deferred = new Deferred();
  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void letAllGo() throws InterruptedException {
    release.countDown();
    crew.join();
  }

  private Thread reader() throws InterruptedException {
    var inside = new CountDownLatch(1);
    Thread reader =
        crew.start(
            () -> {
              Slot slot = PerThread.find();
              Rcu.enter(slot);
              inside.countDown();
              Crew.await(release);
              Rcu.exit(slot);
            });
    Crew.await(inside);
    return reader;
  }

  @Test
  void nothingPendingIsFinishedWithoutAGracePeriod() {
    long before = Rcu.gracePeriods();

    assertTrue(deferred.finish(LONG));

    assertEquals(before, Rcu.gracePeriods());
  }

  @Test
  void allThatIsPendingIsFinishedInOrderAfterOneGracePeriod() {
    List<Integer> done = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      int number = i;
      deferred.add(new DeferredWork(() -> done.add(number)));
    }
    assertEquals(List.of(), done, "adding does nothing yet");
    long before = Rcu.gracePeriods();

    assertTrue(deferred.finish(LONG));

    assertEquals(List.of(0, 1, 2, 3, 4), done);
    assertEquals(before + 1, Rcu.gracePeriods());
    assertEquals(0, deferred.size());
  }

  @Test
  void whatASectionMayStillUseIsFinishedLater() throws InterruptedException {
    Thread reader = reader();
    var done = new AtomicInteger();
    deferred.add(new DeferredWork(done::incrementAndGet));

    assertFalse(deferred.finish(SHORT));

    assertEquals(0, done.get());
    assertEquals(1, deferred.size());

    release.countDown();
    reader.join();
    assertTrue(deferred.finish(LONG));
    assertEquals(1, done.get());
  }

  @Test
  void noTimeAtAllStillFinishesWhatIsDue() {
    var done = new AtomicInteger();
    deferred.add(new DeferredWork(done::incrementAndGet));
    Rcu.synchronize();

    assertTrue(deferred.finish(0) || deferred.finish(LONG));

    assertEquals(1, done.get());
  }

  @Test
  void oneThatFailsDoesNotKeepTheOthers() {
    var done = new AtomicInteger();
    deferred.add(
        new DeferredWork(
            () -> {
              throw new IllegalStateException("damaged");
            }));
    deferred.add(new DeferredWork(done::incrementAndGet));

    assertThrows(IllegalStateException.class, () -> deferred.finish(LONG));

    assertTrue(deferred.finish(LONG));
    assertEquals(1, done.get());
  }

  /** Whoever shrinks or destroys a cache counts its objects afterwards. */
  @Test
  void whatAnotherThreadIsFinishingIsNotFinishedYet() throws InterruptedException {
    var begun = new CountDownLatch(1);
    var done = new AtomicInteger();
    deferred.add(
        new DeferredWork(
            () -> {
              begun.countDown();
              try {
                Crew.await(release);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              done.incrementAndGet();
            }));
    crew.start(() -> deferred.finish(LONG));
    Crew.await(begun);

    assertFalse(deferred.finish(SHORT));

    release.countDown();
    assertTrue(deferred.finish(LONG));
    assertEquals(1, done.get());
  }

  /** What others add meanwhile is theirs to wait for. */
  @Test
  void whoFinishesWaitsForAllThatWasAddedBeforeAndNoMore() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      crew.start(
          () -> {
            while (crew.goesOn()) {
              if (deferred.size() < 50) {
                deferred.add(new DeferredWork(Thread::onSpinWait));
              }
              deferred.finish(100_000);
            }
          });
    }
    try {
      for (int i = 0; i < 200; i++) {
        var done = new AtomicInteger();
        deferred.add(new DeferredWork(done::incrementAndGet));

        assertTrue(deferred.finish(LONG));

        assertEquals(1, done.get(), "round " + i);
      }
    } finally {
      crew.stop();
    }
  }

  @Test
  void manyThreadsFinishEachItemOnce() throws InterruptedException {
    var done = new AtomicInteger();
    int threads = 4;
    int each = 200;
    for (int i = 0; i < threads; i++) {
      crew.start(
          () -> {
            for (int item = 0; item < each; item++) {
              deferred.add(new DeferredWork(done::incrementAndGet));
              if (item % 10 == 0) {
                deferred.finish(MILLISECONDS.toNanos(1));
              }
            }
          });
    }
    crew.join();

    assertTrue(deferred.finish(LONG));

    assertEquals(threads * each, done.get());
  }
}
