package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Contender;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** A trial by JMH: one fork each time. */
record JmhTrial(
    Question question,
    String contender,
    Map<String, String> params,
    String benchmark,
    Settings settings)
    implements Trial {
  /** The parameter of benchmarks that can be asked of any contender. */
  static final String CONTENDER = "contender";

  private static final String GARBAGE = "gc.alloc.rate.norm";
  private static final String GARBAGE_BEFORE_1_37 = "·" + GARBAGE;

  /** Unit of what {@code @AuxCounters} of events count. */
  private static final String EVENTS = "#";

  private static final double START_SECONDS = 1.3;
  private static final double VIRTUAL_THREADS_PER_SECOND = 500_000;
  private static final double OBJECTS_PER_SECOND = 5_000_000;

  private static final long LEAST_HEAP_MIB = 1024;

  /**
   * Room in the Java heap for each live object, for all contenders the same: an array of 64 bytes
   * thrice over, or the buffer objects of those who have such.
   */
  private static final long HEAP_BYTES_PER_OBJECT = 300;

  @Override
  public Duration estimate() {
    double seconds = 2.0 * settings.iterations() * settings.iteration().toMillis() / 1e3;
    String virtualThreads = params.getOrDefault("virtualThreads", "0");
    seconds += START_SECONDS + Integer.parseInt(virtualThreads) / VIRTUAL_THREADS_PER_SECOND;
    seconds += live() / OBJECTS_PER_SECOND;
    return Duration.ofMillis((long) (1e3 * seconds));
  }

  @Override
  public Outcome run(PrintStream log) {
    try {
      Collection<RunResult> results =
          new Runner(
                  options().build(),
                  OutputFormatFactory.createFormatInstance(log, VerboseMode.NORMAL))
              .run();
      if (results.size() != 1) {
        throw failure("JMH found " + results.size() + " benchmarks of that name", null);
      }
      return new Outcome(readings(results.iterator().next()), List.of());
    } catch (RunnerException e) {
      throw failure(reason(e), e);
    }
  }

  private KmemException failure(String why, Exception cause) {
    return new KmemException("%s failed: %s".formatted(id(), why), cause);
  }

  /** The exception of the benchmark itself, which JMH puts behind its own. */
  private static String reason(Throwable thrown) {
    Throwable reason = thrown;
    while (reason.getCause() != null || reason.getSuppressed().length > 0) {
      reason = reason.getCause() != null ? reason.getCause() : reason.getSuppressed()[0];
    }
    return reason.getMessage() != null ? reason.getMessage() : reason.toString();
  }

  ChainedOptionsBuilder options() {
    TimeValue time = TimeValue.milliseconds(settings.iteration().toMillis());
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^" + Pattern.quote(benchmark) + "$")
            .forks(1)
            .warmupIterations(settings.iterations())
            .warmupTime(time)
            .measurementIterations(settings.iterations())
            .measurementTime(time)
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true)
            .jvmArgsAppend(flags().toArray(String[]::new));
    params.forEach(options::param);
    who().ifPresent(one -> options.param(CONTENDER, one.name()));
    if (params.containsKey("threads")) {
      options.threads(Integer.parseInt(params.get("threads")));
    }
    return options;
  }

  private Optional<Contender> who() {
    return who(contender);
  }

  /** Whose a name is; nobody's if it is of a variant that only one question knows. */
  static Optional<Contender> who(String contender) {
    return Contender.named(contender.equals("bySize") ? Contender.SLAB.toString() : contender);
  }

  /** Those of the contender, then what the user told this JVM, which wins. */
  List<String> flags() {
    List<String> flags = new ArrayList<>(who().map(Contender::flags).orElse(List.of()));
    if (who().map(Contender::isOfNetty).orElse(false)) {
      flags.addAll(List.of(FastThreads.flags()));
    }
    if (live() > 0) {
      long mib = LEAST_HEAP_MIB + live() * HEAP_BYTES_PER_OBJECT / (1 << 20);
      flags.addAll(List.of("-Xms" + mib + "m", "-Xmx" + mib + "m"));
    }
    boolean isOfCollector = flags.stream().anyMatch(Contender::choosesCollector);
    for (String flag : Fork.inherited()) {
      // With two of them the JVM would not start, and the contender is the collector.
      if (!isOfCollector || !Contender.choosesCollector(flag)) {
        flags.add(flag);
      }
    }
    return flags;
  }

  private int live() {
    return Integer.parseInt(params.getOrDefault("live", "0"));
  }

  private List<Reading> readings(RunResult run) {
    Map<String, ? extends Result<?>> others = secondary(run);
    Result<?> garbage = others.get(GARBAGE);
    if (garbage == null) {
      garbage = others.get(GARBAGE_BEFORE_1_37);
    }
    Result<?> score = run.getPrimaryResult();
    List<Reading> readings = new ArrayList<>();
    readings.add(
        new Reading(
            new Reading.Key(question, contender, params, score.getScoreUnit()),
            score.getScore(),
            // The median of the iterations: closing the allocator counts for the last of them.
            garbage == null ? null : garbage.getStatistics().getPercentile(50)));
    others.forEach(
        (label, result) -> {
          if (result.getScoreUnit().equals(EVENTS)) {
            // JMH adds up what each iteration counted.
            String unit = label.endsWith("Nanos") ? "ns" : "count";
            readings.add(
                new Reading(
                    new Reading.Key(question, contender + "." + label, params, unit),
                    result.getScore() / settings.iterations(),
                    null));
          }
        });
    return readings;
  }

  @SuppressWarnings("rawtypes") // JMH's own map is raw.
  private static Map<String, Result<?>> secondary(RunResult run) {
    Map<String, Result<?>> results = new java.util.TreeMap<>();
    for (Map.Entry<String, Result> entry : run.getSecondaryResults().entrySet()) {
      results.put(entry.getKey(), entry.getValue());
    }
    return results;
  }
}
