package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** A median, and how sure we are of it. */
final class IntervalTest {
  @Test
  void theMedianIsTheMiddleOrTheMeanOfTheMiddleTwo() {
    assertAll(
        () -> assertEquals(3, Interval.of(new double[] {9, 1, 3}).median()),
        () -> assertEquals(2.5, Interval.of(new double[] {4, 1, 3, 2}).median()));
  }

  @Test
  void oneValueIsItsOwnBounds() {
    assertEquals(new Interval(7, 7, 7), Interval.of(new double[] {7}));
  }

  @Test
  void ofTwoValuesTheBoundsAreTheValues() {
    assertEquals(new Interval(1.5, 1, 2), Interval.of(new double[] {2, 1}));
  }

  /** Five values leave their range one time in sixteen: no confidence of 95 %. */
  @Test
  void ofFewValuesTheBoundsAreTheirRangeAndAreCalledSo() {
    assertAll(
        () -> assertEquals(new Interval(3, 1, 9), Interval.of(new double[] {9, 2, 1, 3, 4})),
        () -> assertEquals("the range of the forks", Interval.named(5)),
        () -> assertEquals("an interval of 95 % (bootstrap)", Interval.named(6)));
  }

  @Test
  void anOutlierDoesNotMoveTheBounds() {
    double[] values = {1.00, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 100};

    Interval interval = Interval.of(values);

    assertAll(
        () -> assertEquals(1.045, interval.median(), 1e-12),
        () -> assertTrue(interval.low() >= 1.00 && interval.low() <= 1.03, interval::toString),
        () -> assertTrue(interval.high() >= 1.06 && interval.high() <= 1.08, interval::toString),
        () -> assertEquals((interval.high() - interval.low()) / 2, interval.error()));
  }

  @Test
  void theValuesAreLeftAsTheyWere() {
    double[] values = {3, 1, 2};

    Interval.of(values);

    assertEquals(3, values[0]);
  }

  @Test
  void theTrueMedianLiesWithinAboutAsOftenAsPromised() {
    long seed = 20_25;
    Random random = new Random(seed);
    int runs = 300;
    int hits = 0;
    for (int run = 0; run < runs; run++) {
      double[] values = random.doubles(10, 0, 1).toArray();
      Interval interval = Interval.of(values);
      hits += interval.low() <= 0.5 && 0.5 <= interval.high() ? 1 : 0;
    }

    assertTrue(hits >= 0.90 * runs, hits + " of " + runs + ", seed " + seed);
  }

  @Test
  void noValuesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> Interval.of(new double[0]));
  }
}
