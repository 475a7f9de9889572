package org.kmem4j.perf.bench;

import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * What does an object of 64 bytes cost when its page is really charged: allocate 10 000 and write
 * to each, free 10 000, shrink?
 */
public class GroupCycleBenchmark extends KmemBenchmark {
  private static final int OBJECTS = 10_000;

  /** Room for the addresses. */
  public static class Cycle extends GroupState {
    final long[] objects = new long[OBJECTS];
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public void nobody(Cycle state) {
    cycle(state, state.nobodys);
  }

  @Benchmark
  @OperationsPerInvocation(OBJECTS)
  public void handle(Cycle state) {
    cycle(state, state.ofGroup);
  }

  private static void cycle(Cycle state, KmemCache cache) {
    long[] objects = state.objects;
    for (int i = 0; i < OBJECTS; i++) {
      objects[i] = cache.alloc(); // which throws if it is refused
      Memory.putLong(objects[i], i);
    }
    for (int i = 0; i < OBJECTS; i++) {
      cache.free(objects[i]);
    }
    cache.shrink();
  }
}
