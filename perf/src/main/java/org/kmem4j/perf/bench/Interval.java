package org.kmem4j.perf.bench;

import java.util.Arrays;
import java.util.Random;

/**
 * A median, and between which bounds it lies: with a confidence of 95 % if there are at least
 * {@link #LEAST_VALUES}. Fewer cannot say that, and the bounds are the least and the largest.
 */
record Interval(double median, double low, double high) {
  static final int LEAST_VALUES = 6;

  private static final int RESAMPLES = 10_000;

  /**
   * By bootstrap: the median of as many values drawn from these, ten thousand times. The same
   * values give the same bounds.
   */
  static Interval of(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no values");
    }
    if (values.length < LEAST_VALUES) {
      double[] sorted = values.clone();
      double median = median(sorted);
      return new Interval(median, sorted[0], sorted[sorted.length - 1]);
    }
    Random random = new Random(42);
    double[] medians = new double[RESAMPLES];
    double[] drawn = new double[values.length];
    for (int i = 0; i < RESAMPLES; i++) {
      for (int j = 0; j < drawn.length; j++) {
        drawn[j] = values[random.nextInt(values.length)];
      }
      medians[i] = median(drawn);
    }
    Arrays.sort(medians);
    return new Interval(
        median(values.clone()),
        medians[(int) (0.025 * RESAMPLES)],
        medians[(int) (0.975 * RESAMPLES) - 1]);
  }

  /** What the bounds of so many values are. */
  static String named(int values) {
    return values < LEAST_VALUES ? "the range of the forks" : "an interval of 95 % (bootstrap)";
  }

  /** Half of the interval's width. */
  double error() {
    return (high - low) / 2;
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    int middle = values.length / 2;
    return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  }
}
