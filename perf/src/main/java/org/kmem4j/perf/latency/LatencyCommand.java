package org.kmem4j.perf.latency;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.DoublePredicate;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Progress;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.latency.GcLog.Times;
import org.kmem4j.perf.latency.LatencyRun.Result;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code kmem latency}: how long requests wait for a server with millions of live objects, by what
 * it keeps them in. Exit status 1 means that a run failed; one that does not fit is told.
 */
@Command(
    name = "latency",
    mixinStandardHelpOptions = true,
    description = {
      "Runs an order book's server at a fixed rate: each request deletes an order, creates one and"
          + " updates four, of 64 to 512 bytes.",
      "Latency counts from when a request was due. Heap and allocator of each contender together"
          + " may hold the budget, a multiple of the live bytes, and 32 MiB.",
      "A collector in KMEM_JAVA_OPTS and its flags hold for all contenders, heapG1 and heapZgc"
          + " too."
    })
public final class LatencyCommand implements Callable<Integer> {
  private static final int LEAST_LIVE = 1000;
  private static final int MOST_LIVE = 100_000_000;
  private static final long MOST_RATE = 10_000_000;

  /** Where the smallest budget is searched that holds. */
  static final double[] STEPS = {1.1, 1.2, 1.35, 1.5, 1.75, 2, 2.5, 3, 4, 6, 8};

  @Spec private CommandSpec spec;

  @Option(
      names = "--live",
      split = ",",
      paramLabel = "N",
      description = "live orders, 1000 to 100000000; usual are 4000000")
  private List<Integer> live;

  @Option(
      names = "--budget",
      split = ",",
      paramLabel = "X",
      description = "what may be resident, 1 to 100 times the live bytes; usual is 2")
  private List<Double> budgets;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "requests a second, 1 to 10000000; usual are " + LatencyRun.USUAL_RATE)
  private long rate = LatencyRun.USUAL_RATE;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      description = "measured in each run, 0.1 to 3600; usual are 30")
  private double seconds = 30;

  @Option(
      names = "--contenders",
      split = ",",
      paramLabel = "NAME",
      description = "heapG1, heapZgc, kmemAddresses, kmemFlyweights, nettyPooled; usual are all")
  private List<String> contenders = List.of();

  @Option(
      names = "--full",
      description =
          "1, 4 and 8 million orders, budgets 1.5, 2 and 4, and the smallest budget at which each"
              + " holds p99.9 at 1 ms")
  private boolean full;

  @Option(names = "--json", paramLabel = "FILE", description = "write the results there")
  private Path json;

  /**
   * What a search found.
   *
   * @param budget the smallest of those tried that holds p99.9 at 1 ms; null if none does
   */
  record Smallest(String contender, int live, Double budget) {}

  private final Map<LatencyRun, Optional<Result>> done = new LinkedHashMap<>();

  @Override
  public Integer call() {
    List<Store> stores = stores();
    List<Integer> lives = live != null ? live : full ? LatencyRun.ALL_LIVE : List.of(4_000_000);
    List<Double> multiples =
        budgets != null ? budgets : full ? LatencyRun.ALL_BUDGETS : List.of(2.0);
    check(lives, multiples);
    if (json != null) {
      JsonFile.check(json);
    }
    List<LatencyRun> runs = new ArrayList<>();
    for (int orders : lives) {
      for (double budget : multiples) {
        stores.forEach(store -> runs.add(run(store, orders, budget)));
      }
    }
    List<Smallest> smallest = new ArrayList<>();
    int searches = full ? lives.size() * stores.size() : 0;
    int runsOfSearch = Integer.SIZE - Integer.numberOfLeadingZeros(STEPS.length);
    long steps = runs.size() + (long) searches * runsOfSearch;
    try (Progress progress = new Progress("latency", steps)) {
      for (LatencyRun run : runs) {
        measure(run, progress);
        progress.step(1);
      }
      for (int i = 0; i < searches; i++) {
        int orders = lives.get(i / stores.size());
        smallest.add(search(stores.get(i % stores.size()), orders, progress));
        progress.step(runsOfSearch);
      }
    }
    List<Result> found = runs.stream().flatMap(run -> done.get(run).stream()).toList();
    print(found, smallest);
    if (json != null) {
      List<Result> all = done.values().stream().flatMap(Optional::stream).toList();
      JsonFile.write(json, JsonFile.toJson(Map.of("rows", all, "smallest", smallest)));
    }
    return done.values().stream().allMatch(Optional::isPresent) ? 0 : 1;
  }

  private List<Store> stores() {
    if (contenders.isEmpty()) {
      return List.of(Store.values());
    }
    return contenders.stream()
        .map(
            name ->
                Arrays.stream(Store.values())
                    .filter(store -> store.toString().equalsIgnoreCase(name))
                    .findFirst()
                    .orElseThrow(
                        () ->
                            wrong(
                                "--contenders '%s' is no contender; accepted are %s",
                                name, Store.names())))
        .distinct()
        .toList();
  }

  private void check(List<Integer> lives, List<Double> multiples) {
    for (int orders : lives) {
      if (orders < LEAST_LIVE || orders > MOST_LIVE) {
        throw wrong("--live %d, accepted are %d to %d", orders, LEAST_LIVE, MOST_LIVE);
      }
    }
    for (double budget : multiples) {
      if (!(budget >= 1 && budget <= 100)) {
        throw wrong("--budget %s, accepted are 1 to 100", LatencyRun.text(budget));
      }
    }
    if (rate < 1 || rate > MOST_RATE) {
      throw wrong("--rate %d, accepted are 1 to %d", rate, MOST_RATE);
    }
    if (!(seconds >= 0.1 && seconds <= 3600)) {
      throw wrong("--seconds %s, accepted are 0.1 to 3600", LatencyRun.text(seconds));
    }
  }

  private ParameterException wrong(String format, Object... values) {
    return new ParameterException(spec.commandLine(), format.formatted(values));
  }

  private LatencyRun run(Store store, int orders, double budget) {
    return new LatencyRun(store, orders, budget, rate, Duration.ofNanos(Math.round(seconds * 1e9)));
  }

  /** Empty if it failed, which is told at once. */
  private Optional<Result> measure(LatencyRun run, Progress progress) {
    return done.computeIfAbsent(
        run,
        absent -> {
          progress.now(run.toString());
          try {
            return Optional.of(run.run(ProcessBuilder.Redirect.INHERIT));
          } catch (KmemException e) {
            progress.aside(() -> tell(e.getMessage()));
            return Optional.empty();
          }
        });
  }

  private Smallest search(Store store, int orders, Progress progress) {
    Double budget =
        smallest(
            multiple ->
                measure(run(store, orders, multiple), progress).filter(Result::holds).isPresent());
    return new Smallest(store.toString(), orders, budget);
  }

  /**
   * The smallest of {@link #STEPS} that holds, or null, by halves: who holds with some memory is
   * taken to hold with more.
   */
  static Double smallest(DoublePredicate holds) {
    int failed = -1;
    int held = STEPS.length;
    while (held - failed > 1) {
      int middle = (failed + held) / 2;
      if (holds.test(STEPS[middle])) {
        held = middle;
      } else {
        failed = middle;
      }
    }
    return held < STEPS.length ? STEPS[held] : null;
  }

  private void print(List<Result> results, List<Smallest> smallest) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "%,d requests a second for %s s; latencies in µs from when a request was due"
            .formatted(rate, LatencyRun.text(seconds)));
    out.println(
        Table.of(
            results,
            List.of(
                Table.number("live", row -> "%,d".formatted(row.live())),
                Table.number("budget", row -> LatencyRun.text(row.budget())),
                Table.text("contender", Result::contender),
                Table.number("-Xmx", row -> mib(row.heapBytes())),
                Table.number("off-heap", row -> mib(row.nativeBytes())),
                Table.number("p50", row -> micros(row, row.p50())),
                Table.number("p90", row -> micros(row, row.p90())),
                Table.number("p99", row -> micros(row, row.p99())),
                Table.number("p99.9", row -> micros(row, row.p999())),
                Table.number("p99.99", row -> micros(row, row.p9999())),
                Table.number("p99.999", row -> micros(row, row.p99999())),
                Table.number("max", row -> micros(row, row.max())),
                Table.text("pauses", row -> times(row.pauses())),
                Table.text("stalls", row -> times(row.stalls())),
                Table.number("peak RSS", row -> mib(row.peakResidentBytes())),
                Table.number("busy", LatencyCommand::busy))));
    out.println("pauses (all threads, by the JVM's log) and stalls (for ZGC): count, total, max");
    for (Result result : results) {
      String who =
          "%s, %,d live, budget %s"
              .formatted(result.contender(), result.live(), LatencyRun.text(result.budget()));
      if (result.doesNotFit() != null) {
        out.println(who + " does not fit: " + result.doesNotFit());
      } else if (!result.keptUp()) {
        out.println(who + " did not keep up with the rate");
      }
    }
    if (!smallest.isEmpty()) {
      out.println("the smallest budget that holds p99.9 at 1 ms, of those tried:");
      out.println(
          Table.of(
              smallest,
              List.of(
                  Table.number("live", row -> "%,d".formatted(row.live())),
                  Table.text("contender", Smallest::contender),
                  Table.number("budget", LatencyCommand::budget))));
    }
    out.flush();
  }

  private static String budget(Smallest found) {
    return found.budget() == null
        ? "> " + LatencyRun.text(STEPS[STEPS.length - 1])
        : LatencyRun.text(found.budget());
  }

  private static String micros(Result row, Long nanos) {
    return row.doesNotFit() != null ? "-" : String.format(Locale.ROOT, "%,.1f", nanos / 1e3);
  }

  private static String times(Times times) {
    if (times == null) {
      return "does not fit";
    }
    return times.count() == 0
        ? "none"
        : String.format(
            Locale.ROOT,
            "%d, %,.1f ms, %,.1f ms",
            times.count(),
            times.totalNanos() / 1e6,
            times.maxNanos() / 1e6);
  }

  private static String busy(Result row) {
    return row.busy() == null ? "-" : "%.0f %%".formatted(100 * row.busy());
  }

  private static String mib(long bytes) {
    return bytes <= 0 ? "none" : "%,d MiB".formatted(bytes >> 20);
  }

  private void tell(String sentence) {
    spec.commandLine().getErr().println("kmem: " + sentence);
    spec.commandLine().getErr().flush();
  }
}
