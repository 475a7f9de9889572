package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.groups.Interference;
import org.kmem4j.perf.groups.Interference.Neighbour;
import org.kmem4j.perf.groups.Interference.Row;

/** What one tenant notices of a neighbour, in a JVM of its own each time; the score is p99.9. */
record InterferenceTrial(Neighbour neighbour, Duration time) implements Trial {
  private static final int ITERATIONS = 4;

  static List<Trial> all(Settings settings) {
    Duration time = settings.iteration().multipliedBy(ITERATIONS);
    return Arrays.stream(Neighbour.values())
        .<Trial>map(neighbour -> new InterferenceTrial(neighbour, time))
        .toList();
  }

  @Override
  public Question question() {
    return Question.INTERFERENCE;
  }

  @Override
  public String contender() {
    return neighbour.toString();
  }

  @Override
  public Map<String, String> params() {
    return Map.of();
  }

  @Override
  public Duration estimate() {
    return time.multipliedBy(12).dividedBy(5).plusSeconds(1);
  }

  @Override
  public Outcome run(PrintStream log) {
    Row row =
        new Fork(
                "The JVM of " + id(),
                List.of(),
                Interference.class,
                List.of(neighbour.name(), Long.toString(time.toNanos())))
            .run(Row.class, ProcessBuilder.Redirect.INHERIT);
    return new Outcome(
        List.of(
            reading("", "ns", row.p999()),
            reading(".p50", "ns", row.p50()),
            reading(".p99", "ns", row.p99()),
            reading(".p99.99", "ns", row.p9999()),
            reading(".max", "ns", row.max()),
            reading(".gracePeriods", "1/s", row.gracePeriodsPerSecond()),
            reading(".madvise", "1/s", row.madvisePerSecond()),
            reading(".operations", "1/s", row.operations())),
        List.of());
  }

  private Reading reading(String what, String unit, double value) {
    return new Reading(
        new Reading.Key(question(), contender() + what, params(), unit), value, null);
  }
}
