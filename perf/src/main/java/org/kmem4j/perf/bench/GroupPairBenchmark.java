package org.kmem4j.perf.bench;

import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;

/** What does a pair of 64 bytes cost when somebody pays for it? */
public class GroupPairBenchmark extends KmemBenchmark {
  /** The same on a thread that is bound to the group throughout. */
  public static class Bound extends GroupState {
    private MemCgroups.Scope scope;

    @Override
    public void open() {
      super.open();
      scope = groups.bind(group);
    }

    @Override
    public void close() {
      scope.close();
      super.close();
    }
  }

  @Benchmark
  public void nobody(GroupState state) {
    KmemCache cache = state.nobodys;
    cache.free(cache.tryAlloc());
  }

  @Benchmark
  public void handle(GroupState state) {
    KmemCache cache = state.ofGroup;
    cache.free(cache.tryAlloc());
  }

  @Benchmark
  public void bound(Bound state) {
    KmemCache cache = state.nobodys;
    cache.free(cache.tryAlloc());
  }
}
