package org.kmem4j.perf.demo;

import java.util.List;

/**
 * All lanes of one run, as JSON and the pictures show them.
 *
 * @param processors of the machine
 */
record Demo(Plan plan, String java, int processors, List<Timeline> lanes) {
  static Demo of(Plan plan, List<Timeline> lanes) {
    return new Demo(
        plan, Runtime.version().toString(), Runtime.getRuntime().availableProcessors(), lanes);
  }

  /** The slowest request of all lanes, and at least a second: where a scale of latency may end. */
  double mostMicros() {
    double most = 1e6;
    for (Timeline lane : lanes) {
      most = Math.max(most, lane.maxMicros());
    }
    return most;
  }

  /** The most that was resident in any lane, or the budget if the system does not tell. */
  double mostBytes() {
    return lanes.stream()
        .mapToDouble(Timeline::peakBytes)
        .filter(bytes -> bytes > 0)
        .max()
        .orElse(plan.budgetBytes());
  }
}
