package org.kmem4j.perf.torture;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;

/**
 * How a run went, as JSON names it.
 *
 * @param operations allocations and frees
 * @param violations 0 or 1: the first ends the run
 * @param peakResidentBytes the most that was in memory of the allocator, at a quiet point
 * @param endResidentBytes the same after everything was freed and trimmed
 * @param refusals allocations that a limit, the ceiling or a fault refused
 * @param found what kind of violation, or nothing
 */
record Outcome(
    long operations,
    long violations,
    long faultsInjected,
    long gracePeriods,
    long peakResidentBytes,
    long endResidentBytes,
    long seed,
    double seconds,
    int threads,
    long maxBytes,
    long refusals,
    long groupsClosed,
    long quietPoints,
    String found,
    String report,
    List<Share> mix,
    List<Interval> intervals,
    List<Visit> visits) {

  /** How often one thing was done. */
  record Share(String what, long calls, long operations, boolean gracePeriod) {}

  /** Some time that was spent with an allocator of other settings. */
  record Visit(String settings, double seconds, long operations) {}

  /**
   * At the end of one interval: what was done so far, and what is in memory.
   *
   * @param residentBytes of the allocator
   * @param emptyBytes of the allocator, after everything was freed and trimmed
   * @param processBytes of the process, likewise
   */
  record Interval(
      long second, long operations, long residentBytes, long emptyBytes, long processBytes) {}

  /** In shorter runs fronts still grow, and the JVM compiles. */
  private static final int LEAST_INTERVALS = 8;

  private static final long LEAST_SECONDS = 8 * 60;

  /** By so much the resident memory of the last quarter may lie above that of the second. */
  private static final double TOLERANCE = 1.05;

  private static final long TOLERANCE_BYTES = 4 << 20;

  /** Whether the run was long enough to tell whether resident memory grows. */
  @JsonIgnore
  boolean isLong() {
    return seconds >= LEAST_SECONDS && intervals.size() >= LEAST_INTERVALS;
  }

  /**
   * Whether resident memory does not grow: of what is left when everything was freed, the means of
   * the second and the last quarter of the run are compared.
   */
  @JsonIgnore
  boolean isFlat() {
    return isFlat(intervals.stream().mapToLong(Interval::emptyBytes).toArray())
        && isFlat(intervals.stream().mapToLong(Interval::processBytes).toArray());
  }

  private static boolean isFlat(long[] bytes) {
    int quarter = bytes.length / 4;
    double before = mean(bytes, quarter, 2 * quarter);
    double after = mean(bytes, bytes.length - quarter, bytes.length);
    return after <= before * TOLERANCE + TOLERANCE_BYTES;
  }

  private static double mean(long[] values, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += values[i];
    }
    return (double) sum / (to - from);
  }
}
