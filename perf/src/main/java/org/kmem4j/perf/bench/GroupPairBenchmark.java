package org.kmem4j.perf.bench;

import org.kmem4j.memcg.MemCgroups;
import org.openjdk.jmh.annotations.Benchmark;

/** What does a pair of 64 bytes with a write cost when somebody pays for it? */
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
  public long nobody(GroupState state) {
    return pair(state.nobodys);
  }

  @Benchmark
  public long handle(GroupState state) {
    return pair(state.ofGroup);
  }

  @Benchmark
  public long bound(Bound state) {
    return pair(state.nobodys);
  }
}
