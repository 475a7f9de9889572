package org.kmem4j.perf.bench;

import org.kmem4j.memcg.counter.PageCounter;
import org.kmem4j.memcg.counter.Stock;
import org.kmem4j.memory.Metadata;
import org.kmem4j.perf.counter.PlainGroup;
import org.kmem4j.perf.counter.SpeculativeCounter;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to charge pages one by one to a group, with the stock and without, by how deep
 * in the tree it lies? All are uncharged together in the end.
 */
public class ChargeBenchmark extends KmemBenchmark {
  private static final int PAGES = 4096;

  /** How many levels are charged, the group's own among them. */
  @State(Scope.Thread)
  public static class Depth {
    @Param({"1", "2", "4", "8"})
    public int depth;
  }

  /** A chain of groups; each has a limit, which is far. */
  public static class Kmem extends Depth {
    private Metadata memory;
    Stock stock;
    PlainGroup group;

    @Setup(Level.Trial)
    public void open() {
      memory = new Metadata(1 << 16, "benchmark");
      PageCounter leaf = null;
      for (int level = 0; level < depth; level++) {
        leaf = new PageCounter(memory.tryAllocate(PageCounter.SIZE), leaf);
        leaf.setMax(1 << 20);
      }
      group = new PlainGroup(1, leaf);
      stock = new Stock(id -> id == 1 ? group : null);
    }

    @TearDown(Level.Trial)
    public void close() {
      stock.unmap();
      memory.unmap();
    }
  }

  /** The same the kernel's way, its stock a plain field. */
  public static class Kernel extends Depth {
    SpeculativeCounter group;
    int stocked;

    @Setup(Level.Trial)
    public void open() {
      for (int level = 0; level < depth; level++) {
        group = new SpeculativeCounter(group);
        group.setMax(1 << 20);
      }
    }
  }

  @Benchmark
  @OperationsPerInvocation(PAGES)
  public void stock(Kmem kmem) {
    for (int i = 0; i < PAGES; i++) {
      check(kmem.stock.tryCharge(kmem.group, 1) == null);
    }
    kmem.group.counter().uncharge(PAGES);
  }

  /** Each page is charged and uncharged at once. */
  @Benchmark
  @OperationsPerInvocation(PAGES)
  public void stockPair(Kmem kmem) {
    for (int i = 0; i < PAGES; i++) {
      check(kmem.stock.tryCharge(kmem.group, 1) == null);
      kmem.stock.uncharge(kmem.group, 1);
    }
  }

  @Benchmark
  @OperationsPerInvocation(PAGES)
  public void noStock(Kmem kmem) {
    for (int i = 0; i < PAGES; i++) {
      check(kmem.group.counter().tryCharge(1) == null);
    }
    kmem.group.counter().uncharge(PAGES);
  }

  @Benchmark
  @OperationsPerInvocation(PAGES)
  public void kernelStock(Kernel kernel) {
    for (int i = 0; i < PAGES; i++) {
      if (kernel.stocked == 0) {
        check(kernel.group.tryCharge(Stock.BATCH));
        kernel.stocked = Stock.BATCH;
      }
      kernel.stocked--;
    }
    kernel.group.uncharge(PAGES);
  }

  @Benchmark
  @OperationsPerInvocation(PAGES)
  public void kernelNoStock(Kernel kernel) {
    for (int i = 0; i < PAGES; i++) {
      check(kernel.group.tryCharge(1));
    }
    kernel.group.uncharge(PAGES);
  }

  private static void check(boolean charged) {
    if (!charged) {
      throw new IllegalStateException("refused");
    }
  }
}
