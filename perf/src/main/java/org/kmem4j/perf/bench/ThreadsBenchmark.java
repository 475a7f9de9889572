package org.kmem4j.perf.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * How many replacements a second do all threads make together? Each has 1024 objects of 64 bytes of
 * its own, frees a random one, takes a new one and writes its first word; the allocator is one.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ThreadsBenchmark extends KmemBenchmark {
  private static final int LIVE = 1024;
  private static final int BYTES = 64;

  /** What all threads share. */
  @State(Scope.Benchmark)
  public static class Shared extends LiveObjects {
    /** As many as JMH is told to start. */
    @Param({"1", "2", "4", "8"})
    public int threads;

    @Setup(Level.Trial)
    public void open() {
      open(BYTES, threads * LIVE, threads > 1);
    }

    @Override
    public void close() {
      freeAll(threads * LIVE);
      super.close();
    }
  }

  /** A thread's own objects. */
  @State(Scope.Thread)
  public static class Own {
    private final RandomBelow random = new RandomBelow();
    private int firstCell;

    @Setup(Level.Trial)
    public void fill(Shared shared, ThreadParams thread) {
      firstCell = thread.getThreadIndex() * LIVE;
      for (int i = 0; i < LIVE; i++) {
        shared.alloc(firstCell + i, shared.bytes);
      }
    }
  }

  @Benchmark
  public long replace(Shared shared, Own own) {
    int cell = own.firstCell + own.random.next(LIVE);
    shared.free(cell, shared.bytes);
    return shared.alloc(cell, shared.bytes);
  }
}
