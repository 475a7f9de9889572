package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.kmem4j.perf.latency.LatencyRun;
import org.kmem4j.perf.latency.LatencyRun.Result;
import org.kmem4j.perf.latency.Store;

/**
 * A server with many live objects, in a JVM of its own each time; the score is p99.9. A contender
 * that does not fit into the budget has no score, which is no failure.
 */
record LatencyTrial(LatencyRun run) implements Trial {
  // Names of what settings may replace.
  static final String LIVE = "latency.live";
  static final String BUDGET = "latency.budget";
  static final String SECONDS = "latency.seconds";

  private static final String MICROS = "µs";

  static List<Trial> all(Settings settings) {
    Map<String, List<String>> params = settings.params();
    Duration time = Duration.ofSeconds(Long.parseLong(values(params, SECONDS, "30").getFirst()));
    List<Trial> trials = new ArrayList<>();
    for (String live : values(params, LIVE, "4000000")) {
      for (String budget : values(params, BUDGET, "2")) {
        for (Store store : Store.values()) {
          trials.add(
              new LatencyTrial(
                  new LatencyRun(
                      store,
                      Integer.parseInt(live),
                      Double.parseDouble(budget),
                      LatencyRun.USUAL_RATE,
                      time)));
        }
      }
    }
    return trials;
  }

  private static List<String> values(
      Map<String, List<String>> params, String name, String... usual) {
    return params.getOrDefault(name, List.of(usual));
  }

  @Override
  public Question question() {
    return Question.LATENCY;
  }

  @Override
  public String contender() {
    return run.store().toString();
  }

  @Override
  public Map<String, String> params() {
    return Map.of("live", Integer.toString(run.live()), "budget", LatencyRun.text(run.budget()));
  }

  @Override
  public Duration estimate() {
    return run.estimate();
  }

  @Override
  public Outcome run(PrintStream log) {
    Result result = run.run(ProcessBuilder.Redirect.INHERIT);
    List<Reading> readings = new ArrayList<>();
    readings.add(micros("", result.p999()));
    readings.add(micros(".p50", result.p50()));
    readings.add(micros(".p90", result.p90()));
    readings.add(micros(".p99", result.p99()));
    readings.add(micros(".p99.99", result.p9999()));
    readings.add(micros(".p99.999", result.p99999()));
    readings.add(micros(".max", result.max()));
    readings.add(reading(".fits", "1 = yes", result.doesNotFit() == null ? 1 : 0));
    readings.add(reading(".peakResident", "MiB", result.peakResidentBytes() >> 20));
    readings.add(reading(".heap", "MiB", result.heapBytes() >> 20));
    if (result.doesNotFit() != null) {
      log.println(id() + " does not fit: " + result.doesNotFit());
      return new Outcome(readings, List.of());
    }
    readings.add(reading(".keptUp", "1 = yes", result.keptUp() ? 1 : 0));
    readings.add(reading(".busy", "share of a core", result.busy()));
    readings.add(reading(".pauses", "count", result.pauses().count()));
    readings.add(reading(".pausesTotal", "ms", result.pauses().totalNanos() / 1e6));
    readings.add(reading(".pausesMax", "ms", result.pauses().maxNanos() / 1e6));
    readings.add(reading(".stalls", "count", result.stalls().count()));
    readings.add(reading(".stallsMax", "ms", result.stalls().maxNanos() / 1e6));
    return new Outcome(readings, List.of(byPercentile(result), timeline(result)));
  }

  private Reading micros(String what, Long nanos) {
    return reading(what, MICROS, nanos == null ? Double.NaN : nanos / 1e3);
  }

  private Reading reading(String what, String unit, double value) {
    return new Reading(
        new Reading.Key(question(), contender() + what, params(), unit), value, null);
  }

  private Curve byPercentile(Result result) {
    double[] micros = Arrays.stream(result.slowestNanos()).map(nanos -> nanos / 1e3).toArray();
    return curve("latency by percentile", "one request in", result.oneIn(), micros);
  }

  private Curve timeline(Result result) {
    long[] nanos = result.timelineNanos();
    return curve(
        "longest latency in each 100 ms",
        "s",
        IntStream.range(0, nanos.length).mapToDouble(slot -> slot / 10.0).toArray(),
        Arrays.stream(nanos).mapToDouble(longest -> longest / 1e3).toArray());
  }

  private Curve curve(String name, String xUnit, double[] x, double[] y) {
    return new Curve(question(), contender(), params(), name, xUnit, MICROS, x, y);
  }
}
