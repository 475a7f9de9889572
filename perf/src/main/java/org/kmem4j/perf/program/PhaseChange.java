package org.kmem4j.perf.program;

import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import org.kmem4j.perf.contender.ResidentMemory;

/**
 * How much memory stays behind when a program changes its mind? It fills memory with objects of one
 * size, frees nine of ten at random, and fills up to as many bytes with objects of another size.
 * The score is what is resident then ÷ what is alive. At the end all is freed.
 */
final class PhaseChange extends Experiment {
  private static final double MIB = 1 << 20;
  private static final int KEPT_OF_TEN = 1;
  private static final int SAMPLES_OF_PHASE = 100;
  private static final int PHASES = 4;

  private final double[] x = new double[PHASES * (SAMPLES_OF_PHASE + 2)];
  private final double[] resident = new double[x.length];
  private final double[] live = new double[x.length];
  private int samples;
  private long operations;
  private long before;
  private long liveBytes;

  public static void main(String[] arguments) throws IOException {
    main(new PhaseChange(), arguments);
  }

  @Override
  int objectBytes() {
    return Long.BYTES; // no typed cache takes part: there are two sizes
  }

  /** What is alive when memory is full. */
  static long mostLiveBytes(long millis) {
    return Math.max(1, millis / 2) << 20;
  }

  @Override
  int cells(Order order) {
    int first = first(order);
    return first + second(order, kept(first));
  }

  private static int first(Order order) {
    return (int) (mostLiveBytes(order.millis()) / order.number("from"));
  }

  private static int kept(int first) {
    return first * KEPT_OF_TEN / 10;
  }

  /** Fills up to as many bytes. */
  private static int second(Order order, int kept) {
    long room = mostLiveBytes(order.millis()) - (long) kept * order.number("from");
    return (int) (room / order.number("to"));
  }

  @Override
  Answer measure(Order order) {
    int from = order.number("from");
    int to = order.number("to");
    int first = first(order);
    int kept = kept(first);
    int second = second(order, kept);
    int[] cells = shuffled(first);
    long[] addresses = new long[first + second];
    warmUp(addresses);

    try (var gauge = new ResidentMemory.Gauge()) {
      before = before(order, gauge);
      for (int i = 0; i < first; i++) {
        addresses[i] = takeWhole(i, from);
        after(i, first, from, gauge);
      }
      double filled = residentOfLive(gauge);
      for (int i = kept; i < first; i++) {
        give(cells[i], addresses[cells[i]], from);
        after(i - kept, first - kept, -from, gauge);
      }
      double thinned = residentOfLive(gauge);
      for (int i = first; i < addresses.length; i++) {
        addresses[i] = takeWhole(i, to);
        after(i - first, second, to, gauge);
      }
      double refilled = residentOfLive(gauge);
      for (int i = 0; i < kept; i++) {
        give(cells[i], addresses[cells[i]], from);
        after(i, kept, -from, gauge);
      }
      for (int i = first; i < addresses.length; i++) {
        give(i, addresses[i], to);
        after(i - first, second, -to, gauge);
      }
      double emptied = (gauge.bytes() - before) / MIB;
      return Answer.of(
          List.of(
              Answer.Figure.score("resident ÷ live", refilled),
              new Answer.Figure("filled", "resident ÷ live", filled),
              new Answer.Figure("thinned", "resident ÷ live", thinned),
              new Answer.Figure("emptied", "MiB", emptied)),
          List.of(line("", resident), line("live", live)));
    }
  }

  /** What a phase does is loaded and compiled first, with next to nothing alive. */
  private void warmUp(long[] addresses) {
    for (int i = 0; i < 40_000; i++) {
      int cell = i % addresses.length;
      give(cell, takeWhole(cell, 64), 64);
    }
  }

  /** Both its ends are written, so that all of it is resident. */
  private long takeWhole(int cell, int bytes) {
    long address = take(cell, bytes);
    allocator().putByte(cell, address + bytes - 1, (byte) 1);
    return address;
  }

  private static int[] shuffled(int count) {
    int[] numbers = new int[count];
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < count; i++) {
      int other = random.nextInt(i + 1);
      numbers[i] = numbers[other];
      numbers[other] = i;
    }
    return numbers;
  }

  private void after(int done, int ofPhase, int bytes, ResidentMemory.Gauge gauge) {
    operations++;
    liveBytes += bytes;
    if (done % Math.max(1, ofPhase / SAMPLES_OF_PHASE) == 0 && samples < x.length) {
      x[samples] = operations;
      resident[samples] = Math.max(0, gauge.bytes() - before) / MIB;
      live[samples++] = liveBytes / MIB;
    }
  }

  private double residentOfLive(ResidentMemory.Gauge gauge) {
    return (double) Math.max(0, gauge.bytes() - before) / liveBytes;
  }

  private Answer.Line line(String name, double[] y) {
    return new Answer.Line(
        name,
        "resident",
        "operations",
        "MiB",
        java.util.Arrays.copyOf(x, samples),
        java.util.Arrays.copyOf(y, samples));
  }
}
