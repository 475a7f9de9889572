package org.kmem4j.perf.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.clib.CAllocator.Jemalloc;
import org.kmem4j.perf.clib.CAllocator.Malloc;
import org.kmem4j.perf.clib.CAllocator.Mimalloc;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to free a random one of many live objects of 64 bytes, to take a new one and to
 * write its first word? The old one goes first, which suits whoever hands out what was freed last.
 */
public class ReplacementBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  /** Picks the object to replace. */
  @State(Scope.Thread)
  public static class Live {
    @Param({"4096", "262144"})
    public int live; // A power of two.

    private int random;

    @Setup(Level.Trial)
    public void seed() {
      random = 0x9E3779B9;
    }

    /** Marsaglia's xorshift, of 32 bits. */
    final int next() {
      int x = random;
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
      random = x;
      return x & (live - 1);
    }
  }

  /** Objects that are addresses. */
  public abstract static class Addresses extends Live {
    long[] objects;

    abstract long alloc();

    abstract void free(long object);

    @Setup(Level.Trial)
    public void fill() {
      objects = new long[live];
      for (int i = 0; i < live; i++) {
        objects[i] = alloc();
        Memory.putLong(objects[i], i);
      }
    }

    @TearDown(Level.Trial)
    public void empty() {
      for (long object : objects) {
        free(object);
      }
    }
  }

  /** One of our caches. */
  public static class Cache extends Addresses {
    SlabAllocator allocator;
    KmemCache cache;

    @Override
    public void fill() {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("replaced", BYTES);
      super.fill();
    }

    @Override
    public void empty() {
      super.empty();
      allocator.close();
    }

    @Override
    long alloc() {
      return cache.alloc();
    }

    @Override
    void free(long object) {
      cache.free(object);
    }
  }

  /** Our door for allocation by size, which is read from a field. */
  public static class Door extends Addresses {
    SlabAllocator allocator;
    long bytes = BYTES;

    @Override
    public void fill() {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      super.fill();
    }

    @Override
    public void empty() {
      super.empty();
      allocator.close();
    }

    @Override
    long alloc() {
      return allocator.alloc(bytes);
    }

    @Override
    void free(long object) {
      allocator.free(object);
    }
  }

  /** Arrays that fill 64 bytes; freeing one is to forget it. */
  public static class Heap extends Live {
    Object[] objects;
    int length = BYTES - ARRAY_HEADER_BYTES;

    @Setup(Level.Trial)
    public void fill() {
      objects = new Object[live];
      for (int i = 0; i < live; i++) {
        objects[i] = new byte[length];
      }
    }
  }

  /** The C library. */
  public static class OfMalloc extends Addresses {
    long bytes = BYTES;

    @Override
    long alloc() {
      return Malloc.IT.malloc(bytes);
    }

    @Override
    void free(long object) {
      Malloc.IT.free(object);
    }
  }

  /** Jemalloc. */
  public static class OfJemalloc extends Addresses {
    long bytes = BYTES;

    @Override
    long alloc() {
      return Jemalloc.IT.malloc(bytes);
    }

    @Override
    void free(long object) {
      Jemalloc.IT.free(object);
    }
  }

  /** Mimalloc. */
  public static class OfMimalloc extends Addresses {
    long bytes = BYTES;

    @Override
    long alloc() {
      return Mimalloc.IT.malloc(bytes);
    }

    @Override
    void free(long object) {
      Mimalloc.IT.free(object);
    }
  }

  @Benchmark
  public long kmemCache(Cache of) {
    int index = of.next();
    of.cache.free(of.objects[index]);
    long object = of.cache.tryAlloc();
    Memory.putLong(object, index);
    of.objects[index] = object;
    return object;
  }

  @Benchmark
  public long bySize(Door of) {
    int index = of.next();
    of.allocator.free(of.objects[index]);
    long object = of.allocator.tryAlloc(of.bytes);
    Memory.putLong(object, index);
    of.objects[index] = object;
    return object;
  }

  @Benchmark
  public byte[] heap(Heap of) {
    int index = of.next();
    byte[] object = new byte[of.length];
    LONG.set(object, 0, (long) index);
    of.objects[index] = object;
    return object;
  }

  @Benchmark
  public long malloc(OfMalloc of) {
    int index = of.next();
    Malloc.IT.free(of.objects[index]);
    long object = Malloc.IT.malloc(of.bytes);
    Memory.putLong(object, index);
    of.objects[index] = object;
    return object;
  }

  @Benchmark
  public long jemalloc(OfJemalloc of) {
    int index = of.next();
    Jemalloc.IT.free(of.objects[index]);
    long object = Jemalloc.IT.malloc(of.bytes);
    Memory.putLong(object, index);
    of.objects[index] = object;
    return object;
  }

  @Benchmark
  public long mimalloc(OfMimalloc of) {
    int index = of.next();
    Mimalloc.IT.free(of.objects[index]);
    long object = Mimalloc.IT.malloc(of.bytes);
    Memory.putLong(object, index);
    of.objects[index] = object;
    return object;
  }
}
