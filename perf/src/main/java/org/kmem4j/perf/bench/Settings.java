package org.kmem4j.perf.bench;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * How trials are run.
 *
 * @param iteration time of one JMH iteration
 * @param iterations as many to warm up, then as many measured
 * @param params values that replace those of the benchmarks, by parameter
 * @param decay after which time the allocator gives memory back
 */
record Settings(
    Duration iteration, int iterations, Map<String, List<String>> params, Duration decay) {}
