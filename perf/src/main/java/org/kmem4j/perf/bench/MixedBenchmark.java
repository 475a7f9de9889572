package org.kmem4j.perf.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/**
 * What does it cost to replace a random one of 4096 live objects whose sizes are spread as those of
 * a real program's? An array's header comes on top of its size here.
 */
public class MixedBenchmark extends KmemBenchmark {
  private static final int LIVE = 4096;
  private static final int DRAWN = 1 << 16;

  /** The live objects, and the sizes of those to come, drawn beforehand. */
  public static class Live extends LiveObjects {
    /** Whose sizes: a shipped trace. */
    @Param({"gcc", "python"})
    public String trace;

    private final RandomBelow random = new RandomBelow();
    private final int[] drawn = new int[DRAWN];
    private final int[] sizes = new int[LIVE]; // By cell.
    private int next;

    @Setup(Level.Trial)
    public void fill() {
      open(LIVE);
      SizeHistogram histogram = SizeHistogram.of(trace);
      for (int i = 0; i < DRAWN; i++) {
        drawn[i] = histogram.at(random.next(histogram.total()));
      }
      for (int cell = 0; cell < LIVE; cell++) {
        takeNext(cell);
      }
    }

    private long takeNext(int cell) {
      int size = drawn[next++ & (DRAWN - 1)];
      sizes[cell] = size;
      return alloc(cell, size);
    }

    @Override
    public void close() {
      for (int cell = 0; cell < LIVE; cell++) {
        free(cell, sizes[cell]);
      }
      super.close();
    }
  }

  @Benchmark
  public long replace(Live of) {
    int cell = of.random.next(LIVE);
    of.free(cell, of.sizes[cell]);
    return of.takeNext(cell);
  }
}
