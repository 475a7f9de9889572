package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

class PerThreadTest {
  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void letAllGo() throws InterruptedException {
    release.countDown();
    crew.join();
  }

  // ------------------------------------------------------------------ whose slot

  @Test
  void aThreadFindsTheSameSlotAgain() {
    Slot slot = PerThread.find();

    assertSame(slot, PerThread.find());
    assertSame(slot, PerThread.current());
    assertSame(slot, PerThread.slot(slot.index()));
    assertFalse(slot.isStripe());
  }

  @Test
  void liveThreadsHaveSlotsOfTheirOwn() throws InterruptedException {
    int threads = 100;
    Set<Slot> slots = ConcurrentHashMap.newKeySet();
    var found = new CountDownLatch(threads);

    for (int i = 0; i < threads; i++) {
      crew.start(
          () -> {
            slots.add(PerThread.find());
            found.countDown();
            Crew.await(release);
          });
    }
    Crew.await(found);

    assertEquals(threads, slots.size());
    assertFalse(slots.contains(PerThread.find()));
  }

  @Test
  void aVirtualThreadHasNoSlot() throws InterruptedException {
    crew.startVirtual(
        () -> {
          assertNull(PerThread.current());
          assertNull(PerThread.find());
        });
    crew.join();
  }

  // ------------------------------------------------------------------ colliding ids

  /** A thread that has not started, whose id has the same hash. */
  private static Thread colliding(long id, Runnable work) {
    while (true) {
      Thread thread = new Thread(work);
      if (((thread.threadId() - id) & (PerThread.TABLE_SIZE - 1)) == 0) {
        thread.setDaemon(true);
        return thread;
      }
    }
  }

  /** Without the rule that a live owner is never overwritten, 27 751 slots were made. */
  @Test
  void twoLiveThreadsWhoseIdsCollideMakeNoNewSlots() throws InterruptedException {
    Slot[] mine = new Slot[2];
    Semaphore[] turn = {new Semaphore(1), new Semaphore(0)};
    Thread first = null;
    int[] slotsAfterFirstRound = new int[1];

    for (int i = 0; i < 2; i++) {
      int me = i;
      Runnable work =
          crew.guarded(
              () -> {
                for (int round = 0; round < 1000; round++) {
                  turn[me].acquire();
                  Slot slot = PerThread.find();
                  if (round == 0) {
                    mine[me] = slot;
                    slotsAfterFirstRound[0] = PerThread.slotCount();
                  }
                  assertSame(mine[me], slot, "round " + round);
                  turn[1 - me].release();
                }
              });
      Thread thread = first == null ? new Thread(work) : colliding(first.threadId(), work);
      thread.setDaemon(true);
      if (first == null) {
        first = thread;
      } else {
        crew.start(first);
        crew.start(thread);
      }
    }
    crew.join();

    assertNotSame(mine[0], mine[1]);
    assertEquals(slotsAfterFirstRound[0], PerThread.slotCount());
  }

  @Test
  void moreCollidingThreadsThanProbesWorkWithoutASlot() throws InterruptedException {
    int threads = 40;
    List<Slot> slots = new ArrayList<>();
    long id = Thread.currentThread().threadId();

    for (int i = 0; i < threads; i++) {
      var found = new CountDownLatch(1);
      Runnable work =
          crew.guarded(
              () -> {
                synchronized (slots) {
                  slots.add(PerThread.find());
                }
                found.countDown();
                Crew.await(release);
              });
      Thread thread = colliding(id, work);
      crew.start(thread);
      Crew.await(found);
    }

    long without = slots.stream().filter(slot -> slot == null).count();
    assertTrue(without >= threads - 32 && without < threads, "without a slot: " + without);
    Set<Slot> distinct = new HashSet<>(slots);
    distinct.remove(null);
    assertEquals(threads - without, distinct.size());
  }

  // ------------------------------------------------------------------ the dead

  @Test
  void shortThreadsShareFewSlots() throws InterruptedException {
    int before = PerThread.slotCount();

    for (int i = 0; i < 2000; i++) {
      crew.start(() -> assertNotNull(PerThread.find()));
      if (i % 10 == 9) {
        crew.join();
      }
    }

    assertTrue(PerThread.slotCount() <= before + 10, "slots: " + PerThread.slotCount());
  }

  @Test
  void theSlotOfADeadThreadIsAdoptedWithWhatItHolds() throws InterruptedException {
    var link = new Linked();
    var heldBy = new AtomicReference<Slot>();
    crew.start(
        () -> {
          Slot slot = PerThread.find();
          Sheaf sheaf = new Sheaf(2);
          sheaf.push(4711);
          Front.detach(slot, link);
          assertTrue(Front.attach(slot, link, sheaf, () -> true));
          heldBy.set(slot);
        });
    crew.join();
    assertTrue(PerThread.isDead(heldBy.get()));

    var found = new AtomicLong();
    adopt(heldBy.get(), () -> found.set(Front.pop(heldBy.get(), link)));

    assertEquals(4711, found.get());
    assertNotNull(Front.unlink(heldBy.get(), link));
    PerThread.giveLink(link.endLink());
  }

  /** Starts threads that live on, until one of them has the slot, and does something there. */
  private void adopt(Slot slot, Runnable something) throws InterruptedException {
    var adopted = new AtomicBoolean();
    for (int i = 0; i < PerThread.slotCount() && !adopted.get(); i++) {
      var started = new CountDownLatch(1);
      crew.start(
          () -> {
            if (PerThread.find() == slot) {
              something.run();
              adopted.set(true);
            }
            started.countDown();
            Crew.await(release);
          });
      Crew.await(started);
    }
    assertTrue(adopted.get(), "no thread has adopted the slot");
  }

  @Test
  void aThreadThatDiedInsideASectionLeavesItsHeirOutsideOfOne() throws InterruptedException {
    var held = new AtomicReference<Slot>();
    crew.start(
        () -> {
          held.set(PerThread.find());
          Rcu.enter(held.get());
          Rcu.pin(held.get());
        });
    crew.join();
    Slot slot = held.get();

    adopt(slot, () -> {});

    assertFalse(PerThread.isDead(slot));
    assertFalse(Rcu.isReading(slot));
    assertTrue(Rcu.synchronize(5_000_000_000L), "a grace period ends");
  }

  // ------------------------------------------------------------------ stripes

  @Test
  void virtualThreadsMakeNoSlots() throws InterruptedException {
    manyVirtualThreads(100_000);
  }

  @Test
  @Tag("slow")
  void aMillionVirtualThreadsMakeNoSlots() throws InterruptedException {
    manyVirtualThreads(1_000_000);
  }

  private void manyVirtualThreads(int threads) throws InterruptedException {
    int before = PerThread.slotCount();
    for (int i = 0; i < threads; i++) {
      crew.startVirtual(
          () -> {
            assertNull(PerThread.find());
            Slot stripe = PerThread.tryLockStripe();
            if (stripe != null) {
              assertTrue(stripe.isStripe());
              PerThread.unlock(stripe);
            }
          });
      if (i % 10_000 == 9_999) {
        crew.join();
      }
    }
    crew.join();

    assertEquals(before, PerThread.slotCount());
  }

  @Test
  void aStripeHasOneUserAndWhenAllAreBusyThereIsNone() {
    List<Slot> locked = new ArrayList<>();
    for (Slot stripe = PerThread.tryLockStripe();
        stripe != null;
        stripe = PerThread.tryLockStripe()) {
      locked.add(stripe);
    }

    assertFalse(locked.isEmpty());
    assertEquals(locked.size(), new HashSet<>(locked).size());

    PerThread.unlock(locked.get(0));
    assertSame(locked.get(0), PerThread.tryLockStripe());
    locked.forEach(PerThread::unlock);
  }

  @Test
  void aStripeCanBeWaitedFor() throws InterruptedException {
    Slot stripe = PerThread.tryLockStripe();
    Thread waiter =
        crew.start(
            () -> {
              PerThread.lock(stripe);
              PerThread.unlock(stripe);
            });

    Thread.sleep(20);
    assertTrue(waiter.isAlive());
    PerThread.unlock(stripe);

    crew.join();
  }

  @Test
  void aStripeIsNeverDead() {
    Slot stripe = PerThread.tryLockStripe();
    PerThread.unlock(stripe);

    assertFalse(PerThread.isDead(stripe));
  }

  // ------------------------------------------------------------------ links

  @Test
  void aLinkHasOneUserUntilItIsGivenBack() {
    int[] links = new int[100];
    Arrays.setAll(links, i -> PerThread.takeLink());
    assertEquals(100, Arrays.stream(links).distinct().count());

    PerThread.giveLink(links[50]);
    int again = PerThread.takeLink();
    int another = PerThread.takeLink();

    assertEquals(links[50], again, "the lowest free number");
    assertNotEquals(again, another);
    Arrays.stream(links).forEach(PerThread::giveLink);
    PerThread.giveLink(another);
  }
}
