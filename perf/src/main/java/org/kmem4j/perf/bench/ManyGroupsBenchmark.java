package org.kmem4j.perf.bench;

import java.util.Arrays;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does a pair of 64 bytes with a write cost when another group pays each time, by how many
 * groups there are? Each has a limit of its own, which is far. Of the peers only Arrow has such.
 */
public class ManyGroupsBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;
  private static final long LIMIT = 1 << 20;

  /** How many there are, and whose turn it is. */
  @State(Scope.Thread)
  public static class Turns {
    @Param({"1", "10", "100", "1000", "10000"})
    public int groups;

    private int turn;

    final int next() {
      turn = turn + 1 < groups ? turn + 1 : 0;
      return turn;
    }
  }

  /** A handle of one cache for each group. */
  public static class Handles extends Turns {
    KmemCache[] handles;
    private SlabAllocator allocator;
    private MemCgroups tree;

    @Setup(Level.Trial)
    public void open() {
      allocator = SlabAllocator.builder().max(1L << 30).build();
      tree = MemCgroups.on(allocator);
      KmemCache cache = allocator.createCache("pair", BYTES);
      handles = new KmemCache[groups];
      Arrays.setAll(handles, i -> handle(cache, i));
    }

    KmemCache handle(KmemCache cache, int i) {
      return cache.in(tree.create("/tenants/" + i).max(LIMIT));
    }

    @TearDown(Level.Trial)
    public void close() {
      tree.close();
      allocator.close();
    }
  }

  /** As many times the one cache, for which nobody pays. */
  public static class OneCache extends Handles {
    @Override
    KmemCache handle(KmemCache cache, int i) {
      return cache;
    }
  }

  /** A child of Arrow's root for each group. */
  public static class Children extends Turns {
    private final RootAllocator root = new RootAllocator(Long.MAX_VALUE);
    BufferAllocator[] children;

    @Setup(Level.Trial)
    public void open() {
      children = new BufferAllocator[groups];
      Arrays.setAll(children, i -> root.newChildAllocator("tenant " + i, 0, LIMIT));
    }

    @TearDown(Level.Trial)
    public void close() {
      for (BufferAllocator child : children) {
        child.close();
      }
      root.close();
    }
  }

  @Benchmark
  public long handle(Handles of) {
    return pair(of.handles[of.next()]);
  }

  @Benchmark
  public long nobody(OneCache of) {
    return pair(of.handles[of.next()]);
  }

  @Benchmark
  public ArrowBuf arrow(Children of) {
    ArrowBuf object = of.children[of.next()].buffer(BYTES);
    object.setLong(0, BYTES);
    object.close();
    return object;
  }
}
