package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

/** The count that decides when something may be released. */
final class PercpuRefTest {
  private final AtomicInteger releases = new AtomicInteger();
  private final PercpuRef ref = new PercpuRef(releases::incrementAndGet);

  @BeforeEach
  void haveASlot() {
    PerThread.find();
  }

  private void end() {
    ref.kill();
    Rcu.synchronize();
    ref.confirm();
  }

  @Test
  void theLastPutReleasesOnceAndNothingIsToBeHadAfterwards() {
    ref.get(2);
    assertTrue(ref.tryGet());
    end();
    assertEquals(3, ref.count());

    ref.put(2);
    assertEquals(0, releases.get());
    assertTrue(ref.tryGet(), "there is one left");
    ref.put(2);

    assertEquals(1, releases.get());
    assertFalse(ref.tryGet());
    assertFalse(ref.tryGetLive());
    assertEquals(1, releases.get());
  }

  @Test
  void nothingButTheInitialReferenceIsReleasedByTheConfirmation() {
    ref.kill();
    assertEquals(0, releases.get(), "killed is not atomic");
    Rcu.synchronize();
    ref.confirm();

    assertEquals(1, releases.get());
    assertThrows(IllegalStateException.class, ref::kill);
  }

  @Test
  void aKilledReferenceIsToBeHadStillButNotAlive() {
    assertTrue(ref.tryGetLive());
    ref.kill();

    assertFalse(ref.tryGetLive());
    assertTrue(ref.tryGet());
    assertEquals(3, ref.count());
  }

  @Test
  void beforeTheCellsAreSummedNoPutReleases() throws InterruptedException {
    ref.makeCells();
    Crew crew = new Crew();
    crew.startVirtual(() -> ref.get(5)); // has no cell: central
    crew.join();
    ref.put(5); // from our cell, which is -5 now
    crew.startVirtual(
        () -> {
          ref.get(1);
          ref.put(1);
        });
    crew.join();
    ref.get(3);
    ref.kill();
    crew.startVirtual(() -> ref.put(3)); // central: 5 + 1 - 3
    crew.join();

    assertEquals(0, releases.get());
    assertEquals(1, ref.count());
    Rcu.synchronize();
    ref.confirm();
    assertEquals(1, releases.get());
  }

  @Test
  void putsThatGoToTheCentralCountAloneDoNotRelease() throws InterruptedException {
    ref.makeCells();
    ref.get(1); // our cell

    Crew crew = new Crew();
    crew.startVirtual(() -> ref.put(1)); // central
    crew.join();

    assertEquals(0, releases.get(), "the initial reference is there still");
    end();
    assertEquals(1, releases.get());
  }

  @Test
  void cellsSurviveTheAdoptionOfTheirSlot() throws InterruptedException {
    int[] index = new int[3];
    for (int i = 0; i < 3; i++) {
      int round = i;
      Crew crew = new Crew();
      crew.start(
          () -> {
            index[round] = PerThread.find().index();
            if (round == 0) {
              ref.makeCells();
            }
            ref.get(1);
          });
      crew.join();
    }

    assertEquals(index[0], index[2], "the slot was adopted");
    assertEquals(4, ref.count());
    end();
    assertEquals(3, ref.count());
    ref.put(3);
    assertEquals(1, releases.get());
  }

  @Test
  void whoseSlotIsYoungerThanTheCellsUsesTheCentralCount() throws InterruptedException {
    ref.makeCells();
    Crew crew = new Crew();
    CountDownLatch done = new CountDownLatch(20);
    for (int i = 0; i < 20; i++) { // more than were ever alive at once
      crew.start(
          () -> {
            PerThread.find();
            ref.get(1);
            done.countDown();
            Crew.await(done);
          });
    }
    crew.join();

    assertEquals(21, ref.count());
    end();
    ref.put(20);
    assertEquals(1, releases.get());
  }

  @Test
  void aSectionThatIsOpenStaysOpen() {
    ref.makeCells();
    Slot mine = PerThread.find();

    Rcu.enter(mine);
    ref.get(1);
    ref.put(1);
    boolean open = Rcu.isInSection(mine);
    Rcu.exit(mine);
    ref.get(1);
    ref.put(1);

    assertTrue(open);
    assertFalse(Rcu.isInSection(mine));
    assertEquals(1, ref.count());
  }

  @Test
  void whoeverComesTogetherReleasesOnce() throws InterruptedException {
    for (int round = 0; round < Integer.getInteger("kmem4j.test.rounds", 60); round++) {
      AtomicInteger released = new AtomicInteger();
      AtomicLong held = new AtomicLong(1);
      PercpuRef some =
          new PercpuRef(
              () -> {
                assertEquals(0, held.get(), "references that are held");
                released.incrementAndGet();
              });
      Crew crew = new Crew();
      for (int i = 0; i < 4; i++) {
        Crew.Work work =
            () -> {
              int mine = 0;
              var random = ThreadLocalRandom.current();
              for (int n = 0; n < 3000; n++) {
                if (random.nextInt(3) > 0) {
                  if (some.tryGet()) {
                    mine++;
                    held.incrementAndGet(); // not before: who is refused holds nothing
                  }
                } else if (mine > 0) {
                  mine--;
                  held.decrementAndGet();
                  some.put(1);
                }
              }
              held.addAndGet(-mine);
              if (mine > 0) {
                some.put(mine);
              }
            };
        if (i < 3) {
          crew.start(work);
        } else {
          crew.startVirtual(work);
        }
      }
      some.kill();
      Rcu.synchronize();
      held.decrementAndGet();
      some.confirm();
      crew.join();

      assertEquals(1, released.get(), "round " + round);
    }
  }
}
