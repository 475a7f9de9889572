package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.kmem4j.perf.clib.CAllocator.Jemalloc;
import org.kmem4j.perf.clib.CAllocator.Malloc;
import org.kmem4j.perf.clib.CAllocator.Mimalloc;
import org.kmem4j.perf.clib.CAllocator.Tcmalloc;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.Pin;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does taking one object and giving it back at once cost, by size? The heap's arrays are
 * zeroed, as Java has it, and fill the size with their header; nobody else zeroes.
 */
public class PairBenchmark extends KmemBenchmark {
  /** The size, read from a field: not a constant to the JIT. */
  @State(Scope.Thread)
  public static class Size {
    @Param({"64", "256", "1024", "4096"})
    public int size;

    int length;

    @Setup(Level.Trial)
    public void computeLength() {
      length = size - ARRAY_HEADER_BYTES;
    }
  }

  /** One of our caches, and the door for allocation by size. */
  public static class Kmem extends Size {
    SlabAllocator allocator;
    KmemCache cache;

    @Setup(Level.Trial)
    public void open() {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("pair", size);
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }
  }

  /** The same on a thread that is pinned throughout; JMH sets it up on that thread. */
  public static class Pinned extends Kmem {
    Pin pin;

    @Override
    public void open() {
      super.open();
      pin = allocator.pin();
    }

    @Override
    public void close() {
      pin.close();
      super.close();
    }
  }

  @Benchmark
  public long kmemCache(Kmem kmem) {
    long object = kmem.cache.tryAlloc();
    kmem.cache.free(object);
    return object;
  }

  @Benchmark
  public long kmemCachePinned(Pinned kmem) {
    long object = kmem.cache.tryAlloc(kmem.pin);
    kmem.cache.free(kmem.pin, object);
    return object;
  }

  @Benchmark
  public long bySize(Kmem kmem) {
    long object = kmem.allocator.tryAlloc(kmem.size);
    kmem.allocator.free(object);
    return object;
  }

  @Benchmark
  public byte[] heap(Size size) {
    return new byte[size.length];
  }

  /** The JIT unrolls the zeroing of a size that it knows. */
  @Benchmark
  public byte[] heapConstant48() {
    return new byte[48];
  }

  @Benchmark
  public long malloc(Size size) {
    long object = Malloc.IT.malloc(size.size);
    Malloc.IT.free(object);
    return object;
  }

  @Benchmark
  public long jemalloc(Size size) {
    long object = Jemalloc.IT.malloc(size.size);
    Jemalloc.IT.free(object);
    return object;
  }

  @Benchmark
  public long mimalloc(Size size) {
    long object = Mimalloc.IT.malloc(size.size);
    Mimalloc.IT.free(object);
    return object;
  }

  @Benchmark
  public long tcmalloc(Size size) {
    long object = Tcmalloc.IT.malloc(size.size);
    Tcmalloc.IT.free(object);
    return object;
  }
}
