package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.memory.Memory;
import org.kmem4j.stress.Crew;

class PageCounterTest {
  private final Counters counters = new Counters();
  private final PageCounter root = counters.counter(null);
  private final PageCounter group = counters.counter(root);
  private final PageCounter child = counters.counter(group);
  private final Crew crew = new Crew();

  @AfterEach
  void nothingIsPendingAtRest() {
    for (PageCounter level = child; level != null; level = level.parent()) {
      assertEquals(level.usage(), Memory.getLong(level.address() + PageCounter.USAGE));
    }
    counters.close();
  }

  @Test
  void aNewCounterHasNothingAndNoLimits() {
    assertAll(
        () -> assertEquals(0, child.usage()),
        () -> assertEquals(0, child.peak()),
        () -> assertEquals(0, child.failCount()),
        () -> assertEquals(PageCounter.MAX, child.max()),
        () -> assertEquals(PageCounter.MAX, child.high()),
        () -> assertEquals(0, child.low()),
        () -> assertEquals(0, child.min()));
  }

  @Test
  void theUsageLiesOnALineOfItsOwn() {
    assertEquals(0, PageCounter.SIZE % 64);
    assertEquals(0, PageCounter.USAGE);
    child.setMax(7);
    child.setHigh(6);
    child.setLow(5);
    child.setMin(4);

    for (int offset = 0; offset < 64; offset += 8) {
      assertEquals(0, Memory.getLong(child.address() + offset));
    }
  }

  @Test
  void aChargeCountsAtAllLevels() {
    assertNull(child.tryCharge(8));
    assertNull(group.tryCharge(2));

    assertAll(
        () -> assertEquals(8, child.usage()),
        () -> assertEquals(10, group.usage()),
        () -> assertEquals(10, root.usage()));
  }

  @Test
  void anUnchargeCountsAtAllLevels() {
    child.tryCharge(8);

    child.uncharge(3);
    group.uncharge(1);

    assertAll(
        () -> assertEquals(5, child.usage()),
        () -> assertEquals(4, group.usage()),
        () -> assertEquals(4, root.usage()));
  }

  @Test
  void aFailedChargeLeavesNoTraceAnywhere() {
    group.setMax(10);
    assertNull(child.tryCharge(8));

    assertSame(group, child.tryCharge(3), "the limit that was hit");

    assertAll(
        () -> assertEquals(8, child.usage()),
        () -> assertEquals(8, group.usage()),
        () -> assertEquals(8, root.usage()));
  }

  @Test
  void aRefusalIsCountedWhereTheLimitIs() {
    group.setMax(10);

    child.tryCharge(11);
    child.tryCharge(11);

    assertEquals(0, child.failCount());
    assertEquals(2, group.failCount());
    assertEquals(0, root.failCount());
  }

  @Test
  void aLimitCanBeUsedUpToTheLastPage() {
    group.setMax(10);
    assertNull(child.tryCharge(9));

    assertNull(child.tryCharge(1));

    assertSame(group, child.tryCharge(1));
  }

  @Test
  void theLowestLimitThatIsHitIsTheOneReported() {
    child.setMax(5);
    group.setMax(4);

    assertSame(child, child.tryCharge(6));
    assertSame(group, child.tryCharge(5));
  }

  @Test
  void thePeakKnowsOnlyChargesThatWereGranted() {
    root.setMax(10);
    child.tryCharge(6);
    child.uncharge(2);

    child.tryCharge(7);

    assertEquals(6, child.peak(), "7 more were never in use");
    assertEquals(6, root.peak());
  }

  @Test
  void aLimitBelowTheUsageHoldsAtOnce() {
    child.tryCharge(8);

    assertEquals(8, group.setMax(5), "what there is to reclaim from");

    assertEquals(8, group.usage(), "nothing is taken away");
    assertSame(group, child.tryCharge(1));
    child.uncharge(4);
    assertNull(child.tryCharge(1));
  }

  @Test
  void aLimitBeyondTheAddressSpaceIsNone() {
    child.setMax(Long.MAX_VALUE);

    assertEquals(PageCounter.MAX, child.max());
  }

  @Test
  void aRequestOfMoreThanATebibyteIsRefused() {
    assertNull(child.tryCharge(PageCounter.MAX_REQUEST));

    assertSame(child, child.tryCharge(PageCounter.MAX_REQUEST + 1));

    assertEquals(PageCounter.MAX_REQUEST, root.usage());
    assertEquals(1, child.failCount());
  }

  @Test
  void manyLargeRequestsFitIntoTheWord() {
    for (int i = 0; i < 120; i++) {
      assertNull(child.tryCharge(PageCounter.MAX_REQUEST));
    }

    assertEquals(120 * PageCounter.MAX_REQUEST, root.usage());
  }

  @Test
  void aCounterIsWithinItselfAndItsAncestors() {
    PageCounter sibling = counters.counter(root);

    assertTrue(child.isWithin(child));
    assertTrue(child.isWithin(root));
    assertFalse(child.isWithin(sibling));
    assertFalse(root.isWithin(child));
  }

  @Test
  void unchargingMoreThanThereIsIsOurMistake() {
    child.tryCharge(1);

    assertThrows(AssertionError.class, () -> child.uncharge(2));

    assertEquals(1, child.usage());
  }

  @Test
  void withoutAssertionsTheUsageStopsAtZero() throws Exception {
    child.tryCharge(1);
    long pending = 5L << PageCounter.PENDING.shift();
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, pending);

    withoutAssertions(group.address(), 2);

    assertEquals(pending, Memory.getLong(group.address() + PageCounter.USAGE), "no borrow");
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, -pending);
  }

  /** Uncharges at one level, in a copy of the class that asserts nothing. */
  private static void withoutAssertions(long address, long pages) throws Exception {
    List<URL> path = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      path.add(new File(entry).toURI().toURL());
    }
    try (var loader =
        new URLClassLoader(path.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      loader.setDefaultAssertionStatus(false);
      Class<?> type = loader.loadClass(PageCounter.class.getName());
      long usage = Memory.getLong(address + PageCounter.USAGE);
      Object copy = type.getConstructor(long.class, type).newInstance(address, null);
      Memory.putLong(address + PageCounter.USAGE, usage);
      type.getMethod("uncharge", long.class).invoke(copy, pages);
    }
  }

  @Test
  void whoFitsOnlyWithoutWhatIsPendingWaitsForIt() throws Exception {
    group.setMax(10);
    long pending = 8L << PageCounter.PENDING.shift();
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, pending);
    Thread waiter = crew.start(() -> assertNull(child.tryCharge(3)));

    assertFalse(waiter.join(Duration.ofMillis(50)), "8 + 3 > 10, but nobody has the 8 yet");
    assertEquals(0, child.usage(), "only pending below");
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, -pending);

    crew.join();
    assertEquals(3, root.usage());
  }

  @Test
  void whatWasPendingRefusesOnceItIsCommitted() throws Exception {
    group.setMax(10);
    long pending = 8L << PageCounter.PENDING.shift();
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, pending);
    Thread waiter = crew.start(() -> assertSame(group, child.tryCharge(3)));

    assertFalse(waiter.join(Duration.ofMillis(20)));
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, 8 - pending);

    crew.join();
    assertEquals(0, child.usage());
  }

  @Test
  void whoCannotFitIsRefusedWithoutWaiting() {
    group.setMax(10);
    long pending = 8L << PageCounter.PENDING.shift();
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, pending);

    assertSame(group, child.tryCharge(11));

    Memory.getAndAddLong(group.address() + PageCounter.USAGE, -pending);
  }

  @Test
  void aSetterCountsWhatIsPending() {
    long pending = 8L << PageCounter.PENDING.shift();
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, pending + 1);

    assertEquals(9, group.setMax(5));
    assertEquals(1, group.usage());

    Memory.getAndAddLong(group.address() + PageCounter.USAGE, -pending);
  }

  @Test
  void chargingAheadLeavesAMarginAtEveryLevel() {
    group.setMax(100);

    assertFalse(child.tryChargeAhead(64, 64));
    assertEquals(0, root.usage());
    assertEquals(0, group.failCount(), "that is no failure");

    assertTrue(child.tryChargeAhead(36, 64));
    assertEquals(36, root.usage());
  }

  @Test
  void chargingAheadNeverWaits() {
    group.setMax(100);
    long pending = 8L << PageCounter.PENDING.shift();
    Memory.getAndAddLong(group.address() + PageCounter.USAGE, pending);

    assertFalse(child.tryChargeAhead(36, 64));

    Memory.getAndAddLong(group.address() + PageCounter.USAGE, -pending);
  }

  @Test
  void nobodyChargesAheadBelowALevelThatIsHeld() {
    group.hold();
    group.hold();
    group.unhold();
    PageCounter cousin = counters.counter(root);

    assertFalse(child.tryChargeAhead(1, 0));
    assertNull(child.tryCharge(1), "but for its need");
    assertTrue(cousin.tryChargeAhead(1, 0));

    group.unhold();
    assertTrue(child.tryChargeAhead(1, 0));
  }

  /** A setter that was told that there is nothing, and a charge that was granted: never both. */
  @Test
  void noChargePassesALimitThatWasSetBefore() throws InterruptedException {
    var begun = new AtomicLong();
    var ended = new AtomicLong(); // the round, negative if the charge was granted in it
    crew.start(
        () -> {
          for (long round = 1; crew.goesOn(); round++) {
            awaitRound(begun, round);
            ended.set(group.tryCharge(1) == null ? -round : round);
          }
        });
    var random = new SplittableRandom();
    crew.start(
        () -> {
          for (long round = 1; crew.goesOn(); round++) {
            group.setMax(1);
            begun.set(round);
            for (int delay = random.nextInt(64); delay > 0; delay--) {
              group.max();
            }
            long told = group.setMax(0);
            awaitRound(ended, round);
            if (ended.get() == -round) {
              assertEquals(1, told, "granted after max=0, in round " + round);
              group.uncharge(1);
            }
          }
        });

    crew.runFor(Duration.ofMillis(Long.getLong("test.raceMillis", 1500)));

    assertTrue(begun.get() > 1000, () -> "rounds: " + begun);
  }

  private void awaitRound(AtomicLong at, long round) {
    for (int spins = 0; Math.abs(at.get()) != round && crew.goesOn(); spins++) {
      if (spins > 2000) {
        Thread.yield();
      }
    }
  }
}
