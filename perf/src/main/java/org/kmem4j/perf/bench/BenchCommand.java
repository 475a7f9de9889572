package org.kmem4j.perf.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.agrona.SystemUtil;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Progress;
import org.kmem4j.perf.latency.LatencyRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code kmem bench}: measures the allocator beside the heap and C allocators, and judges the bars
 * that {@code docs/PERFORMANCE.md} tells of.
 *
 * <p>Every contender runs in JVMs of its own, one after the other in rounds, so that whatever
 * drifts in the machine drifts for all; ratios are formed within a round. Exit status 1 means that
 * a contender failed; a bar that is missed is told and no failure.
 */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = {
      "Measures the allocator beside the Java heap, what teams write by hand, and C allocators.",
      "Each contender runs in forked JVMs that take turns; ratios come with an interval of 95 %%,"
          + " or, of fewer than 6 forks, with their range."
    })
public final class BenchCommand implements Callable<Integer> {
  /** Enough for an interval of 95 %. */
  static final int FULL_FORKS = 10;

  static final int USUAL_FORKS = 3;
  private static final int QUICK_FORKS = 2;
  private static final int ITERATIONS = 3;
  private static final long USUAL_MILLIS = 500;
  private static final long QUICK_MILLIS = 200;
  private static final long MOST_MILLIS = 60_000;
  private static final String USUAL_DECAY = "10s";
  private static final String QUICK_DECAY = "2s";
  private static final String QUICK_VIRTUAL_THREADS = "100000";
  private static final String QUICK_LIVE = "200000";
  private static final String QUICK_SECONDS = "2";

  @Spec private CommandSpec spec;

  @Option(
      names = "--only",
      paramLabel = "REGEX",
      description = "what --list names and the expression is found in, such as 'pair.*size=64'")
  private String only;

  @Option(
      names = "--forks",
      paramLabel = "N",
      description = "JVMs for each contender, 1 to 1000; usual are 3")
  private Integer forks;

  @Option(
      names = "--quick",
      description =
          "2 forks, iterations of 200 instead of 500 ms, a decay time of 2s, fewer virtual threads"
              + " and live orders, and the smallest trace only")
  private boolean quick;

  @Option(
      names = "--full",
      description =
          "10 forks, and every size, number of objects, threads and groups; latency of 1, 4 and 8"
              + " million orders, with budgets 1.5, 2 and 4")
  private boolean full;

  @Option(
      names = "--decay",
      paramLabel = "TIME",
      description = "decay time of the question giveBack, 100ms to 1000s; usual is 10s")
  private String decay;

  @Option(names = "--json", paramLabel = "FILE", description = "write the results there")
  private Path json;

  @Option(
      names = "--html",
      paramLabel = "DIR",
      description = "write a page with tables and plots there: " + Page.FILE)
  private Path html;

  @Option(
      names = "--markdown",
      paramLabel = "FILE",
      description =
          "write the tables between the lines "
              + Markdown.BEGIN
              + " and "
              + Markdown.END
              + " of it")
  private Path markdown;

  @Option(
      names = "--from",
      paramLabel = "FILE",
      description = "measure nothing; tell of a file that --json wrote")
  private Path from;

  @Option(
      names = "--compare",
      arity = "2",
      paramLabel = "OLD NEW",
      hideParamSyntax = true,
      description = {
        "measure nothing; tell what is worse in the second file that --json wrote, beyond the error"
            + " bars and by more than 5 %%, and end with status 1 if anything is"
      })
  private List<Path> compare;

  @Option(names = "--list", description = "print what would be run, and run nothing")
  private boolean list;

  @Option(
      names = "--millis",
      paramLabel = "N",
      description = "time of one JMH iteration, 1 to 60000; usual are 500, with --quick 200")
  private Long millis;

  @Override
  public Integer call() {
    if (forks != null && (forks < 1 || forks > 1000)) {
      throw wrong("Invalid value for option '--forks': '%d', accepted are 1 to 1000", forks);
    }
    if (millis != null && (millis < 1 || millis > MOST_MILLIS)) {
      throw wrong(
          "Invalid value for option '--millis': '%d', accepted are 1 to %d", millis, MOST_MILLIS);
    }
    if (compare != null) {
      checkNothingIsMeasured("--compare", List.of());
      return compare();
    }
    checkOutputs();
    if (from != null) {
      checkNothingIsMeasured("--from", List.of("--json", "--html", "--markdown"));
      publish(read(from).judgedAgain());
      return 0;
    }
    if (quick && full) {
      throw wrong("Options '--quick' and '--full' exclude each other");
    }
    int rounds = forks != null ? forks : full ? FULL_FORKS : quick ? QUICK_FORKS : USUAL_FORKS;
    Settings settings = settings();
    List<String> leftOut = new ArrayList<>();
    List<Trial> trials = chosen(settings, leftOut);
    if (list) {
      trials.forEach(trial -> out().println(trial.id()));
      out().flush();
      tell(plan(trials, rounds));
      return 0;
    }
    Path logFile = logFile();
    try (PrintStream log = open(logFile);
        JmhLock lock = JmhLock.take()) {
      if (!lock.isHeld()) {
        tell("another JMH run is under way or has left its lock behind: both may be disturbed");
      }
      Results results = new Results();
      boolean allRan = run(trials, rounds, results, log, logFile, leftOut);
      publish(Report.of(results, settings, rounds, commandLine(), leftOut));
      return allRan ? 0 : 1;
    }
  }

  /** What stands on the command line with {@code --from} or {@code --compare} must go with it. */
  private void checkNothingIsMeasured(String option, List<String> accepted) {
    for (OptionSpec given : spec.commandLine().getParseResult().matchedOptions()) {
      String name = given.longestName();
      if (!name.equals(option) && !accepted.contains(name)) {
        Object value = given.getValue();
        throw wrong(
            "%s measures nothing: '%s' does not go with it, %s",
            option,
            value instanceof Boolean ? name : name + "=" + value,
            accepted.isEmpty()
                ? "no other option is accepted"
                : "accepted are " + String.join(", ", accepted));
      }
    }
  }

  /** A run of hours is not to fail when it writes what it found. */
  private void checkOutputs() {
    if (json != null) {
      JsonFile.check(json);
    }
    if (markdown != null) {
      Markdown.check(markdown);
    }
    if (html != null) {
      Page.check(html);
    }
  }

  private void publish(Report report) {
    Findings findings = Findings.of(report);
    out().print(Tables.of(findings));
    out().flush();
    if (json != null) {
      JsonFile.write(json, report.json());
    }
    if (markdown != null) {
      Markdown.write(findings, markdown);
    }
    if (html != null) {
      tell("the page is " + Page.write(findings, html).toAbsolutePath().normalize());
    }
  }

  private int compare() {
    Comparison comparison = Comparison.of(read(compare.get(0)), read(compare.get(1)));
    if (comparison.isEmpty()) {
      throw wrong("%s and %s have no row in common", compare.get(0), compare.get(1));
    }
    out().print(comparison.text());
    out().flush();
    return comparison.hasRegressions() ? 1 : 0;
  }

  /** A file that holds something else is the caller's mistake: status 1 says something else. */
  private Report read(Path file) {
    try {
      return Report.read(file);
    } catch (KmemException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  /** As it was typed, but for the {@code -D} arguments, which are among the JVM's flags. */
  private String commandLine() {
    return Stream.concat(
            Stream.of("bin/kmem"),
            spec.root().commandLine().getParseResult().originalArgs().stream())
        .map(word -> word.matches("[\\w./:=,+-]+") ? word : "'" + word.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" "));
  }

  /** Round by round, so that the forks of all contenders take turns. False if one failed. */
  private boolean run(
      List<Trial> trials,
      int rounds,
      Results results,
      PrintStream log,
      Path logFile,
      List<String> leftOut) {
    Set<Trial> failed = new LinkedHashSet<>();
    try (Progress progress = progress(trials, rounds, logFile)) {
      for (int round = 1; round <= rounds; round++) {
        for (Trial trial : trials) {
          if (failed.contains(trial)) {
            continue;
          }
          progress.now("round " + round + " " + trial.id());
          try {
            results.add(round, trial.run(log));
          } catch (KmemException e) {
            failed.add(trial);
            leftOut.add(e.getMessage().lines().findFirst().orElse(trial.id() + " failed"));
            progress.aside(
                () -> tell(e.getMessage().lines().findFirst().orElse("") + "; see " + logFile));
          }
          progress.step(seconds(trial));
        }
      }
    }
    return failed.isEmpty();
  }

  private Settings settings() {
    long usual = quick ? QUICK_MILLIS : USUAL_MILLIS;
    return new Settings(
        Duration.ofMillis(millis != null ? millis : usual),
        ITERATIONS,
        params(),
        decayTime(),
        quick);
  }

  private Map<String, List<String>> params() {
    Map<String, List<String>> params = new HashMap<>();
    if (full) {
      params.put(LatencyTrial.LIVE, texts(LatencyRun.ALL_LIVE));
      params.put(LatencyTrial.BUDGET, texts(LatencyRun.ALL_BUDGETS));
    } else {
      params.putAll(Question.usualParams());
    }
    if (quick) {
      params.put("virtualThreads", List.of(QUICK_VIRTUAL_THREADS));
      params.put(LatencyTrial.LIVE, List.of(QUICK_LIVE));
      params.put(LatencyTrial.SECONDS, List.of(QUICK_SECONDS));
    }
    return params;
  }

  private static List<String> texts(List<? extends Number> values) {
    return values.stream().map(Number::toString).toList();
  }

  private List<Trial> chosen(Settings settings, List<String> missing) {
    Pattern pattern;
    try {
      pattern = Pattern.compile(only == null ? "" : only);
    } catch (PatternSyntaxException e) {
      throw wrong(
          "Invalid value for option '--only': '%s' is no regular expression, %s",
          only, e.getDescription().toLowerCase(Locale.ROOT));
    }
    List<Trial> trials =
        Question.trials(settings, missing::add).stream()
            .filter(trial -> pattern.matcher(trial.id()).find())
            .toList();
    if (trials.isEmpty()) {
      throw wrong(
          "Invalid value for option '--only': '%s' is found in nothing that --list names%s",
          only, missing.isEmpty() ? "" : " (" + String.join("; ", missing) + ")");
    }
    missing.forEach(library -> tell(library + "; it is left out"));
    return trials;
  }

  private Duration decayTime() {
    String usual = quick ? QUICK_DECAY : USUAL_DECAY;
    try {
      long nanos = SystemUtil.parseDuration("--decay", decay != null ? decay : usual);
      Duration time = Duration.ofNanos(nanos);
      if (time.toMillis() >= 100 && time.toSeconds() <= 1000) {
        return time;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw wrong("Invalid value for option '--decay': '%s', accepted are 100ms to 1000s", decay);
  }

  private ParameterException wrong(String format, Object... values) {
    return new ParameterException(spec.commandLine(), format.formatted(values));
  }

  /** In {@code perf/results} of the project, or with the temporary files. */
  private static Path logFile() {
    String name =
        "bench-%s.log"
            .formatted(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").format(LocalDateTime.now()));
    String home = System.getProperty("kmem.home");
    return home != null
        ? Path.of(home, "perf", "results", name)
        : Path.of(System.getProperty("java.io.tmpdir"), name);
  }

  private static PrintStream open(Path log) {
    try {
      Files.createDirectories(log.getParent());
      return new PrintStream(Files.newOutputStream(log), true, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new KmemException("The log %s cannot be written: %s.".formatted(log, e), e);
    }
  }

  private void tell(String sentence) {
    spec.commandLine().getErr().println("kmem: " + sentence + ".");
    spec.commandLine().getErr().flush();
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /**
   * What a trial is expected to take: the bar moves by time, so that what it says is left is about
   * true.
   */
  private static long seconds(Trial trial) {
    return Math.max(1, Math.round(trial.estimate().toMillis() / 1e3));
  }

  /** How much there is to do: what a run starts with, and a list ends with. */
  private static String plan(List<Trial> trials, int rounds) {
    return "%d contenders, %s, about %d min"
        .formatted(
            trials.size(),
            rounds == 1 ? "1 round" : rounds + " rounds",
            Math.max(1, seconds(trials, rounds) / 60));
  }

  private static long seconds(List<Trial> trials, int rounds) {
    return rounds * trials.stream().mapToLong(BenchCommand::seconds).sum();
  }

  private Progress progress(List<Trial> trials, int rounds, Path log) {
    tell("%s; JMH writes to %s".formatted(plan(trials, rounds), log));
    return new Progress("bench", seconds(trials, rounds));
  }
}
