package org.kmem4j.perf.bench;

import com.github.freva.asciitable.ColumnData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.bench.Reading.Key;

/** What a run found, as JSON names it. A value is null where it was not measured. */
record Report(
    Machine machine,
    Jvm jvm,
    Map<String, String> versions,
    int forks,
    int iterations,
    long iterationMillis,
    List<Row> rows,
    List<BarRow> bars) {

  /** Score and garbage are medians of the forks; the error is half of the 95 % interval. */
  record Row(
      String question,
      Map<String, Object> params,
      String contender,
      String unit,
      Double score,
      Double error,
      Double min,
      Double max,
      int forks,
      Double bytesPerOp) {}

  /** The ratio, or the number itself where nothing is divided, with its 95 % interval. */
  record BarRow(
      String bar,
      String question,
      Map<String, Object> params,
      String contender,
      int forks,
      Double ratio,
      Double low,
      Double high,
      boolean atLeast,
      Double limit,
      Double aim,
      String verdict) {}

  private static final String NOT_KNOWN = "n/a";

  static Report of(Results results, Settings settings, int forks) {
    List<Row> rows = new ArrayList<>();
    for (Question question : Question.values()) {
      results.keys(question).forEach(key -> rows.add(row(results, key)));
    }
    return new Report(
        Machine.here(),
        Jvm.here(),
        Versions.all(),
        forks,
        settings.iterations(),
        settings.iteration().toMillis(),
        rows,
        Bar.all().stream()
            .flatMap(bar -> bar.judge(results).stream())
            .map(Report::barRow)
            .toList());
  }

  private static Row row(Results results, Key key) {
    double[] values = results.values(key);
    Interval score = Interval.of(values);
    double[] garbage = results.bytesPerOp(key);
    return new Row(
        key.question().toString(),
        typed(key.params()),
        key.contender(),
        key.unit(),
        known(score.median()),
        known(score.error()),
        known(Arrays.stream(values).min().orElseThrow()),
        known(Arrays.stream(values).max().orElseThrow()),
        values.length,
        garbage.length == 0 ? null : Interval.of(garbage).median());
  }

  private static BarRow barRow(Bar.Outcome outcome) {
    Bar bar = outcome.bar();
    return new BarRow(
        outcome.name(),
        bar.question().toString(),
        typed(bar.params()),
        bar.contender(),
        outcome.rounds(),
        outcome.number().median(),
        outcome.number().low(),
        outcome.number().high(),
        bar.isAtLeast(),
        bar.limit(),
        bar.aim(),
        outcome.verdict().toString());
  }

  /** JSON knows no NaN, which stands for what did not happen. */
  private static Double known(double value) {
    return Double.isNaN(value) ? null : value;
  }

  private static Map<String, Object> typed(Map<String, String> params) {
    Map<String, Object> typed = new TreeMap<>();
    params.forEach(
        (name, value) -> typed.put(name, value.matches("\\d{1,18}") ? Long.valueOf(value) : value));
    return typed;
  }

  String json() {
    return JsonFile.toJson(this);
  }

  /** A table for each question, then that of the bars. */
  String tables() {
    StringBuilder text = new StringBuilder();
    for (Question question : Question.values()) {
      List<Row> mine =
          rows.stream().filter(row -> row.question.equals(question.toString())).toList();
      if (!mine.isEmpty()) {
        text.append("%s: %s%n%s%n%n".formatted(question, question.title, table(mine)));
      }
    }
    if (!bars.isEmpty()) {
      text.append("bars: medians of the forks' ratios, with intervals of 95 %%%n".formatted());
      text.append(barTable()).append(System.lineSeparator());
      if (forks < BenchCommand.FULL_FORKS) {
        text.append(
            "The verdicts are of %d %s; %d are asked for.%n"
                .formatted(forks, forks == 1 ? "fork" : "forks", BenchCommand.FULL_FORKS));
      }
    }
    return text.toString();
  }

  private static String table(List<Row> rows) {
    List<ColumnData<Row>> columns =
        List.of(
            Table.text("contender", row -> row.contender),
            Table.text("params", row -> params(row.params)),
            Table.text("unit", row -> row.unit),
            Table.number("median", row -> decimals(row.score)),
            Table.number("min..max", row -> decimals(row.min) + ".." + decimals(row.max)),
            Table.number("B/op", row -> garbage(row.bytesPerOp)));
    return Table.of(rows, columns);
  }

  private String barTable() {
    List<ColumnData<BarRow>> columns =
        List.of(
            Table.text("what", row -> row.bar),
            Table.number("median", row -> decimals(row.ratio)),
            Table.number("low..high", row -> decimals(row.low) + ".." + decimals(row.high)),
            Table.number("bar", row -> limit(row)),
            Table.number("aim", row -> row.aim == null ? "" : row.aim.toString()),
            Table.text("verdict", row -> row.verdict));
    return Table.of(bars, columns);
  }

  private static String limit(BarRow row) {
    return row.limit == null ? "" : (row.atLeast ? "≥ " : "≤ ") + row.limit;
  }

  private static String params(Map<String, Object> params) {
    Map<String, String> texts = new TreeMap<>();
    params.forEach((name, value) -> texts.put(name, value.toString()));
    return Reading.text(texts);
  }

  /** Two decimals, or three where the number is small. */
  private static String decimals(Double value) {
    if (value == null) {
      return NOT_KNOWN;
    }
    return String.format(Locale.ROOT, Math.abs(value) < 1 ? "%.3f" : "%.2f", value);
  }

  private static String garbage(Double bytes) {
    if (bytes == null) {
      return NOT_KNOWN;
    }
    return bytes <= Bar.NO_GARBAGE ? "0" : String.format(Locale.ROOT, "%.2f", bytes);
  }
}
