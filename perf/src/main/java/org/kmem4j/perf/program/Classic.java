package org.kmem4j.perf.program;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.contender.ResidentMemory;
import org.kmem4j.perf.contender.Threads;

/**
 * A program of rounds, after one of the classics of allocator benchmarks.
 *
 * <p>Where time is measured, rounds are run until the time is over, after as long a warm-up; the
 * score is wall-clock time ÷ operations of all threads. Where memory is, every contender does the
 * same number of rounds. Before those the heap does one, so that classes, code and stacks are there
 * when resident memory is first looked at; its arrays lie in memory that was touched at the start.
 */
abstract class Classic extends Experiment {
  private static final double MIB = 1 << 20;

  @Override
  final boolean manyThreads() {
    return true;
  }

  /** Gets ready to do rounds with a contender that holds nothing of this. */
  abstract void start(Order order) throws InterruptedException;

  /** Does a round and returns how many operations were done. */
  abstract long round() throws InterruptedException;

  /** Frees what rounds have left alive. */
  abstract void finish();

  /** About how long a round takes. */
  abstract long roundMillis();

  @Override
  final Answer measure(Order order) throws InterruptedException {
    return order.forMemory() ? measureMemory(order) : measureTime(order);
  }

  private Answer measureTime(Order order) throws InterruptedException {
    start(order);
    long warm = System.nanoTime() + order.millis() * 1_000_000;
    do {
      round();
    } while (System.nanoTime() < warm);

    long operations = 0;
    long start = System.nanoTime();
    long nanos;
    do {
      operations += round();
      nanos = System.nanoTime() - start;
    } while (nanos < order.millis() * 1_000_000);
    finish();
    return Answer.of(List.of(Answer.Figure.score("ns/op", (double) nanos / operations)), List.of());
  }

  private Answer measureMemory(Order order) throws InterruptedException {
    warmUp(order);
    int rounds = (int) Math.max(4, order.millis() / roundMillis());
    double[] x = new double[rounds];
    double[] resident = new double[rounds];
    try (var gauge = new ResidentMemory.Gauge()) {
      long before = before(order, gauge);
      if (!ResidentMemory.resetPeak()) {
        throw new KmemException("The system does not let the peak of resident memory be reset.");
      }
      start(order);
      for (int i = 0; i < rounds; i++) {
        round();
        x[i] = i + 1;
        resident[i] = Math.max(0, gauge.bytes() - before) / MIB;
      }
      long peak = ResidentMemory.peakBytes().orElseThrow();
      finish();
      return Answer.of(
          List.of(new Answer.Figure("peakResident", "MiB", Math.max(0, peak - before) / MIB)),
          List.of(new Answer.Line("", "resident", "rounds", "MiB", x, resident)));
    }
  }

  private void warmUp(Order order) throws InterruptedException {
    if (Candidates.isHeap(order.contender())) {
      return; // its memory would not be touched before
    }
    Allocator measured = allocator();
    use(Contender.HEAP.open(cells(order), true));
    start(order);
    round();
    finish();
    use(measured);
  }

  /** A work for each of as many threads. */
  static List<Threads.Work> works(int threads, WorkOf workOf) {
    List<Threads.Work> works = new ArrayList<>();
    for (int thread = 0; thread < threads; thread++) {
      works.add(workOf.thread(thread));
    }
    return works;
  }

  /** What the thread of a number does. */
  interface WorkOf {
    Threads.Work thread(int thread);
  }
}
