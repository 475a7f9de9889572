package org.kmem4j.perf.bench;

import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A number that one run of a trial yields.
 *
 * @param bytesPerOp garbage per operation; null where it was not measured
 */
record Reading(Key key, double value, Double bytesPerOp) {
  /** What was measured. What is told besides a score has a contender like {@code fresh.slots}. */
  record Key(Question question, String contender, Map<String, String> params, String unit) {
    /** Whether a larger number is the better one. */
    boolean moreIsBetter() {
      return Group.moreIsBetter(unit);
    }
  }

  /** {@code size=64}, comma between, or nothing. */
  static String text(Map<String, String> params) {
    return new TreeMap<>(params)
        .entrySet().stream()
            .map(entry -> entry.getKey() + "=" + entry.getValue())
            .collect(Collectors.joining(", "));
  }
}
