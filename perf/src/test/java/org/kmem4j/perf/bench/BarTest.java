package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of planted numbers. */
final class BarTest {
  private static final Map<String, String> SIZE = Map.of("size", "64");

  private final Results results = new Results();

  @ParameterizedTest
  @CsvSource({
    "0.8, 0.9, 1.0, met",
    "0.8, 0.9, 0.9, met",
    "0.8, 0.9, 1.1, touches",
    "1.0, 1.1, 1.2, touches",
    "1.01, 1.1, 1.2, missed",
  })
  void aBarPassesWhenTheIntervalTouchesIt(double low, double median, double high, String verdict) {
    Interval number = new Interval(median, low, high);

    assertEquals(verdict, Bar.Verdict.of(number, 1.0, false).toString());
    assertEquals(Bar.Verdict.TOLD, Bar.Verdict.of(number, null, false));
  }

  @ParameterizedTest
  @CsvSource({
    "1.9, 1.95, 2.0, met",
    "1.8, 1.95, 2.0, touches",
    "1.8, 1.85, 1.9, touches",
    "1.7, 1.8, 1.89, missed",
  })
  void aBarMayBeALeastToo(double low, double median, double high, String verdict) {
    Interval number = new Interval(median, low, high);

    assertEquals(verdict, Bar.Verdict.of(number, 1.9, true).toString());
  }

  @Test
  void aContenderStandsBesideItselfWithFewerThreads() {
    results.add(1, throughput("kmemCache", 1, 100));
    results.add(1, throughput("kmemCache", 2, 150));

    Bar.Outcome outcome =
        Bar.all().stream()
            .filter(Bar::isAtLeast)
            .flatMap(bar -> bar.judge(results).stream())
            .findFirst()
            .orElseThrow();

    assertAll(
        () -> assertEquals(1.5, outcome.number().median()),
        () -> assertEquals(Bar.Verdict.MISSED, outcome.verdict()),
        () ->
            assertEquals("threads (threads=2): kmemCache ÷ kmemCache (threads=1)", outcome.name()));
  }

  @Test
  void theBestOfThroughputsIsTheLargest() {
    results.add(1, throughput("kmemCache", 2, 100));
    results.add(1, throughput("malloc", 2, 20));
    results.add(1, throughput("mimalloc", 2, 50));
    Map<String, String> two = Map.of("threads", "2");
    List<String> peers = List.of("malloc", "mimalloc");
    Bar bar = new Bar(Question.THREADS, two, "kmemCache", peers, false, null, null);

    assertEquals(2, bar.judge(results).orElseThrow().number().median());
  }

  private static Reading throughput(String contender, int threads, double value) {
    Map<String, String> params = Map.of("threads", Integer.toString(threads));
    return new Reading(new Reading.Key(Question.THREADS, contender, params, "ops/us"), value, null);
  }

  @Test
  void ratiosAreFormedWithinARound() {
    plant("kmemCache", 5, 50, 500); // The machine slows down from round to round.
    plant("heap", 10, 100, 1000);

    Bar.Outcome outcome = judge("heap");

    assertAll(
        () -> assertEquals(new Interval(0.5, 0.5, 0.5), outcome.number()),
        () -> assertEquals(3, outcome.rounds()),
        () -> assertEquals("pair (size=64): kmemCache ÷ heap", outcome.name()),
        () -> assertEquals(Bar.Verdict.MET, outcome.verdict()));
  }

  @Test
  void whoHasNoNumberHasMissedTheBar() {
    plant("kmemCache", Double.NaN, Double.NaN);
    plant("heap", 10, 10);

    Bar.Outcome outcome = judge("heap");

    assertEquals(Bar.Verdict.MISSED, outcome.verdict());
    assertEquals(0, outcome.rounds());
  }

  @Test
  void aRoundThatOneSideLacksIsLeftOut() {
    plant("kmemCache", 5, 5);
    plant("heap", 10, 10, 1);

    assertEquals(2, judge("heap").rounds());
  }

  @Test
  void theFastestIsOneContenderInAllRounds() {
    plant("kmemCache", 4, 4, 4);
    plant("malloc", 1, 10, 10);
    plant("mimalloc", 8, 8, 8);

    Bar.Outcome outcome = judge("malloc", "jemalloc", "mimalloc");

    assertEquals("pair (size=64): kmemCache ÷ mimalloc", outcome.name());
    assertEquals(0.5, outcome.number().median());
  }

  @Test
  void aContenderWithoutTheParameterStandsBesideAnyValue() {
    plant("kmemCache", 6);
    results.add(1, reading("heapConstant48", Map.of(), 3));

    assertEquals(2, judge("heapConstant48").number().median());
  }

  @Test
  void nothingIsSaidOfWhatWasNotMeasured() {
    plant("kmemCache", 5);
    results.add(1, reading("heap", Map.of("size", "256"), 10));

    assertTrue(bar(1.0, "heap").judge(results).isEmpty());
    assertTrue(Bar.all().stream().allMatch(bar -> bar.judge(new Results()).isEmpty()));
  }

  @Test
  void garbageIsJudgedByItself() {
    var key = new Reading.Key(Question.PAIR, "kmemCache", SIZE, "ns/op");
    results.add(1, new Reading(key, 5, 16.0));
    results.add(2, new Reading(key, 5, 16.0));

    Bar.Outcome outcome =
        Bar.all().stream()
            .filter(Bar::isGarbage)
            .flatMap(bar -> bar.judge(results).stream())
            .findFirst()
            .orElseThrow();

    assertAll(
        () -> assertEquals(Bar.Verdict.MISSED, outcome.verdict()),
        () -> assertEquals(16.0, outcome.number().median()),
        () -> assertEquals("pair (size=64): kmemCache, B/op", outcome.name()));
  }

  @Test
  void whatStaysResidentIsJudgedByItself() {
    var key =
        new Reading.Key(
            Question.GIVE_BACK, "agent", Map.of("decayMillis", "10000"), "resident ÷ peak");
    results.add(1, new Reading(key, 0.04, null));

    List<Bar.Outcome> outcomes =
        Bar.all().stream().flatMap(bar -> bar.judge(results).stream()).toList();

    assertEquals(1, outcomes.size());
    assertEquals(Bar.Verdict.MET, outcomes.get(0).verdict());
  }

  @Test
  void everyBarComparesContendersThatThereAre() {
    for (Bar bar : Bar.all()) {
      assertIsAsked(bar, bar.contender());
      bar.against().forEach(other -> assertIsAsked(bar, other));
    }
  }

  /** What is told besides a score is named after a point. */
  private static void assertIsAsked(Bar bar, String contender) {
    assertTrue(bar.question().contenders.contains(contender.split("[.]")[0]), bar::toString);
  }

  @Test
  void latencyIsJudgedByTwoPercentilesAgainstBothCollectors() {
    plantLatency("kmemAddresses", 10, "heapG1", 100, "heapZgc", 15);
    plantLatency("kmemAddresses.p99.99", 30, "heapG1.p99.99", 100, "heapZgc.p99.99", 100);

    List<String> verdicts =
        Bar.all().stream()
            .flatMap(bar -> bar.judge(results).stream())
            .map(outcome -> outcome.name() + " " + outcome.verdict())
            .toList();

    String where = "latency (budget=2, live=4000000): ";
    assertEquals(
        List.of(
            where + "kmemAddresses ÷ heapG1 met",
            where + "kmemAddresses ÷ heapZgc missed",
            where + "kmemAddresses.p99.99 ÷ heapG1.p99.99 missed",
            where + "kmemAddresses.p99.99 ÷ heapZgc.p99.99 met"),
        verdicts);
  }

  @Test
  void whoDoesNotFitIsComparedWithNobody() {
    plantLatency("kmemAddresses", 10, "heapG1", Double.NaN, "heapZgc", 100);

    List<Bar.Outcome> outcomes =
        Bar.all().stream().flatMap(bar -> bar.judge(results).stream()).toList();

    assertEquals(1, outcomes.size(), outcomes::toString);
  }

  private void plantLatency(
      String one, double ofOne, String two, double ofTwo, String three, double ofThree) {
    Map.of(one, ofOne, two, ofTwo, three, ofThree)
        .forEach(
            (contender, micros) -> {
              Map<String, String> params = Map.of("live", "4000000", "budget", "2");
              var key = new Reading.Key(Question.LATENCY, contender, params, "µs");
              results.add(1, new Reading(key, micros, null));
            });
  }

  private void plant(String contender, double... rounds) {
    for (int round = 0; round < rounds.length; round++) {
      results.add(round + 1, reading(contender, SIZE, rounds[round]));
    }
  }

  private static Reading reading(String contender, Map<String, String> params, double value) {
    return new Reading(new Reading.Key(Question.PAIR, contender, params, "ns/op"), value, null);
  }

  private Bar.Outcome judge(String... against) {
    return bar(1.0, against).judge(results).orElseThrow();
  }

  private static Bar bar(double limit, String... against) {
    return new Bar(Question.PAIR, SIZE, "kmemCache", List.of(against), false, limit, null);
  }
}
