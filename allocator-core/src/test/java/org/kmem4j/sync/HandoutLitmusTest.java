package org.kmem4j.sync;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

/**
 * An owner pops and pushes, detaches and attaches; others drain its front all the time. Without the
 * rules of the link objects were handed out twice, thousands in seconds; with them none in 200
 * million.
 */
class HandoutLitmusTest {
  private static final int OBJECTS = 64;

  private final Crew crew = new Crew();
  private final Deferred deferred = new Deferred();
  private final Linked link = new Linked();

  /** 1 while somebody has the object. */
  private final AtomicIntegerArray taken = new AtomicIntegerArray(OBJECTS + 1);

  /** What no front holds. Guarded by itself. */
  private final ArrayDeque<Long> pool = new ArrayDeque<>();

  private volatile Slot ownersSlot;

  @Test
  void noObjectIsHandedOutTwice() throws InterruptedException {
    run(Duration.ofMillis(1500));
  }

  @Test
  @Tag("slow")
  void noObjectIsHandedOutTwiceForLong() throws InterruptedException {
    run(Duration.ofSeconds(20));
  }

  private void run(Duration time) throws InterruptedException {
    for (long object = 1; object <= OBJECTS; object++) {
      pool.add(object);
    }
    crew.start(this::own);
    crew.start(this::drain);
    crew.runFor(time);

    Sheaf last = Front.unlink(ownersSlot, link);
    deferred.finish(Long.MAX_VALUE);
    if (last != null) {
      last.settle();
      giveToPool(last);
    }
    for (int i = 0; i < OBJECTS; i++) { // none was lost
      take(pool.remove());
    }
    PerThread.giveLink(link.endLink());
  }

  private void take(long object) {
    if (!taken.compareAndSet((int) object, 0, 1)) {
      throw new AssertionError("object " + object + " was handed out twice");
    }
  }

  private void giveToPool(Sheaf sheaf) {
    while (!sheaf.isEmpty()) {
      long object = sheaf.pop();
      take(object);
      taken.set((int) object, 0);
      synchronized (pool) {
        pool.add(object);
      }
    }
  }

  private void own() {
    Slot slot = PerThread.find();
    ownersSlot = slot;
    long[] mine = new long[8];
    int operations = 0;
    for (int i = 0; crew.goesOn(); i = (i + 1) % mine.length) {
      if (mine[i] != 0) {
        taken.set((int) mine[i], 0);
        if (!Front.push(slot, link, mine[i])) {
          makeRoom(slot, mine[i]);
        }
      }
      if (++operations % 16 == 0) {
        detachAndAttach(slot);
      }
      mine[i] = Front.pop(slot, link);
      if (mine[i] == 0) {
        mine[i] = refill(slot);
      }
      if (mine[i] != 0) {
        take(mine[i]);
      }
    }
    for (long object : mine) {
      if (object != 0) {
        synchronized (pool) {
          pool.add(object);
        }
        taken.set((int) object, 0);
      }
    }
  }

  private long refill(Slot slot) {
    Sheaf sheaf = Front.detach(slot, link);
    Sheaf main = sheaf != null ? sheaf : new Sheaf(14);
    synchronized (pool) {
      while (!main.isFull() && !pool.isEmpty()) {
        main.push(pool.remove());
      }
    }
    long object = main.isEmpty() ? 0 : main.pop();
    attach(slot, main);
    return object;
  }

  private void makeRoom(Slot slot, long object) {
    Sheaf sheaf = Front.detach(slot, link);
    Sheaf main = sheaf != null ? sheaf : new Sheaf(14);
    giveToPool(main);
    main.push(object);
    attach(slot, main);
  }

  /** As a slow path that finds, once it is there, that it need not do anything. */
  private void detachAndAttach(Slot slot) {
    attach(slot, Front.detach(slot, link));
  }

  private void attach(Slot slot, Sheaf main) {
    if (!Front.attach(slot, link, main, () -> true) && main != null) {
      giveToPool(main);
    }
  }

  private void drain() {
    while (ownersSlot == null) {
      Thread.onSpinWait();
    }
    for (int round = 0; crew.goesOn(); round++) {
      Sheaf sheaf = Front.unlink(ownersSlot, link);
      if (sheaf != null) {
        deferred.add(
            new DeferredWork(
                () -> {
                  sheaf.settle();
                  giveToPool(sheaf);
                }));
      }
      deferred.finish(MILLISECONDS.toNanos(1));
      for (int i = 0; i < round % 400; i++) {
        Thread.onSpinWait();
      }
    }
  }
}
