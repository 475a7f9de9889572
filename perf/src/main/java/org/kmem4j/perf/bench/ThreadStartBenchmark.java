package org.kmem4j.perf.bench;

import java.util.concurrent.CountDownLatch;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.sync.PerThread;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does a platform thread cost that is started, takes and gives back one object, and ends; in a
 * fresh JVM, and after millions of virtual threads have done the same? Told besides: the time of
 * the pair alone, by the clock of the new thread, and how many slots exist.
 */
public class ThreadStartBenchmark extends KmemBenchmark {
  /** A process that has seen few threads. */
  @State(Scope.Benchmark)
  public static class Fresh {
    SlabAllocator allocator;
    KmemCache cache;

    @Setup(Level.Trial)
    public void open() throws InterruptedException {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("first", 64);
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }

    final void pair() {
      long object = cache.tryAlloc();
      cache.free(object);
    }
  }

  /** A process in which many virtual threads have come and gone. */
  public static class After extends Fresh {
    private static final int BATCH = 10_000;

    @Param("10000000")
    public int virtualThreads;

    @Override
    public void open() throws InterruptedException {
      super.open();
      for (int started = 0; started < virtualThreads; started += BATCH) {
        int threads = Math.min(BATCH, virtualThreads - started);
        CountDownLatch running = new CountDownLatch(threads);
        Runnable task =
            () -> {
              pair();
              running.countDown();
            };
        for (int i = 0; i < threads; i++) {
          Thread.startVirtualThread(task);
        }
        running.await();
      }
    }
  }

  /** What is told besides the score. */
  @State(Scope.Thread)
  @AuxCounters(AuxCounters.Type.EVENTS)
  public static class Inside {
    private volatile long nanos; // Written by the new thread, read after it was joined.
    private long sumNanos;
    private long threads;

    @Setup(Level.Iteration)
    public void reset() {
      sumNanos = 0;
      threads = 0;
    }

    /** Nanoseconds of the first pair of a thread, on average. */
    public double pairNanos() {
      return threads == 0 ? 0 : (double) sumNanos / threads;
    }

    /** All slots there are, stripes of virtual threads included. */
    public long slots() {
      return PerThread.slotCount();
    }

    void startAndJoin(Fresh process) throws InterruptedException {
      Thread thread =
          new Thread(
              () -> {
                long start = System.nanoTime();
                process.pair();
                nanos = System.nanoTime() - start;
              });
      thread.start();
      thread.join();
      sumNanos += nanos;
      threads++;
    }
  }

  @Benchmark
  public void fresh(Fresh process, Inside inside) throws InterruptedException {
    inside.startAndJoin(process);
  }

  @Benchmark
  public void afterVirtualThreads(After process, Inside inside) throws InterruptedException {
    inside.startAndJoin(process);
  }
}
