package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.kmem4j.perf.bench.Reading.Key;

/**
 * What is asked of a contender: that a number is not above a limit.
 *
 * @param params narrow the question; those not named are any
 * @param against whom the score is divided by: the fastest of these that were measured. Empty if
 *     the number itself is judged
 * @param isGarbage whether bytes per operation are judged instead of the score
 * @param limit null for a ratio that is only told
 * @param aim null if the issue names none
 */
record Bar(
    Question question,
    Map<String, String> params,
    String contender,
    List<String> against,
    boolean isGarbage,
    Double limit,
    Double aim) {

  /** The end of the interval that the issue judges by. */
  enum Verdict {
    /** The whole interval is at or below the limit. */
    MET,
    /** The limit lies within the interval: it passes. */
    TOUCHES,
    /** The whole interval is above the limit. */
    MISSED,
    /** There is no limit. */
    TOLD;

    static Verdict of(Interval number, Double limit) {
      if (limit == null) {
        return TOLD;
      }
      if (number.high() <= limit) {
        return MET;
      }
      return number.low() <= limit ? TOUCHES : MISSED;
    }

    @Override
    public String toString() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** A bar with what was found: against whom, in how many rounds. */
  record Outcome(Bar bar, String name, int rounds, Interval number, Verdict verdict) {}

  /** 0 B/op, less what JMH itself makes while it measures. */
  static final double NO_GARBAGE = 0.02;

  private static final List<String> NATIVE = List.of("malloc", "jemalloc", "mimalloc");

  /** All bars, in the order of the table. */
  static List<Bar> all() {
    List<Bar> bars = new ArrayList<>();
    pair(bars, 64, 1.2, 1.0);
    bars.add(ratio(Question.PAIR, size(64), "kmemCache", List.of("heapConstant48"), null, null));
    pair(bars, 256, 0.45, null);
    pair(bars, 1024, 0.12, null);
    pair(bars, 4096, 0.05, null);
    for (int size : new int[] {64, 256, 1024, 4096}) {
      bars.add(ratio(Question.PAIR, size(size), "kmemCache", NATIVE, 0.8, 0.6));
    }
    bars.add(ratio(Question.POOL, Map.of(), "objectPool", List.of("handWritten"), 1.5, null));
    bars.add(
        ratio(Question.POOL, Map.of(), "objectPoolPinned", List.of("handWritten"), null, null));
    for (int size : new int[] {64, 256, 1024, 4096}) {
      bars.add(
          ratio(Question.PAIR, size(size), "kmemCachePinned", List.of("kmemCache"), 0.75, null));
    }
    replacement(bars, 4096, 1.2, 0.7);
    replacement(bars, 262144, null, null);
    bars.add(
        ratio(
            Question.THREAD_START, Map.of(), "afterVirtualThreads", List.of("fresh"), 1.05, null));
    bars.add(ratio(Question.BULK, Map.of(), "bulk", List.of("singles"), null, null));
    bars.add(
        ratio(
            Question.CROSS_THREAD,
            Map.of(),
            "kmemCache",
            List.of("malloc", "mimalloc"),
            null,
            null));
    bars.add(ratio(Question.VIRTUAL_THREAD, Map.of(), "kmemCache", List.of("heap"), null, null));
    bars.add(ratio(Question.GROUP_PAIR, Map.of(), "handle", List.of("nobody"), 1.05, null));
    bars.add(ratio(Question.GROUP_PAIR, Map.of(), "bound", List.of("nobody"), null, null));
    bars.add(ratio(Question.GROUP_CYCLE, Map.of(), "handle", List.of("nobody"), 1.15, null));
    bars.add(number(Question.CHARGE, "stock", 10));
    bars.add(number(Question.REFUSAL, "tryAlloc", 50));
    bars.add(number(Question.GROUP_LIFE, "empty", 20_000));
    bars.add(ratio(Question.CHURN, Map.of(), "reparenting", List.of("original"), 1.0 / 20, null));
    garbage(bars);
    bars.add(new Bar(Question.GIVE_BACK, Map.of(), "agent", List.of(), false, GiveBack.BAR, null));
    return bars;
  }

  private static void pair(List<Bar> bars, int size, double limit, Double aim) {
    bars.add(ratio(Question.PAIR, size(size), "kmemCache", List.of("heap"), limit, aim));
  }

  private static void replacement(List<Bar> bars, int live, Double ofHeap, Double ofMimalloc) {
    Map<String, String> params = Map.of("live", Integer.toString(live));
    Question question = Question.REPLACEMENT;
    bars.add(ratio(question, params, "kmemCache", List.of("heap"), ofHeap, null));
    bars.add(ratio(question, params, "kmemCache", List.of("mimalloc"), ofMimalloc, null));
  }

  /** Nanoseconds. */
  private static Bar number(Question question, String contender, double limit) {
    return new Bar(question, Map.of(), contender, List.of(), false, limit, null);
  }

  private static void garbage(List<Bar> bars) {
    for (int size : new int[] {64, 256, 1024, 4096}) {
      for (String contender : List.of("kmemCache", "kmemCachePinned", "bySize")) {
        bars.add(garbage(Question.PAIR, size(size), contender));
      }
    }
    bars.add(garbage(Question.POOL, Map.of(), "objectPool"));
    bars.add(garbage(Question.POOL, Map.of(), "objectPoolPinned"));
    for (String live : List.of("4096", "262144")) {
      for (String contender : List.of("kmemCache", "bySize")) {
        bars.add(garbage(Question.REPLACEMENT, Map.of("live", live), contender));
      }
    }
    bars.add(garbage(Question.BULK, Map.of(), "bulk"));
    bars.add(garbage(Question.BULK, Map.of(), "singles"));
    bars.add(garbage(Question.CROSS_THREAD, Map.of(), "kmemCache"));
    bars.add(garbage(Question.GROUP_PAIR, Map.of(), "handle"));
    bars.add(garbage(Question.REFUSAL, Map.of(), "tryAlloc"));
    bars.add(garbage(Question.VIRTUAL_THREAD, Map.of(), "kmemCache"));
  }

  private static Bar garbage(Question question, Map<String, String> params, String contender) {
    return new Bar(question, params, contender, List.of(), true, NO_GARBAGE, null);
  }

  private static Bar ratio(
      Question question,
      Map<String, String> params,
      String contender,
      List<String> against,
      Double limit,
      Double aim) {
    return new Bar(question, params, contender, against, false, limit, aim);
  }

  private static Map<String, String> size(int size) {
    return Map.of("size", Integer.toString(size));
  }

  /** What the results say of this bar, or nothing if they lack what it compares. */
  Optional<Outcome> judge(Results results) {
    Optional<Key> over = results.find(question, contender, params);
    if (over.isEmpty()) {
      return Optional.empty();
    }
    if (against.isEmpty()) {
      double[] values = isGarbage ? results.bytesPerOp(over.get()) : results.values(over.get());
      return outcome(contender + ", " + (isGarbage ? "B/op" : over.get().unit()), values);
    }
    // One and the same for all rounds: the least of each round would be less than any of them.
    Optional<Key> under =
        against.stream()
            .flatMap(other -> results.find(question, other, params).stream())
            .min(Comparator.comparing(key -> Interval.of(results.values(key)).median()));
    return under.flatMap(
        key -> outcome(contender + " ÷ " + key.contender(), results.ratios(over.get(), key)));
  }

  private Optional<Outcome> outcome(String what, double[] numbers) {
    if (numbers.length == 0) {
      return Optional.empty();
    }
    Interval number = Interval.of(numbers);
    String where = params.isEmpty() ? "" : " (" + Reading.text(params) + ")";
    return Optional.of(
        new Outcome(
            this,
            question + where + ": " + what,
            numbers.length,
            number,
            Verdict.of(number, limit)));
  }
}
