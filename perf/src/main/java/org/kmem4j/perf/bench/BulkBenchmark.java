package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does one of 64 objects cost, taken, written and given back together or one by one? */
public class BulkBenchmark extends KmemBenchmark {
  private static final int OBJECTS = 64;

  /** A cache, and room for the addresses. */
  @State(Scope.Thread)
  public static class Kmem {
    final long[] objects = new long[OBJECTS];
    SlabAllocator allocator;
    KmemCache cache;

    @Setup(Level.Trial)
    public void open() {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("bulk", 64);
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long[] bulk(Kmem kmem) {
    if (!kmem.cache.tryAllocBulk(kmem.objects, 0, OBJECTS)) {
      throw new IllegalStateException("refused");
    }
    for (int i = 0; i < OBJECTS; i++) {
      Memory.putLong(kmem.objects[i], i);
    }
    kmem.cache.freeBulk(kmem.objects, 0, OBJECTS);
    return kmem.objects;
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long[] singles(Kmem kmem) {
    for (int i = 0; i < OBJECTS; i++) {
      kmem.objects[i] = take(kmem.cache);
      Memory.putLong(kmem.objects[i], i);
    }
    for (int i = 0; i < OBJECTS; i++) {
      kmem.cache.free(kmem.objects[i]);
    }
    return kmem.objects;
  }
}
