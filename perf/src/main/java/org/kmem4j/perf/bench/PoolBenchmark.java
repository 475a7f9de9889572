package org.kmem4j.perf.bench;

import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;
import org.kmem4j.SlabAllocator;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.Pin;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does a pooled object cost, from acquiring it over writing and reading one field to releasing
 * it? Ours may be used by any thread, is limited and accounted, and ends the view; what is written
 * by hand does none of that.
 */
public class PoolBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;

  /** Our pool. */
  @State(Scope.Thread)
  public static class Pool {
    SlabAllocator allocator;
    ObjectPool<Order> orders;
    Order order;
    long next;

    @Setup(Level.Trial)
    public void open() {
      allocator = SlabAllocator.builder().max(MAX_BYTES).build();
      orders = allocator.pool("order", BYTES);
      order = new Order();
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }

    static final class Order extends Flyweight {
      long id() {
        return getLong(0);
      }

      void id(long id) {
        putLong(0, id);
      }
    }
  }

  /** The same on a thread that is pinned throughout; JMH sets it up on that thread. */
  public static class Pinned extends Pool {
    Pin pin;

    @Override
    public void open() {
      super.open();
      pin = allocator.pin();
    }

    @Override
    public void close() {
      pin.close();
      super.close();
    }
  }

  /** One block, a stack of the free offsets in it, and one view: what teams write today. */
  @State(Scope.Thread)
  public static class Hand {
    private static final int OBJECTS = 4096;

    private final UnsafeBuffer block =
        new UnsafeBuffer(BufferUtil.allocateDirectAligned(OBJECTS * BYTES, 64));
    private final long[] free = new long[OBJECTS];
    private int freeCount;

    final Order order = new Order();
    long next;

    @Setup(Level.Trial)
    public void fill() {
      freeCount = 0;
      for (int i = OBJECTS - 1; i >= 0; i--) {
        free[freeCount++] = (long) i * BYTES;
      }
    }

    boolean tryAcquire(Order view) {
      if (freeCount == 0) {
        return false;
      }
      long offset = free[--freeCount];
      view.offset = offset;
      view.wrap(block, (int) offset, BYTES);
      return true;
    }

    void release(Order view) {
      free[freeCount++] = view.offset;
    }

    static final class Order extends UnsafeBuffer {
      private long offset;

      Order() {
        super(0, 0);
      }

      long id() {
        return getLong(0);
      }

      void id(long id) {
        putLong(0, id);
      }
    }
  }

  @Benchmark
  public long objectPool(Pool pool) {
    if (!pool.orders.tryAcquire(pool.order)) {
      throw new IllegalStateException("the pool is empty");
    }
    pool.order.id(pool.next++);
    long id = pool.order.id();
    pool.orders.release(pool.order);
    return id;
  }

  @Benchmark
  public long objectPoolPinned(Pinned pool) {
    if (!pool.orders.tryAcquire(pool.pin, pool.order)) {
      throw new IllegalStateException("the pool is empty");
    }
    pool.order.id(pool.next++);
    long id = pool.order.id();
    pool.orders.release(pool.pin, pool.order);
    return id;
  }

  @Benchmark
  public long handWritten(Hand hand) {
    if (!hand.tryAcquire(hand.order)) {
      throw new IllegalStateException("the pool is empty");
    }
    hand.order.id(hand.next++);
    long id = hand.order.id();
    hand.release(hand.order);
    return id;
  }
}
