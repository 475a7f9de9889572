package org.kmem4j.perf.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * What does one of 10 000 objects of 64 bytes cost that are taken and written one after the other,
 * and then all given back: in the order in which they were taken, in reverse, or in any order?
 */
public class BurstBenchmark extends KmemBenchmark {
  private static final int OBJECTS = 10_000;
  private static final int BYTES = 64;

  /** Room for the objects, and the order. */
  public static class Burst extends LiveObjects {
    @Param({"same", "reversed", "shuffled"})
    public String order;

    private final int[] cells = new int[OBJECTS]; // In the order in which they are freed.

    @Setup(Level.Trial)
    public void open() {
      open(BYTES, OBJECTS, false);
      RandomBelow random = new RandomBelow();
      for (int i = 0; i < OBJECTS; i++) {
        cells[i] = order.equals("reversed") ? OBJECTS - 1 - i : i;
      }
      for (int i = OBJECTS - 1; order.equals("shuffled") && i > 0; i--) {
        int other = random.next(i + 1);
        int cell = cells[i];
        cells[i] = cells[other];
        cells[other] = cell;
      }
    }
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long burst(Burst of) {
    long sum = 0;
    for (int cell = 0; cell < OBJECTS; cell++) {
      sum += of.alloc(cell, of.bytes);
    }
    for (int cell : of.cells) {
      of.free(cell, of.bytes);
    }
    return sum;
  }
}
