package org.kmem4j.perf.bench;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A run whose numbers a test chose. */
final class Planted {
  private static final Settings SETTINGS =
      new Settings(Duration.ofMillis(500), 3, Map.of(), Duration.ofSeconds(10), false);

  private final Results results = new Results();
  private int rounds = 1;

  /** One value for each round. */
  Planted row(Question question, String contender, Map<String, String> params, double... values) {
    return row(new Reading.Key(question, contender, params, "ns/op"), null, values);
  }

  Planted row(Reading.Key key, Double bytesPerOp, double... values) {
    rounds = Math.max(rounds, values.length);
    for (int round = 0; round < values.length; round++) {
      results.add(round + 1, new Reading(key, values[round], bytesPerOp));
    }
    return this;
  }

  Planted curve(Curve curve) {
    results.add(1, new Trial.Outcome(List.of(), List.of(curve)));
    return this;
  }

  Report report() {
    return Report.of(
        results, SETTINGS, rounds, "bin/kmem bench --only 'a|b'", List.of("zalloc is missing"));
  }

  Findings findings() {
    return Findings.of(report());
  }
}
