package org.kmem4j.perf.bench;

import com.github.freva.asciitable.ColumnData;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.bench.Report.Row;

/** Two runs beside each other: what became worse, what better, and what cannot be told. */
final class Comparison {
  /** Medians that differ by less are the same, however narrow their intervals. */
  static final double LEAST_CHANGE = 0.05;

  /** Of garbage: what JMH itself makes from run to run. */
  private static final double LEAST_BYTES = 1;

  static final String RULE =
      "A row is worse, or better, if the bounds of its medians do not overlap and the medians"
          + " differ by more than 5 %, if B/op differs by more than 5 % and 1 byte, or if it has no"
          + " number any more. Only rows of Kmem4j count for the exit status: what others do tells"
          + " how far the machines differ. The bounds of fewer than 6 forks are their range, which"
          + " some rows in a hundred leave by chance.";

  /** A number of both runs; NaN if a run has none. */
  record Change(String row, String unit, double before, double after) {
    double ratio() {
      return after / before;
    }
  }

  private record Id(String question, String contender, Map<String, Object> params, String unit) {
    static Id of(Row row) {
      return new Id(row.question(), row.contender(), row.params(), row.unit());
    }

    @Override
    public String toString() {
      String where = params.isEmpty() ? "" : "(" + Report.where(params) + ")";
      return question + "." + contender + where;
    }
  }

  private final List<String> differences = new ArrayList<>();
  private final List<Change> worse = new ArrayList<>();
  private final List<Change> worseOfOthers = new ArrayList<>();
  private final List<Change> better = new ArrayList<>();
  private final List<String> unjudged = new ArrayList<>();
  private final List<String> gone = new ArrayList<>();
  private final List<String> added = new ArrayList<>();
  private int same;

  private Comparison() {}

  static Comparison of(Report before, Report after) {
    Comparison comparison = new Comparison();
    comparison.circumstances(before, after);
    Map<Id, Row> old = byId(before);
    Map<Id, Row> present = byId(after);
    old.forEach(
        (id, row) -> {
          if (present.containsKey(id)) {
            comparison.judge(id, row, present.get(id));
          } else {
            comparison.gone.add(id + ", " + id.unit);
          }
        });
    present.forEach(
        (id, row) -> {
          if (!old.containsKey(id)) {
            comparison.added.add(id + ", " + id.unit);
          }
        });
    return comparison;
  }

  private static Map<Id, Row> byId(Report report) {
    Map<Id, Row> rows = new LinkedHashMap<>();
    report.rows().forEach(row -> rows.put(Id.of(row), row));
    return rows;
  }

  boolean hasRegressions() {
    return !worse.isEmpty();
  }

  /** Whether not a single row is in both. */
  boolean isEmpty() {
    return worse.isEmpty()
        && worseOfOthers.isEmpty()
        && better.isEmpty()
        && unjudged.isEmpty()
        && same == 0;
  }

  private void judge(Id id, Row before, Row after) {
    judgeGarbage(id, before, after);
    if (Objects.equals(before.score(), after.score())) {
      same++;
      return;
    }
    boolean isLost = before.score() != null && after.score() == null;
    if (!Group.isJudged(id.unit) || !isLost && !(hasInterval(before) && hasInterval(after))) {
      unjudged.add(id + ", " + id.unit);
      return;
    }
    if (isLost) {
      add(id, false, new Change(id.toString(), id.unit, before.score(), Double.NaN));
      return;
    }
    Interval old = bounds(before);
    Interval present = bounds(after);
    boolean overlap = old.low() <= present.high() && present.low() <= old.high();
    double apart = Math.abs(after.score() - before.score());
    if (overlap || apart <= LEAST_CHANGE * Math.abs(before.score())) {
      same++;
      return;
    }
    boolean isBetter = after.score() > before.score() == Group.moreIsBetter(id.unit);
    add(id, isBetter, new Change(id.toString(), id.unit, before.score(), after.score()));
  }

  private void add(Id id, boolean isBetter, Change change) {
    boolean ours = Side.of(id.contender) == Side.OURS;
    (isBetter ? better : ours ? worse : worseOfOthers).add(change);
  }

  /** By the values of the forks; by the error where a file has none of them. */
  private static Interval bounds(Row row) {
    double[] values =
        row.values().stream().filter(Objects::nonNull).mapToDouble(Double::doubleValue).toArray();
    return values.length > 1
        ? Interval.of(values)
        : new Interval(row.score(), row.score() - row.error(), row.score() + row.error());
  }

  /** One fork has no interval: whatever it says may be noise. */
  private static boolean hasInterval(Row row) {
    return row.score() != null && row.error() != null && row.forks() != 1;
  }

  private void judgeGarbage(Id id, Row before, Row after) {
    if (before.bytesPerOp() == null || after.bytesPerOp() == null) {
      return;
    }
    double more = after.bytesPerOp() - before.bytesPerOp();
    if (Math.abs(more) > LEAST_BYTES
        && Math.abs(more) > LEAST_CHANGE * Math.abs(before.bytesPerOp())) {
      add(id, more < 0, new Change(id.toString(), "B/op", before.bytesPerOp(), after.bytesPerOp()));
    }
  }

  private void circumstances(Report before, Report after) {
    differ("machine", before.machine(), after.machine());
    differ("JVM", before.jvm(), after.jvm());
    differ("rounds", before.forks(), after.forks());
    differ("iterations", before.iterations(), after.iterations());
    differ("ms an iteration", before.iterationMillis(), after.iterationMillis());
    TreeSet<String> names = new TreeSet<>(before.versions().keySet());
    names.addAll(after.versions().keySet());
    names.forEach(name -> differ(name, before.versions().get(name), after.versions().get(name)));
  }

  private void differ(String what, Object before, Object after) {
    if (!Objects.equals(before, after)) {
      differences.add("%s: %s, then %s".formatted(what, told(before), told(after)));
    }
  }

  private static String told(Object fact) {
    return switch (fact) {
      case null -> "not told";
      case Machine machine -> Facts.machine(machine);
      case Jvm jvm ->
          "%s, %s %s"
              .formatted(
                  Facts.jvm(jvm),
                  String.join(" ", jvm.flags()),
                  String.join(" ", jvm.inheritedFlags()));
      default -> fact.toString();
    };
  }

  /** All of it, the regressions last, where a terminal shows them. */
  String text() {
    StringBuilder text = new StringBuilder();
    list(text, "The runs differ in more than the code:", differences);
    list(text, "Only in the old run:", gone);
    list(text, "Only in the new run:", added);
    list(
        text,
        "Not judged, for one fork has no bounds, or neither more nor less is better:",
        unjudged);
    table(text, "Better:", better);
    table(text, "Worse, but not of Kmem4j:", worseOfOthers);
    table(text, "Worse:", worse);
    text.append(
        "%d worse, %d of others worse, %d better, %d the same, %d only in the old run.%n"
            .formatted(worse.size(), worseOfOthers.size(), better.size(), same, gone.size()));
    return text.append(RULE).append(System.lineSeparator()).toString();
  }

  private static void list(StringBuilder text, String heading, List<String> lines) {
    if (!lines.isEmpty()) {
      text.append(heading).append(System.lineSeparator());
      lines.forEach(line -> text.append("  ").append(line).append(System.lineSeparator()));
      text.append(System.lineSeparator());
    }
  }

  private static void table(StringBuilder text, String heading, List<Change> changes) {
    if (changes.isEmpty()) {
      return;
    }
    List<ColumnData<Change>> columns =
        List.of(
            Table.text("row", Change::row),
            Table.text("unit", Change::unit),
            Table.number("old", change -> Numbers.decimals(change.before())),
            Table.number("new", change -> Numbers.decimals(change.after())),
            Table.number(
                "new ÷ old", change -> String.format(Locale.ROOT, "%.2f", change.ratio())));
    text.append(heading).append(System.lineSeparator());
    text.append(Table.of(changes, columns)).append(System.lineSeparator());
    text.append(System.lineSeparator());
  }
}
