package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

/** The protocol of the link, one rule a test. */
class FrontTest {
  private static final BooleanSupplier YES = () -> true;
  private static final BooleanSupplier NO = () -> false;

  private final Slot slot = PerThread.find();
  private final Linked link = new Linked();

  @AfterEach
  void leaveTheLinkAbsent() {
    Front.unlink(slot, link);
    if (Front.detach(slot, link) == Front.BUSY) {
      Front.attach(slot, link, null, NO);
    } else {
      Front.attach(slot, link, null, YES);
    }
    assertNull(slot.linkVolatile(link.link()));
    PerThread.giveLink(link.endLink());
  }

  private Sheaf attached(long... objects) {
    Sheaf sheaf = new Sheaf(4);
    for (long object : objects) {
      sheaf.push(object);
    }
    assertNull(Front.detach(slot, link));
    assertTrue(Front.attach(slot, link, sheaf, YES));
    return sheaf;
  }

  @Test
  void aSlotWithoutAFrontGivesNothingAndTakesNothing() {
    assertEquals(0, Front.pop(slot, link));
    assertFalse(Front.push(slot, link, 8));
    assertEquals(0, Front.peekCount(slot, link));
  }

  @Test
  void aFrontHandsOutWhatItHoldsOnce() {
    attached(8, 16);

    assertTrue(Front.push(slot, link, 24));

    assertEquals(3, Front.peekCount(slot, link));
    assertEquals(16, Front.pop(slot, link), "the newest when it was attached");
    assertEquals(24, Front.pop(slot, link));
    assertEquals(8, Front.pop(slot, link));
    assertEquals(0, Front.pop(slot, link));
  }

  @Test
  void whatWasPutIntoAnEmptyFrontComesOutTheNewestButOneFirst() {
    attached();
    for (long object = 8; object <= 32; object += 8) {
      assertTrue(Front.push(slot, link, object));
    }

    assertFalse(Front.push(slot, link, 40), "four have room");

    for (long object : new long[] {8, 32, 24, 16, 0}) {
      assertEquals(object, Front.pop(slot, link));
    }
  }

  @Test
  void sealedAddressesComeOutAsTheyWentIn() {
    Sheaf sheaf = new Sheaf(2);
    sheaf.push(-8);
    Front.detach(slot, link);
    assertTrue(Front.attach(slot, link, sheaf, YES));

    assertTrue(Front.push(slot, link, -16));
    assertFalse(Front.push(slot, link, -24), "two have room");

    assertEquals(2, Front.peekCount(slot, link));
    assertSame(sheaf, Front.detach(slot, link));
    assertTrue(sheaf.isFull());
    assertTrue(Front.attach(slot, link, sheaf, YES));
    assertEquals(-24, Front.pop(slot, link) + Front.pop(slot, link));
    assertEquals(0, Front.pop(slot, link));
  }

  @Test
  void howeverMuchAFrontHoldsAllOfItIsThereOnceItIsDetached() {
    for (int count = 0; count <= 4; count++) {
      for (int popped = 0; popped <= count; popped++) {
        Sheaf sheaf = attached(LongStream.range(1, count + 1).toArray());
        long sum = count * (count + 1L) / 2;
        for (int i = 0; i < popped; i++) {
          sum -= Front.pop(slot, link);
        }

        assertSame(sheaf, Front.detach(slot, link));

        assertEquals(count - popped, sheaf.count());
        while (!sheaf.isEmpty()) {
          sum -= sheaf.pop();
        }
        assertEquals(0, sum);
        Front.attach(slot, link, null, YES);
      }
    }
  }

  @Test
  void aNumberThatIsTheOwnersNoMoreTakesNothing() {
    attached(8);
    Linked later = new Linked();

    assertFalse(Front.push(slot, later, link.link(), 16));
    assertTrue(Front.push(slot, link, link.link(), 24));

    assertEquals(8, Front.pop(slot, link));
    assertEquals(24, Front.pop(slot, link));
    PerThread.giveLink(later.endLink());
  }

  @Test
  void aFullFrontTakesNothing() {
    attached(8, 16, 24, 32);

    assertFalse(Front.push(slot, link, 40));

    assertEquals(32, Front.pop(slot, link));
  }

  @Test
  void theSpareCountsToo() {
    Sheaf main = attached(8);
    Sheaf spare = new Sheaf(4);
    spare.push(16);
    main.setSpare(spare);

    assertEquals(2, Front.peekCount(slot, link));
  }

  @Test
  void whoeverDetachesHasTheFrontForHimself() {
    Sheaf sheaf = attached(8);

    assertSame(sheaf, Front.detach(slot, link));

    assertEquals(0, Front.pop(slot, link), "the fast path finds nothing");
    assertFalse(Front.push(slot, link, 16), "and no room");
    assertEquals(0, Front.popMany(slot, link, new long[3], 0, 3));
    assertEquals(0, Front.pushMany(slot, link, new long[] {16, 24, 32}, 0, 3));
    assertSame(Front.BUSY, Front.detach(slot, link), "a second one comes too late");
    assertEquals(1, sheaf.count());
  }

  @Test
  void aDetachedFrontCanBePutBack() {
    Sheaf sheaf = attached(8);
    Front.detach(slot, link);

    assertTrue(Front.attach(slot, link, sheaf, YES));

    assertEquals(8, Front.pop(slot, link));
  }

  @Test
  void aDrainerTakesAFrontOnce() {
    Sheaf sheaf = attached(8);

    assertSame(sheaf, Front.unlink(slot, link));

    assertNull(Front.unlink(slot, link));
    assertEquals(0, Front.pop(slot, link));
  }

  @Test
  void aDrainerNeverTakesWhatItsOwnerHasDetached() {
    attached(8);
    Front.detach(slot, link);

    assertNull(Front.unlink(slot, link));
    assertNull(Front.unlink(slot, link), "asking twice changes nothing");
  }

  @Test
  void aDrainThatWasRequestedMeanwhileForbidsAttaching() {
    Sheaf sheaf = attached(8);
    Front.detach(slot, link);
    Front.unlink(slot, link);

    assertFalse(Front.attach(slot, link, sheaf, YES), "the owner empties it himself");

    assertNull(slot.linkVolatile(link.link()));
    assertEquals(1, sheaf.count(), "and still has all of it");
    assertEquals(8, sheaf.pop());
  }

  @Test
  void aRequestIsGoneOnceItWasHonoured() {
    Sheaf sheaf = attached(8);
    Front.detach(slot, link);
    Front.unlink(slot, link);
    Front.attach(slot, link, sheaf, YES);

    assertNull(Front.detach(slot, link));
    assertTrue(Front.attach(slot, link, sheaf, YES));

    assertEquals(8, Front.pop(slot, link));
  }

  @Test
  void aFrontThatIsForbiddenStaysWithItsOwner() {
    Sheaf sheaf = attached(8);
    Front.detach(slot, link);

    assertFalse(Front.attach(slot, link, sheaf, NO));

    assertNull(slot.linkVolatile(link.link()));
    assertEquals(1, sheaf.count());
  }

  @Test
  void whetherAFrontIsAllowedIsAskedInsideASection() {
    Front.detach(slot, link);
    BooleanSupplier asked = () -> Rcu.isReading(slot);

    assertTrue(Front.attach(slot, link, null, asked));

    assertFalse(Rcu.isReading(slot));
  }

  @Test
  void whateverIsThrownInASectionEndsIt() {
    assertThrows(NullPointerException.class, () -> Front.pop(slot, null));
    assertFalse(Rcu.isReading(slot));

    assertThrows(NullPointerException.class, () -> Front.push(slot, null, 8));
    assertFalse(Rcu.isReading(slot));
  }

  @Test
  void aSheafWithACountThatCannotBeIsNeitherReadNorWritten() {
    Sheaf broken = attached(8, 16);
    broken.setCount(1000); // of a capacity of 4

    assertFalse(Front.push(slot, link, 24));
    assertEquals(16, Front.pop(slot, link), "which lies beside the array");
    assertEquals(0, Front.pop(slot, link));

    broken.setCount(-1000);
    assertEquals(0, Front.pop(slot, link));
    assertTrue(Front.push(slot, link, 16), "which lies beside the array");
    assertFalse(Front.push(slot, link, 24));

    broken.setCount(2); // for the validator
  }

  @Test
  void linksFarApartDoNotDisturbEachOther() {
    attached(8);
    int[] between = IntStream.range(0, 2000).map(i -> PerThread.takeLink()).toArray();
    Linked far = new Linked();
    assertNull(Front.detach(slot, far));
    Sheaf other = new Sheaf(4);
    assertTrue(Front.attach(slot, far, other, YES));

    assertTrue(Front.push(slot, far, 800));

    assertEquals(1, Front.peekCount(slot, link));
    assertEquals(800, Front.pop(slot, far));
    assertSame(other, Front.unlink(slot, far));
    PerThread.giveLink(far.endLink());
    Arrays.stream(between).forEach(PerThread::giveLink);
  }

  /** Owner and drainers meet on one link: a front has one taker, and none is lost. */
  @Test
  void everyFrontThatWasAttachedIsTakenByExactlyOne() throws InterruptedException {
    Crew crew = new Crew();
    var taken = new AtomicInteger();
    var byDrainers = new AtomicInteger();
    var finished = new AtomicInteger();
    for (int i = 0; i < 2; i++) {
      crew.start(
          () -> {
            while (finished.get() == 0) {
              Sheaf sheaf = Front.unlink(slot, link);
              take(sheaf, taken);
              byDrainers.addAndGet(sheaf != null ? 1 : 0);
            }
          });
    }

    int attached = 0;
    long end = System.nanoTime() + 3_000_000_000L;
    try {
      // However busy the machine, until they have met often.
      while (crew.goesOn()
          && (attached < 100_000 || byDrainers.get() < 50_000 && System.nanoTime() - end < 0)) {
        Sheaf sheaf = Front.detach(slot, link);
        assertNotSame(Front.BUSY, sheaf);
        take(sheaf, taken);
        Sheaf fresh = new Sheaf(1);
        fresh.push(8);
        attached++;
        if (!Front.attach(slot, link, fresh, YES)) {
          take(fresh, taken);
        }
      }
    } finally {
      finished.set(1);
    }
    crew.join();
    take(Front.unlink(slot, link), taken);

    assertEquals(attached, taken.get());
  }

  private static void take(Sheaf sheaf, AtomicInteger taken) {
    if (sheaf != null) {
      sheaf.pop(); // throws if it was taken before
      taken.incrementAndGet();
    }
  }

  @Test
  void ofTwoDrainersOneTakesTheFront() throws Exception {
    Crew crew = new Crew();
    var start = new CyclicBarrier(3);
    var end = new CyclicBarrier(3);
    var taken = new AtomicInteger();
    int rounds = 2000;
    for (int i = 0; i < 2; i++) {
      crew.start(
          () -> {
            for (int round = 0; round < rounds; round++) {
              start.await();
              if (Front.unlink(slot, link) != null) {
                taken.incrementAndGet();
              }
              end.await();
            }
          });
    }

    for (int round = 0; round < rounds; round++) {
      attached(8);
      start.await();
      end.await();
    }
    crew.join();

    assertEquals(rounds, taken.get());
  }
}
