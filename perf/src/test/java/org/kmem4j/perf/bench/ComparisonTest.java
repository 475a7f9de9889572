package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kmem4j.perf.bench.Report.Row;

/** What is said of two planted runs. */
final class ComparisonTest {
  @ParameterizedTest
  @CsvSource({
    // unit, old ± error, new ± error, verdict
    "ns/op,  10, 0.1, 12,   0.1, 1 worse",
    "ns/op,  10, 0.1, 8,    0.1, 1 better",
    "ns/op,  10, 1.5, 12,   1.0, 1 the same", // They overlap.
    "ns/op,  10, 0.1, 10.4, 0.1, 1 the same", // Apart, but by 4 %.
    "ns/op,  10, 0.1, 10.6, 0.1, 1 worse",
    "ns/op,  10, 0.0, 10,   0.0, 1 the same",
    "ops/us, 10, 0.1, 12,   0.1, 1 better",
    "ops/us, 10, 0.1, 8,    0.1, 1 worse",
    "1 = yes, 1, 0.0, 0,    0.0, 1 worse",
    "1 = yes, 0, 0.0, 1,    0.0, 1 better",
    "1/s,    10, 0.1, 20,   0.1, Not judged", // How often a neighbour did what it does.
  })
  void aChangeIsBeyondTheErrorBarsAndBeyondFivePercent(
      String unit, double before, double error, double after, double errorAfter, String verdict) {
    Comparison comparison =
        compare(
            row("kmemCache", unit, before, error, 10),
            row("kmemCache", unit, after, errorAfter, 10));

    assertTrue(comparison.text().contains(verdict), comparison::text);
    assertEquals(verdict.equals("1 worse"), comparison.hasRegressions());
  }

  @Test
  void aRowOfOneForkIsNotJudged() {
    Comparison comparison =
        compare(row("kmemCache", "ns/op", 10, 0, 1), row("kmemCache", "ns/op", 100, 0, 10));

    assertFalse(comparison.hasRegressions());
    assertTrue(comparison.text().contains("Not judged"), comparison::text);
    assertTrue(comparison.text().contains("  pair.kmemCache(size=64), ns/op"), comparison::text);
  }

  @Test
  void garbageIsARegressionToo() {
    Row before = row("kmemCache", "ns/op", 10, 1, 10);
    Row after =
        new Row(
            "pair", Map.of("size", 64), "kmemCache", "ns/op", 10.0, 1.0, 9.0, 11.0, 10, 16.0, null);

    assertTrue(compare(before, after).hasRegressions());
    assertFalse(compare(after, before).hasRegressions());
  }

  @Test
  void whatOthersBecameIsToldAndNoRegression() {
    Comparison comparison =
        compare(row("malloc", "ns/op", 10, 0.1, 10), row("malloc", "ns/op", 20, 0.1, 10));

    assertFalse(comparison.hasRegressions());
    assertFalse(comparison.isEmpty());
    assertTrue(comparison.text().contains("Worse, but not of Kmem4j:"), comparison::text);
  }

  @Test
  void aRowWithoutANumberAnyMoreIsWorse() {
    Row lost =
        new Row(
            "pair", Map.of("size", 64), "kmemCache", "ns/op", null, null, null, null, 2, 0.0, null);

    Comparison comparison = compare(row("kmemCache", "ns/op", 10, 0.1, 10), lost);

    assertTrue(comparison.hasRegressions());
    assertTrue(comparison.text().contains("n/a"), comparison::text);
  }

  /** Their bounds lie apart though the medians are nearer than half of both widths. */
  @Test
  void theValuesOfTheForksCountWhereTheyAreKnown() {
    Row before = row(List.of(9.0, 10.0, 10.1));
    Row after = row(List.of(10.7, 10.8, 13.0));

    assertTrue(compare(before, after).hasRegressions());
    assertFalse(compare(before, before).hasRegressions());
  }

  private static Row row(List<Double> values) {
    Interval interval = Interval.of(values.stream().mapToDouble(Double::doubleValue).toArray());
    return new Row(
        "pair",
        Map.of("size", 64),
        "kmemCache",
        "ns/op",
        interval.median(),
        interval.error(),
        interval.low(),
        interval.high(),
        values.size(),
        0.0,
        values);
  }

  @Test
  void rowsOfOneSideAreNamed() {
    Row both = row("kmemCache", "ns/op", 10, 1, 10);

    String text =
        Comparison.of(
                report(both, row("malloc", "ns/op", 10, 1, 10)),
                report(both, row("mimalloc", "ns/op", 10, 1, 10)))
            .text();

    assertAll(
        () -> assertTrue(text.contains("Only in the old run:\n  pair.malloc(size=64)"), text),
        () -> assertTrue(text.contains("Only in the new run:\n  pair.mimalloc(size=64)"), text),
        () -> assertTrue(text.contains("1 the same, 1 only in the old run"), text));
  }

  @Test
  void runsWithoutACommonRowAreNotTakenForEqualOnes() {
    assertTrue(
        compare(row("malloc", "ns/op", 1, 0, 10), row("arrow", "ns/op", 1, 0, 10)).isEmpty());
  }

  @Test
  void anotherMachineJvmOrVersionIsTold() {
    Report before =
        report(
            new Machine("fast", 2, 1L << 30, "Linux"),
            new Jvm("VM", "25", List.of("-Xmx1g"), List.of()),
            Map.of("agrona", "2.5", "jmh", "1.37"));
    Report after =
        report(
            new Machine("slow", 2, 1L << 30, "Linux"),
            new Jvm("VM", "25", List.of("-Xmx2g"), List.of()),
            Map.of("agrona", "2.6", "jmh", "1.37"));

    String text = Comparison.of(before, after).text();

    assertAll(
        () -> assertTrue(text.contains("machine: fast, 2 processors"), text),
        () -> assertTrue(text.contains("then slow, 2 processors"), text),
        () -> assertTrue(text.contains("JVM: VM 25, -Xmx1g"), text),
        () -> assertTrue(text.contains("agrona: 2.5, then 2.6"), text),
        () -> assertFalse(text.contains("jmh"), text),
        () -> assertFalse(Comparison.of(before, before).text().contains("differ in more"), text));
  }

  private static Row row(String contender, String unit, double score, double error, int forks) {
    return new Row(
        "pair",
        Map.of("size", 64),
        contender,
        unit,
        score,
        error,
        score - error,
        score + error,
        forks,
        0.0,
        null);
  }

  private static Comparison compare(Row before, Row after) {
    return Comparison.of(report(before), report(after));
  }

  private static Report report(Row... rows) {
    return report(null, null, Map.of(), rows);
  }

  private static Report report(
      Machine machine, Jvm jvm, Map<String, String> versions, Row... rows) {
    return new Report(
        null, null, machine, jvm, versions, 10, 3, 500, null, null, List.of(rows), null, null);
  }
}
