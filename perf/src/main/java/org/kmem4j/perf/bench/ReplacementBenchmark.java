package org.kmem4j.perf.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * What does it cost to free a random one of many live objects of 64 bytes, to take a new one and to
 * write its first word? The old one goes first, which suits whoever hands out what was freed last.
 */
public class ReplacementBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;

  /** The live objects. */
  public static class Live extends LiveObjects {
    @Param({"1000", "4096", "32768", "262144", "1000000", "10000000"})
    public int live;

    private final RandomBelow random = new RandomBelow();

    @Setup(Level.Trial)
    public void fill() {
      open(BYTES, live, false);
      for (int cell = 0; cell < live; cell++) {
        alloc(cell, bytes);
      }
    }

    @Override
    public void close() {
      freeAll(live);
      super.close();
    }
  }

  @Benchmark
  public long replace(Live of) {
    int cell = of.random.next(of.live);
    of.free(cell, of.bytes);
    return of.alloc(cell, of.bytes);
  }
}
