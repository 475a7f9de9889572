package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.clib.CAllocator.Malloc;
import org.kmem4j.perf.clib.CAllocator.Mimalloc;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Control;

/**
 * What does an object of 64 bytes cost that one thread takes and writes, and another reads and
 * gives back? Both wait for each other at a ring, so an operation lasts as long as the slower half.
 */
public class CrossThreadBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;

  /** The way from one thread to the other. */
  @State(Scope.Group)
  public abstract static class Pipe {
    private final LongRing ring = new LongRing(1024);
    long bytes = BYTES;

    abstract void free(long object);

    /** False if the measurement ended while the ring was full. */
    final boolean send(long object, Control control) {
      while (!ring.offer(object)) {
        if (control.stopMeasurement) {
          return false;
        }
        Thread.onSpinWait();
      }
      return true;
    }

    /** 0 if the measurement ended while the ring was empty. */
    final long receive(Control control) {
      long object;
      while ((object = ring.poll()) == 0) {
        if (control.stopMeasurement) {
          return 0;
        }
        Thread.onSpinWait();
      }
      return object;
    }

    @TearDown(Level.Trial)
    public void close() {
      for (long object = ring.poll(); object != 0; object = ring.poll()) {
        free(object);
      }
    }
  }

  /** One of our caches. */
  public static class Kmem extends Pipe {
    SlabAllocator allocator;
    KmemCache cache;

    @Setup(Level.Trial)
    public void open() {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("sent", BYTES);
    }

    @Override
    public void close() {
      super.close();
      allocator.close();
    }

    @Override
    void free(long object) {
      cache.free(object);
    }
  }

  /** The C library. */
  public static class OfMalloc extends Pipe {
    @Override
    void free(long object) {
      Malloc.IT.free(object);
    }
  }

  /** Mimalloc. */
  public static class OfMimalloc extends Pipe {
    @Override
    void free(long object) {
      Mimalloc.IT.free(object);
    }
  }

  @Benchmark
  @Group("kmemCache")
  public void kmemCacheProduces(Kmem pipe, Control control) {
    long object = pipe.cache.tryAlloc();
    Memory.putLong(object, object);
    if (!pipe.send(object, control)) {
      pipe.cache.free(object);
    }
  }

  @Benchmark
  @Group("kmemCache")
  public long kmemCacheConsumes(Kmem pipe, Control control) {
    long object = pipe.receive(control);
    if (object == 0) {
      return 0;
    }
    long value = Memory.getLong(object);
    pipe.cache.free(object);
    return value;
  }

  @Benchmark
  @Group("malloc")
  public void mallocProduces(OfMalloc pipe, Control control) {
    long object = Malloc.IT.malloc(pipe.bytes);
    Memory.putLong(object, object);
    if (!pipe.send(object, control)) {
      Malloc.IT.free(object);
    }
  }

  @Benchmark
  @Group("malloc")
  public long mallocConsumes(OfMalloc pipe, Control control) {
    long object = pipe.receive(control);
    if (object == 0) {
      return 0;
    }
    long value = Memory.getLong(object);
    Malloc.IT.free(object);
    return value;
  }

  @Benchmark
  @Group("mimalloc")
  public void mimallocProduces(OfMimalloc pipe, Control control) {
    long object = Mimalloc.IT.malloc(pipe.bytes);
    Memory.putLong(object, object);
    if (!pipe.send(object, control)) {
      Mimalloc.IT.free(object);
    }
  }

  @Benchmark
  @Group("mimalloc")
  public long mimallocConsumes(OfMimalloc pipe, Control control) {
    long object = pipe.receive(control);
    if (object == 0) {
      return 0;
    }
    long value = Memory.getLong(object);
    Mimalloc.IT.free(object);
    return value;
  }
}
