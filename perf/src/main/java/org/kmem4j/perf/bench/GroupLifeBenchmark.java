package org.kmem4j.perf.bench;

import org.kmem4j.memcg.group.MemCgroup;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * What does an empty group cost: create, close, release? A thousand at a time share their grace
 * periods; the thread does its background work itself, until all are released.
 */
public class GroupLifeBenchmark extends KmemBenchmark {
  private static final int GROUPS = 1000;

  @Benchmark
  @OperationsPerInvocation(GROUPS)
  public void empty(GroupState state) throws Exception {
    MemCgroup parent = state.group;
    for (int i = 0; i < GROUPS; i++) {
      parent.create("g").offline();
    }
    while (parent.dyingDescendants() > 0) {
      state.allocator.agent().doWork();
    }
  }
}
