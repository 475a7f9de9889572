package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.openjdk.jmh.annotations.Benchmark;

/** What does a refusal cost while a group is at its limit, and nothing is freed? */
public class RefusalBenchmark extends KmemBenchmark {
  /** A group that is full, to the end. */
  public static class Full extends GroupState {
    @Override
    SlabAllocator.Builder settings() {
      return super.settings().onClose(left -> {});
    }

    @Override
    public void open() {
      super.open();
      group.max(1 << 20);
      while (ofGroup.tryAlloc() != 0) {
        // until there is no more
      }
    }
  }

  @Benchmark
  public long tryAlloc(Full state) {
    return state.ofGroup.tryAlloc();
  }
}
