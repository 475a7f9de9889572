package org.kmem4j.perf.bench;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.kmem4j.perf.bench.Report.BarRow;

/** Sentences about a run, for the page and for the document. */
final class Facts {
  static final String COMMAND = "Command";
  static final String FLAGS = "JVM flags";
  static final String INHERITED = "Flags of bin/kmem";

  private Facts() {}

  /** How the numbers came about. */
  static String method(Report report) {
    return "Each contender runs in JVMs of its own, which take turns in rounds, so that whatever"
        + " drifts in the machine drifts for all. A score is the median of the forks; behind ±"
        + " stands half of "
        + Interval.named(report.forks())
        + ". A ratio is formed within each round; below 1 means less time or memory, and for ops/…"
        + " more is better. The best peer is the one with the best median among those with the"
        + " same parameters. Curves are of the last round.";
  }

  /** What a run is told by: name and value, without what the report does not know. */
  static Map<String, String> of(Report report) {
    Map<String, String> facts = new LinkedHashMap<>();
    put(facts, COMMAND, report.command());
    put(facts, "Started", report.started());
    if (report.machine() != null) {
      put(facts, "Machine", machine(report.machine()));
    }
    if (report.jvm() != null) {
      put(facts, "JVM", jvm(report.jvm()));
      put(facts, FLAGS, String.join(" ", report.jvm().flags()));
      put(
          facts,
          INHERITED,
          report.jvm().inheritedFlags().stream()
              .filter(flag -> !flag.startsWith("-Dkmem.")) // Where it lies: no setting.
              .collect(Collectors.joining(" ")));
    }
    put(
        facts,
        "Versions",
        report.versions().entrySet().stream()
            .map(version -> version.getKey() + " " + version.getValue())
            .collect(Collectors.joining(", ")));
    if (report.forks() > 0) {
      put(
          facts,
          "Rounds",
          "%d, of %d + %d iterations of %d ms where JMH measures"
              .formatted(
                  report.forks(),
                  report.iterations(),
                  report.iterations(),
                  report.iterationMillis()));
    }
    return facts;
  }

  private static void put(Map<String, String> facts, String name, String value) {
    if (value != null && !value.isEmpty()) {
      facts.put(name, value);
    }
  }

  static String machine(Machine machine) {
    return "%s, %d %s, %.0f GiB, %s"
        .formatted(
            machine.cpu(),
            machine.processors(),
            machine.processors() == 1 ? "processor" : "processors",
            machine.memoryBytes() / (double) (1 << 30),
            machine.os());
  }

  static String jvm(Jvm jvm) {
    return jvm.name() + " " + jvm.version();
  }

  /** {@code 12 met, 1 touches, 2 missed}, and a warning if the forks were few. */
  static String verdicts(Report report) {
    Map<String, Long> counts =
        report.bars().stream()
            .collect(
                Collectors.groupingBy(BarRow::verdict, LinkedHashMap::new, Collectors.counting()));
    StringBuilder text = new StringBuilder();
    for (Bar.Verdict verdict : Bar.Verdict.values()) {
      Long count = counts.get(verdict.toString());
      if (count != null) {
        text.append(text.isEmpty() ? "" : ", ").append(count).append(" ").append(verdict);
      }
    }
    text.append(". The bounds are ")
        .append(Interval.named(report.forks()))
        .append("; a bar between them is touched, which is neither.");
    if (report.hasFewForks()) {
      text.append(" ").append(Tables.fewForks(report));
    }
    return text.toString();
  }
}
