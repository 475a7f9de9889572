package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does a pair of 64 bytes with a write cost on a virtual thread? JMH runs its loop on one. */
@Fork(
    value = 3,
    jvmArgs = {
      VirtualThreadBenchmark.ON_VIRTUAL_THREADS,
      KmemBenchmark.NATIVE_ACCESS,
      KmemBenchmark.AGRONA_BUFFERS,
      KmemBenchmark.LEAST_HEAP,
      KmemBenchmark.MOST_HEAP,
      KmemBenchmark.TOUCHED_HEAP
    })
public class VirtualThreadBenchmark extends KmemBenchmark {
  static final String ON_VIRTUAL_THREADS = "-Djmh.executor=VIRTUAL";

  private static void checkVirtual() {
    if (!Thread.currentThread().isVirtual()) {
      throw new IllegalStateException("not on a virtual thread: " + ON_VIRTUAL_THREADS);
    }
  }

  /** One of our caches. */
  @State(Scope.Thread)
  public static class Kmem {
    SlabAllocator allocator;
    KmemCache cache;

    @Setup(Level.Trial)
    public void open() {
      checkVirtual();
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("pair", 64);
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }
  }

  /** The length, read from a field. */
  @State(Scope.Thread)
  public static class Heap {
    int length = 64 - ARRAY_HEADER_BYTES;

    @Setup(Level.Trial)
    public void check() {
      checkVirtual();
    }
  }

  @Benchmark
  public long kmemCache(Kmem kmem) {
    return pair(kmem.cache);
  }

  @Benchmark
  public byte[] heap(Heap heap) {
    byte[] object = new byte[heap.length];
    LONG.set(object, 0, (long) heap.length);
    return object;
  }
}
