package org.kmem4j.perf.program;

import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;
import org.agrona.collections.LongHashSet;
import org.kmem4j.slab.CacheStats;
import org.kmem4j.slab.KmemCache;

/**
 * How long does one operation take, each one timed by itself? An allocation includes the first
 * write to the object, and a free a look at it. What two looks at the clock cost, one after the
 * other, is in every number and told besides.
 *
 * <p>Two patterns: a <em>cycle</em> allocates 4096 objects of 64 bytes and frees them in order,
 * again and again; <em>growth</em> allocates objects that stay alive, from memory that was never
 * used before.
 *
 * <p>For one of our caches it is told besides where an operation was served. Before each of its
 * cycles all that is cached goes back to slabs, which stay. Which operations of a cycle leave the
 * front is learned in a cycle that is not timed, before and after those that are: the cache is used
 * by one thread, so all cycles are alike.
 */
final class SingleOperation extends Experiment {
  static final String CYCLE = "cycle";
  static final String GROWTH = "growth";

  private static final int OBJECT_BYTES = 64;
  private static final int OBJECTS_IN_CYCLE = 4096;
  private static final int OBJECTS_PER_MILLI = 3000; // of growth
  private static final int REGION_SHIFT = 21;
  private static final int CLOCK_LOOKS = 1 << 16;
  private static final double[] PERCENTILES = {50, 99, 99.9, 99.99};
  private static final double MOST_UNLIKE = 0.02;

  private final Map<String, Histogram> histograms = new TreeMap<>();
  private final Histogram clock = histogram();
  private final Histogram allocs = histogram("alloc");

  public static void main(String[] arguments) throws IOException {
    main(new SingleOperation(), arguments);
  }

  @Override
  int objectBytes() {
    return OBJECT_BYTES;
  }

  @Override
  int cells(Order order) {
    return Math.max(OBJECTS_IN_CYCLE, objectsOfGrowth(order));
  }

  private static int objectsOfGrowth(Order order) {
    return (int) (order.millis() * OBJECTS_PER_MILLI);
  }

  @Override
  Answer measure(Order order) {
    List<String> findings = new ArrayList<>();
    boolean grows = order.params().get("pattern").equals(GROWTH);
    Cycle cycle = new Cycle(grows ? histogram() : histogram("free"));
    cycle.repeat(order.millis()); // warms up
    lookAtClock();
    if (grows) {
      grow(objectsOfGrowth(order));
    } else {
      cycle.measure(order.millis(), findings);
    }
    return answer().withFindings(findings);
  }

  private void lookAtClock() {
    for (int i = 0; i < CLOCK_LOOKS; i++) {
      long start = System.nanoTime();
      record(clock, System.nanoTime() - start);
    }
    clock.reset(); // until here it was compiled
    for (int i = 0; i < CLOCK_LOOKS; i++) {
      long start = System.nanoTime();
      record(clock, System.nanoTime() - start);
    }
  }

  /** Our cache, if it is the contender, else null. */
  private KmemCache cache() {
    return allocator() instanceof KmemCacheAllocator ours ? ours.cache() : null;
  }

  /** Empties our barn, which grows until it holds a whole cycle: then nothing comes from slabs. */
  private void drainOurs() {
    if (allocator() instanceof KmemCacheAllocator ours) {
      ours.drain(OBJECTS_IN_CYCLE);
    }
  }

  // ------------------------------------------------------------------ the patterns

  /** Objects allocated and freed in order. */
  private final class Cycle {
    private final Histogram frees;
    private final long[] addresses = new long[OBJECTS_IN_CYCLE];

    Cycle(Histogram frees) {
      this.frees = frees;
    }

    /** Does cycles for a time, and forgets how long they took. */
    void repeat(long millis) {
      long end = System.nanoTime() + millis * 1_000_000;
      do {
        allocate(allocs, allocs, new BitSet());
        free(frees, frees, new BitSet());
      } while (System.nanoTime() < end);
      allocs.reset();
      frees.reset();
    }

    void measure(long millis, List<String> findings) {
      if (cache() == null) {
        run(millis, allocs, new BitSet(), frees, new BitSet());
        return;
      }
      BitSet refills = new BitSet();
      BitSet flushes = new BitSet();
      learn(refills, flushes);
      run(millis, histogram("refill"), refills, histogram("flush"), flushes);
      Histogram hits = histogram("hit");
      hits.add(allocs);
      allocs.add(histograms.get("refill"));
      Histogram freeHits = histogram("freeHit");
      freeHits.add(frees);
      frees.add(histograms.get("flush"));
      BitSet unlike = (BitSet) refills.clone();
      unlike.or(flushes);
      refills.clear();
      flushes.clear();
      learn(refills, flushes);
      refills.or(flushes);
      unlike.xor(refills);
      if (unlike.cardinality() > MOST_UNLIKE * OBJECTS_IN_CYCLE) {
        findings.add(
            unlike.cardinality() + " operations of a cycle were served in another place later");
      }
    }

    private void run(
        long millis, Histogram refills, BitSet isRefill, Histogram flushes, BitSet isFlush) {
      long end = System.nanoTime() + millis * 1_000_000;
      do {
        drainOurs();
        allocate(allocs, refills, isRefill);
        free(frees, flushes, isFlush);
      } while (System.nanoTime() < end);
    }

    private void allocate(Histogram usual, Histogram others, BitSet isOther) {
      for (int i = 0; i < OBJECTS_IN_CYCLE; i++) {
        long start = System.nanoTime();
        addresses[i] = take(i, OBJECT_BYTES);
        long nanos = System.nanoTime() - start;
        record(isOther.get(i) ? others : usual, nanos);
      }
    }

    private void free(Histogram usual, Histogram others, BitSet isOther) {
      for (int i = 0; i < OBJECTS_IN_CYCLE; i++) {
        long start = System.nanoTime();
        give(i, addresses[i], OBJECT_BYTES);
        long nanos = System.nanoTime() - start;
        record(isOther.get(i) ? others : usual, nanos);
      }
    }

    /** A hit takes one object out of the front or puts one in; all else moves many. */
    private void learn(BitSet refills, BitSet flushes) {
      drainOurs();
      long cached = cached();
      for (int i = 0; i < OBJECTS_IN_CYCLE; i++) {
        addresses[i] = take(i, OBJECT_BYTES);
        long now = cached();
        refills.set(i, now != cached - 1);
        cached = now;
      }
      for (int i = 0; i < OBJECTS_IN_CYCLE; i++) {
        give(i, addresses[i], OBJECT_BYTES);
        long now = cached();
        flushes.set(i, now != cached + 1);
        cached = now;
      }
    }

    private long cached() {
      CacheStats stats = cache().stats();
      return stats.cachedObjects();
    }
  }

  /** Allocates objects from new memory. */
  private void grow(int objects) {
    KmemCache cache = cache();
    Histogram newSlabs = cache == null ? null : histogram("newSlab");
    Histogram newRegions = cache == null ? null : histogram("newRegion");
    LongHashSet regions = new LongHashSet();
    long[] addresses = new long[objects];
    long pages = cache == null ? 0 : cache.pages();
    for (int i = 0; i < objects; i++) {
      long start = System.nanoTime();
      long address = take(i, OBJECT_BYTES);
      long nanos = System.nanoTime() - start;
      record(allocs, nanos);
      addresses[i] = address;
      if (cache != null) {
        long now = cache.pages();
        if (regions.add(address >>> REGION_SHIFT)) {
          record(newRegions, nanos);
        } else if (now != pages) {
          record(newSlabs, nanos);
        }
        pages = now;
      }
    }
    for (int i = 0; i < objects; i++) {
      give(i, addresses[i], OBJECT_BYTES);
    }
  }

  // ------------------------------------------------------------------ what they took

  private Histogram histogram(String what) {
    return histograms.computeIfAbsent(what, key -> histogram());
  }

  private static Histogram histogram() {
    return new Histogram(1, 60_000_000_000L, 3);
  }

  private static void record(Histogram histogram, long nanos) {
    histogram.recordValue(nanos);
  }

  private Answer answer() {
    List<Answer.Figure> figures = new ArrayList<>();
    List<Answer.Line> lines = new ArrayList<>();
    figures.add(Answer.Figure.score("ns", allocs.getValueAtPercentile(50)));
    figures.add(new Answer.Figure("clock", "ns", clock.getValueAtPercentile(50)));
    histograms.forEach(
        (what, histogram) -> {
          if (histogram.getTotalCount() > 0) {
            for (double percentile : PERCENTILES) {
              if (percentile == 50 && what.equals("alloc")) {
                continue; // the score
              }
              figures.add(
                  new Answer.Figure(
                      what + ".p" + Double.toString(percentile).replaceAll("\\.0?", ""),
                      "ns",
                      histogram.getValueAtPercentile(percentile)));
            }
            figures.add(new Answer.Figure(what + ".max", "ns", histogram.getMaxValue()));
            lines.add(line(what, histogram));
          }
        });
    return Answer.of(figures, lines);
  }

  /** Allocations and frees are a plot each; where ours were served is a third. */
  private static Answer.Line line(String what, Histogram histogram) {
    boolean isWhole = what.equals("alloc") || what.equals("free");
    List<Double> x = new ArrayList<>();
    List<Double> y = new ArrayList<>();
    for (HistogramIterationValue value : histogram.percentiles(5)) {
      if (value.getPercentileLevelIteratedTo() < 100) {
        x.add(value.getPercentileLevelIteratedTo());
        y.add((double) value.getValueIteratedTo());
      }
    }
    return new Answer.Line(
        isWhole ? "" : what,
        isWhole ? what : "where it was served",
        "percentile",
        "ns",
        x.stream().mapToDouble(Double::doubleValue).toArray(),
        y.stream().mapToDouble(Double::doubleValue).toArray());
  }
}
