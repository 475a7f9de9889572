package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.kmem4j.perf.bench.Report.Row;

/** Rows of one question, measure and unit, which can be divided by one another. */
final class Group {
  /** A row's values ÷ those of another contender, round by round. */
  record Ratio(String against, Interval number) {}

  /** A row with its ratios: to the heap, and to the best of the peers. */
  record Entry(Row row, Optional<Ratio> toHeap, Optional<Ratio> toBestPeer) {}

  private final String measure;
  private final String unit;
  private final List<Row> rows;
  private final List<Entry> entries;

  /** Of at least one row. */
  Group(List<Row> rows) {
    this.rows = rows;
    this.measure = rows.get(0).measure();
    this.unit = rows.get(0).unit();
    this.entries = rows.stream().map(row -> new Entry(row, toHeap(row), toBestPeer(row))).toList();
  }

  /** What was measured; nothing if the rows are the scores. */
  String measure() {
    return measure;
  }

  String unit() {
    return unit;
  }

  List<Entry> entries() {
    return entries;
  }

  boolean moreIsBetter() {
    return moreIsBetter(unit);
  }

  static boolean moreIsBetter(String unit) {
    return unit.startsWith("ops/") || unit.startsWith("requests/") || unit.equals("1 = yes");
  }

  /** Whether more or less is better at all: not of how often a neighbour did what it does. */
  static boolean isJudged(String unit) {
    return !unit.equals("1/s");
  }

  boolean hasHeap() {
    return entries.stream().anyMatch(entry -> entry.toHeap.isPresent());
  }

  boolean hasPeer() {
    return entries.stream().anyMatch(entry -> entry.toBestPeer.isPresent());
  }

  /** Whether the whole interval says that whom it is formed against is better. */
  boolean isLost(Ratio ratio) {
    return moreIsBetter() ? ratio.number.high() < 1 : ratio.number.low() > 1;
  }

  /** To the heap as it is: other ways to use it have names like {@code heapConstant48}. */
  private Optional<Ratio> toHeap(Row row) {
    List<Row> heaps = beside(row, Side.HEAP);
    return heaps.stream()
        .filter(heap -> heap.who().equals("heap"))
        .findFirst()
        .or(() -> best(heaps))
        .flatMap(heap -> ratio(row, heap));
  }

  /** One and the same peer for all rounds. */
  private Optional<Ratio> toBestPeer(Row row) {
    return best(beside(row, Side.PEER)).flatMap(peer -> ratio(row, peer));
  }

  private Optional<Row> best(List<Row> candidates) {
    Comparator<Row> byScore = Comparator.comparing(Row::score);
    return candidates.stream().min(moreIsBetter() ? byScore.reversed() : byScore);
  }

  /** Those with the same parameters; else those that differ only where one side names none. */
  private List<Row> beside(Row row, Side side) {
    List<Row> ofSide =
        rows.stream().filter(other -> other.side() == side && other.score() != null).toList();
    List<Row> same = ofSide.stream().filter(other -> other.params().equals(row.params())).toList();
    return same.isEmpty()
        ? ofSide.stream().filter(other -> agree(other.params(), row.params())).toList()
        : same;
  }

  private static boolean agree(Map<String, Object> some, Map<String, Object> others) {
    return some.entrySet().stream()
        .allMatch(
            param ->
                others.getOrDefault(param.getKey(), param.getValue()).equals(param.getValue()));
  }

  private static Optional<Ratio> ratio(Row over, Row under) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < Math.min(over.values().size(), under.values().size()); i++) {
      Double dividend = over.values().get(i);
      Double divisor = under.values().get(i);
      if (dividend != null && divisor != null && divisor != 0) {
        ratios.add(dividend / divisor);
      }
    }
    if (ratios.isEmpty()) {
      return Optional.empty();
    }
    double[] numbers = ratios.stream().mapToDouble(Double::doubleValue).toArray();
    return Optional.of(new Ratio(under.who(), Interval.of(numbers)));
  }
}
