package org.kmem4j.perf.bench;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.bench.Reading.Key;

/**
 * What a run found, as JSON names it. A value is null where it was not measured. All that is told
 * of a run, in the terminal, on the page and in the document, is told from here, so a file holds
 * whatever a page needs; of a file of others, only the rows are asked for.
 *
 * @param command as it was typed
 * @param started when, by ISO 8601
 * @param leftOut contenders that could not run, each with the reason, as a sentence without a stop
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record Report(
    String command,
    String started,
    Machine machine,
    Jvm jvm,
    Map<String, String> versions,
    int forks,
    int iterations,
    long iterationMillis,
    List<String> leftOut,
    List<Asked> questions,
    List<Row> rows,
    List<BarRow> bars,
    List<Line> curves) {

  /** A question, in the order of the report. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Asked(String name, String title) {}

  /**
   * Score and garbage are medians of the forks; the error is half of the {@link Interval}.
   *
   * @param values by round; null where a round yielded none
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
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
      Double bytesPerOp,
      List<Double> values) {
    Row {
      if (question == null || contender == null || unit == null) {
        throw new IllegalArgumentException("a row lacks its question, contender or unit");
      }
      params = params == null ? Map.of() : new TreeMap<>(params);
      values = values == null ? Arrays.asList(score) : values;
    }

    /** Who was measured: what is told besides a score has a contender like {@code fresh.slots}. */
    String who() {
      int dot = contender.indexOf('.');
      return dot < 0 ? contender : contender.substring(0, dot);
    }

    /** What was measured of it; nothing if this is its score. */
    String measure() {
      int dot = contender.indexOf('.');
      return dot < 0 ? "" : contender.substring(dot + 1);
    }

    Side side() {
      return Side.of(contender);
    }

    /** {@code size=64}, comma between, or nothing. */
    String where() {
      return Report.where(params);
    }
  }

  /** The ratio, or the number itself where nothing is divided, with its {@link Interval}. */
  @JsonIgnoreProperties(ignoreUnknown = true)
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

  /** A {@link Curve}. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Line(
      String question,
      String contender,
      Map<String, Object> params,
      String name,
      String xUnit,
      String yUnit,
      double[] x,
      double[] y) {
    Line {
      if (question == null || contender == null || name == null || x == null || y == null) {
        throw new IllegalArgumentException("a curve lacks its question, contender, name, x or y");
      }
      if (x.length != y.length) {
        throw new IllegalArgumentException(
            "a curve of %s has %d x and %d y".formatted(contender, x.length, y.length));
      }
      params = params == null ? Map.of() : new TreeMap<>(params);
      xUnit = xUnit == null ? "" : xUnit;
      yUnit = yUnit == null ? "" : yUnit;
    }

    String where() {
      return Report.where(params);
    }
  }

  Report {
    if (rows == null) {
      throw new IllegalArgumentException("it has no rows");
    }
    versions = versions == null ? Map.of() : new TreeMap<>(versions);
    leftOut = leftOut == null ? List.of() : leftOut;
    bars = bars == null ? List.of() : bars;
    curves = curves == null ? List.of() : curves;
    questions = questions == null ? asked(rows, curves) : questions;
  }

  static Report of(
      Results results, Settings settings, int forks, String command, List<String> leftOut) {
    List<Row> rows = new ArrayList<>();
    for (Question question : Question.values()) {
      results.keys(question).forEach(key -> rows.add(row(results, key, forks)));
    }
    List<Line> curves = results.curves().stream().map(Report::line).toList();
    return new Report(
        command,
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        Machine.here(),
        Jvm.here(),
        Versions.all(),
        forks,
        settings.iterations(),
        settings.iteration().toMillis(),
        leftOut,
        asked(rows, curves),
        rows,
        bars(results),
        curves);
  }

  private static List<BarRow> bars(Results results) {
    return Bar.all().stream()
        .flatMap(bar -> bar.judge(results).stream())
        .map(Report::barRow)
        .toList();
  }

  /** The same rows under the bars of today: those of a file are of the day when it was written. */
  Report judgedAgain() {
    return new Report(
        command,
        started,
        machine,
        jvm,
        versions,
        forks,
        iterations,
        iterationMillis,
        leftOut,
        questions,
        rows,
        bars(results()),
        curves);
  }

  private Results results() {
    Results results = new Results();
    for (Row row : rows) {
      Optional<Question> question =
          Arrays.stream(Question.values())
              .filter(some -> some.toString().equals(row.question()))
              .findFirst();
      if (question.isPresent()) {
        Key key = new Key(question.get(), row.contender(), texts(row.params()), row.unit());
        for (int i = 0; i < row.values().size(); i++) {
          Double value = row.values().get(i);
          if (value != null || row.score() == null) {
            double number = value == null ? Double.NaN : value;
            results.add(i + 1, new Reading(key, number, row.bytesPerOp()));
          }
        }
      }
    }
    return results;
  }

  private static List<Asked> asked(List<Row> rows, List<Line> curves) {
    Map<String, String> titles =
        Arrays.stream(Question.values())
            .collect(Collectors.toMap(Question::toString, question -> question.title));
    return Stream.concat(rows.stream().map(Row::question), curves.stream().map(Line::question))
        .distinct()
        .map(name -> new Asked(name, titles.getOrDefault(name, "")))
        .toList();
  }

  private static Row row(Results results, Key key, int forks) {
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
        garbage.length == 0 ? null : Interval.of(garbage).median(),
        results.rounds(key, forks).stream()
            .map(value -> value == null ? null : known(value))
            .toList());
  }

  private static BarRow barRow(Bar.Outcome outcome) {
    Bar bar = outcome.bar();
    return new BarRow(
        outcome.name(),
        bar.question().toString(),
        typed(bar.params()),
        bar.contender(),
        outcome.rounds(),
        known(outcome.number().median()),
        known(outcome.number().low()),
        known(outcome.number().high()),
        bar.isAtLeast(),
        bar.limit(),
        bar.aim(),
        outcome.verdict().toString());
  }

  private static Line line(Curve curve) {
    return new Line(
        curve.question().toString(),
        curve.contender(),
        typed(curve.params()),
        curve.name(),
        curve.xUnit(),
        curve.yUnit(),
        curve.x(),
        curve.y());
  }

  /** JSON knows no NaN, which stands for what did not happen. */
  private static Double known(double value) {
    return Double.isFinite(value) ? value : null;
  }

  private static Map<String, Object> typed(Map<String, String> params) {
    Map<String, Object> typed = new TreeMap<>();
    params.forEach(
        (name, value) -> typed.put(name, value.matches("\\d{1,18}") ? Long.valueOf(value) : value));
    return typed;
  }

  static String where(Map<String, Object> params) {
    return Reading.text(texts(params));
  }

  private static Map<String, String> texts(Map<String, Object> params) {
    Map<String, String> texts = new TreeMap<>();
    params.forEach((name, value) -> texts.put(name, String.valueOf(value)));
    return texts;
  }

  String json() {
    return JsonFile.toJson(this);
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws KmemException if the file cannot be read or holds something else, with the reason
   */
  static Report read(Path file) {
    return JsonFile.read(file, Report.class, "a result of kmem bench");
  }

  /** Fewer forks than an interval of 95 % asks for. */
  boolean hasFewForks() {
    return forks > 0 && forks < BenchCommand.FULL_FORKS;
  }
}
