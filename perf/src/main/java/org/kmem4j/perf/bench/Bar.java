package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.kmem4j.perf.bench.Reading.Key;
import org.kmem4j.perf.groups.Interference.Neighbour;
import org.kmem4j.perf.latency.Store;

/**
 * What is asked of a contender: that a number is not above a limit, or not below it.
 *
 * @param params narrow the question; those not named are any
 * @param against whom the score is divided by: the best of these that were measured. Empty if the
 *     number itself is judged
 * @param againstParams narrow the question for those
 * @param isGarbage whether bytes per operation are judged instead of the score
 * @param limit null for a ratio that is only told
 * @param aim null if the issue names none
 */
record Bar(
    Question question,
    Map<String, String> params,
    String contender,
    List<String> against,
    Map<String, String> againstParams,
    boolean isGarbage,
    boolean isAtLeast,
    Double limit,
    Double aim) {

  /** That a number, or a ratio under the same parameters, is at most the limit. */
  Bar(
      Question question,
      Map<String, String> params,
      String contender,
      List<String> against,
      boolean isGarbage,
      Double limit,
      Double aim) {
    this(question, params, contender, against, params, isGarbage, false, limit, aim);
  }

  /** On which side of the limit a number lies, as far as can be told. */
  enum Verdict {
    /** The whole interval is on the right side of the limit, or touches it from there. */
    MET,
    /** The limit lies within the interval: neither met nor missed. */
    TOUCHES,
    /** The whole interval is on the wrong side, or there is no number where one was asked for. */
    MISSED,
    /** There is no limit. */
    TOLD;

    static Verdict of(Interval number, Double limit, boolean isAtLeast) {
      if (limit == null) {
        return TOLD;
      }
      if (isAtLeast ? number.low() >= limit : number.high() <= limit) {
        return MET;
      }
      return number.low() <= limit && limit <= number.high() ? TOUCHES : MISSED;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** A bar with what was found: against whom, in how many rounds. */
  record Outcome(Bar bar, String name, int rounds, Interval number, Verdict verdict) {}

  /** 0 B/op, less what JMH itself makes while it measures. */
  static final double NO_GARBAGE = 0.02;

  private static final Interval NO_NUMBER = new Interval(Double.NaN, Double.NaN, Double.NaN);

  private static final List<String> NATIVE = List.of("malloc", "jemalloc", "mimalloc", "tcmalloc");
  private static final List<String> NETTY = List.of("nettyPooled", "nettyAdaptive");
  private static final List<String> PEERS =
      List.of(
          "heap",
          "heapZgc",
          "agronaQueue",
          "arrayDeque",
          "handWritten",
          "malloc",
          "jemalloc",
          "mimalloc",
          "tcmalloc",
          "nettyPooled",
          "nettyAdaptive",
          "arrow",
          "chronicle");

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
    bars.add(ratio(Question.PAIR, size(64), "kmemCache", NETTY, 0.12, null));
    bars.add(ratio(Question.PAIR, size(64), "kmemCache", List.of("arrow"), 0.1, null));
    bars.add(ratio(Question.PAIR, size(64), "kmemCache", List.of("chronicle"), 0.1, null));
    bars.add(ratio(Question.PAIR, size(64), "kmemCache", List.of("arena"), 0.25, null));
    bars.add(ratio(Question.PAIR, size(64), "newFlyweight", NETTY, null, null));
    bars.add(ratio(Question.POOL, Map.of(), "objectPool", List.of("handWritten"), 1.5, null));
    bars.add(
        ratio(Question.POOL, Map.of(), "objectPoolPinned", List.of("handWritten"), null, null));
    for (int size : new int[] {64, 256, 1024, 4096}) {
      bars.add(
          ratio(Question.PAIR, size(size), "kmemCachePinned", List.of("kmemCache"), 0.75, null));
    }
    replacement(bars, 4096, 1.2, 0.7);
    replacement(bars, 262144, 2.5, 0.5);
    bars.add(
        ratio(
            Question.THREAD_START, Map.of(), "afterVirtualThreads", List.of("fresh"), 1.05, null));
    bars.add(ratio(Question.BULK, Map.of(), "bulk", List.of("singles"), null, null));
    bars.add(
        ratio(
            Question.CROSS_THREAD, Map.of(), "kmemCache", peers(Question.CROSS_THREAD), 0.8, null));
    bars.add(
        new Bar(
            Question.THREADS,
            Map.of("threads", "2"),
            "kmemCache",
            List.of("kmemCache"),
            Map.of("threads", "1"),
            false,
            true,
            1.9,
            null));
    for (String order : List.of("same", "reversed", "shuffled")) {
      bars.add(
          ratio(
              Question.BURST,
              Map.of("order", order),
              "kmemCache",
              peers(Question.BURST),
              null,
              null));
    }
    for (String trace : List.of("gcc", "python")) {
      bars.add(
          ratio(
              Question.MIXED, Map.of("trace", trace), "bySize", peers(Question.MIXED), null, null));
    }
    for (String groups : List.of("1", "1000", "10000")) {
      Map<String, String> params = Map.of("groups", groups);
      bars.add(ratio(Question.MANY_GROUPS, params, "handle", List.of("nobody"), null, null));
      bars.add(ratio(Question.MANY_GROUPS, params, "handle", List.of("arrow"), null, null));
    }
    bars.add(ratio(Question.VIRTUAL_THREAD, Map.of(), "kmemCache", List.of("heap"), null, null));
    bars.add(ratio(Question.GROUP_PAIR, Map.of(), "handle", List.of("nobody"), 1.05, null));
    bars.add(ratio(Question.GROUP_PAIR, Map.of(), "bound", List.of("nobody"), null, null));
    bars.add(ratio(Question.GROUP_CYCLE, Map.of(), "handle", List.of("nobody"), 1.15, null));
    bars.add(new Bar(Question.CHARGE, Map.of("depth", "4"), "stock", List.of(), false, 10.0, null));
    bars.add(number(Question.REFUSAL, "tryAlloc", 50));
    bars.add(number(Question.GROUP_LIFE, "empty", 20_000));
    bars.add(ratio(Question.CHURN, Map.of(), "reparenting", List.of("original"), 1.0 / 20, null));
    garbage(bars);
    bars.add(new Bar(Question.GIVE_BACK, Map.of(), "agent", List.of(), false, GiveBack.BAR, null));
    interference(bars);
    latency(bars);
    bars.add(ratio(Question.REPLAY, Map.of(), "slab", List.of("malloc"), 0.9, null));
    bars.add(ratio(Question.REPLAY, Map.of(), "slab", List.of("mimalloc"), null, 1.0));
    bars.add(ratio(Question.TRACE_MEMORY, Map.of(), "slab", List.of("mimalloc"), 1.0, null));
    return bars;
  }

  /** What is asked of tryX, then of all that waits, closes or gives back. */
  private static void interference(List<Bar> bars) {
    Question question = Question.INTERFERENCE;
    for (Neighbour neighbour : Neighbour.values()) {
      Double limit =
          switch (neighbour) {
            case UNDISTURBED, IDLE, AGENT -> null;
            case TRY -> 1.1;
            case THROW, CLOSE, LIMIT, TRIM -> 2.0;
          };
      if (neighbour.quiet() != null) {
        List<String> against = List.of(neighbour.quiet().toString());
        bars.add(ratio(question, Map.of(), neighbour.toString(), against, limit, null));
      }
    }
  }

  /** Of p99.9, which is the score, and of p99.99. */
  private static void latency(List<Bar> bars) {
    Map<String, String> params = Map.of("live", "4000000", "budget", "2");
    for (Store ours : List.of(Store.KMEM_ADDRESSES, Store.KMEM_FLYWEIGHTS)) {
      for (String percentile : List.of("", ".p99.99")) {
        String mine = ours + percentile;
        List<String> g1 = List.of(Store.HEAP_G1 + percentile);
        List<String> zgc = List.of(Store.HEAP_ZGC + percentile);
        bars.add(ratio(Question.LATENCY, params, mine, g1, 0.2, null));
        bars.add(ratio(Question.LATENCY, params, mine, zgc, 0.5, null));
      }
    }
  }

  private static List<String> peers(Question question) {
    return PEERS.stream().filter(question.contenders::contains).toList();
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
    Comparator<Key> byMedian =
        Comparator.comparing(key -> Interval.of(results.values(key)).median());
    Optional<Key> under =
        against.stream()
            .flatMap(other -> results.find(question, other, againstParams).stream())
            .min(over.get().moreIsBetter() ? byMedian.reversed() : byMedian);
    return under.flatMap(
        key -> {
          String what = contender + " ÷ " + divisor(key);
          return outcome(what, results.ratios(over.get(), key))
              .or(() -> withoutNumber(what, results.values(over.get())));
        });
  }

  private String divisor(Key key) {
    return againstParams.equals(params)
        ? key.contender()
        : "%s (%s)".formatted(key.contender(), Reading.text(againstParams));
  }

  private Optional<Outcome> outcome(String what, double[] numbers) {
    if (numbers.length == 0) {
      return Optional.empty();
    }
    Interval number = Interval.of(numbers);
    return Optional.of(outcome(what, numbers.length, number, Verdict.of(number, limit, isAtLeast)));
  }

  private Outcome outcome(String what, int rounds, Interval number, Verdict verdict) {
    String where = params.isEmpty() ? "" : " (" + Reading.text(params) + ")";
    return new Outcome(this, question + where + ": " + what, rounds, number, verdict);
  }

  /** Who was measured and yields no number, for memory was short, say, has not met the bar. */
  private Optional<Outcome> withoutNumber(String what, double[] values) {
    boolean lacks = limit != null && Arrays.stream(values).allMatch(Double::isNaN);
    return lacks ? Optional.of(outcome(what, 0, NO_NUMBER, Verdict.MISSED)) : Optional.empty();
  }
}
