package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does each kind of hardening cost for one object that is taken, written to and given back:
 * alone, which stays in a thread's sheaf, or with many others, which come from slabs and return?
 */
public class HardeningBenchmark extends KmemBenchmark {
  private static final int OBJECTS = 4096;

  /** A cache of an allocator with one property set. */
  @State(Scope.Thread)
  public abstract static class With {
    @Param({"64", "1024"})
    public int size;

    /** How many objects are taken before they are given back. */
    @Param({"1", "4096"})
    public int together;

    private final String property;
    private final long[] objects = new long[OBJECTS];
    private SlabAllocator allocator;
    private KmemCache cache;

    private final String value;

    With(String property, String value) {
      this.property = property;
      this.value = value;
    }

    @Setup(Level.Trial)
    public void open() {
      System.setProperty(property, value); // the JVM is this benchmark's own
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      cache = allocator.createCache("hardened", size);
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }

    final long run() {
      long sum = 0;
      for (int done = 0; done < OBJECTS; done += together) {
        for (int i = 0; i < together; i++) {
          long object = cache.tryAlloc();
          Memory.putLong(object, object);
          objects[i] = object;
        }
        for (int i = 0; i < together; i++) {
          sum += objects[i];
          cache.free(objects[i]);
        }
      }
      return sum;
    }
  }

  /** Nothing but what is always there, such as encoded links. */
  public static class Off extends With {
    public Off() {
      super("hardened.none", "true");
    }
  }

  /** {@code kmem4j.hardened}. */
  public static class All extends With {
    public All() {
      super("kmem4j.hardened", "true");
    }
  }

  /** {@code kmem4j.hardened.doubleFree}. */
  public static class DoubleFree extends With {
    public DoubleFree() {
      super("kmem4j.hardened.doubleFree", "true");
    }
  }

  /** {@code kmem4j.hardened.headers}. */
  public static class Headers extends With {
    public Headers() {
      super("kmem4j.hardened.headers", "true");
    }
  }

  /** {@code kmem4j.hardened.randomOrder}. */
  public static class RandomOrder extends With {
    public RandomOrder() {
      super("kmem4j.hardened.randomOrder", "true");
    }
  }

  /** {@code kmem4j.initOnAlloc}. */
  public static class InitOnAlloc extends With {
    public InitOnAlloc() {
      super("kmem4j.initOnAlloc", "true");
    }
  }

  /** {@code kmem4j.initOnFree}. */
  public static class InitOnFree extends With {
    public InitOnFree() {
      super("kmem4j.initOnFree", "true");
    }
  }

  /** {@code kmem4j.leaks}, one object in 1024. */
  public static class Leaks extends With {
    public Leaks() {
      super("kmem4j.leaks", "1024");
    }
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long off(Off with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long hardened(All with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long doubleFree(DoubleFree with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long headers(Headers with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long randomOrder(RandomOrder with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long initOnAlloc(InitOnAlloc with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long initOnFree(InitOnFree with) {
    return with.run();
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public long leaks(Leaks with) {
    return with.run();
  }
}
