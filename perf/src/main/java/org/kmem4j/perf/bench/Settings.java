package org.kmem4j.perf.bench;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * How trials are run.
 *
 * @param iteration time of one JMH iteration
 * @param iterations as many to warm up, then as many measured
 * @param params values that replace those of the benchmarks, by parameter, or by question and
 *     parameter, such as {@code pair.size}
 * @param decay after which time the allocator gives memory back
 * @param quick whether the smallest trace is enough, and fewer passes over it
 */
record Settings(
    Duration iteration,
    int iterations,
    Map<String, List<String>> params,
    Duration decay,
    boolean quick) {
  /** Those asked for of a parameter that has these. */
  List<String> values(Question question, String param, List<String> all) {
    return Stream.of(question + "." + param, param)
        .filter(params::containsKey)
        .map(params::get)
        .findFirst()
        .orElse(all);
  }
}
