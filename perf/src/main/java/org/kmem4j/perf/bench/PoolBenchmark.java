package org.kmem4j.perf.bench;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.agrona.BufferUtil;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;
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
import stormpot.Allocator;
import stormpot.Expiration;
import stormpot.Poolable;
import stormpot.Slot;
import stormpot.Timeout;

/**
 * What does a pooled object cost, from acquiring it over writing and reading one field to releasing
 * it? Ours may be used by any thread, is limited and accounted, and ends the view; what is written
 * by hand does none of that. The others keep objects of the Java heap, which need no view.
 */
public class PoolBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;

  /** How long Stormpot is to wait for an object; it never has to. */
  private static final Timeout PATIENCE = new Timeout(1, TimeUnit.MINUTES);

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

  /** An object of the Java heap that pools keep. */
  static class HeapOrder {
    private long id;

    final long id() {
      return id;
    }

    final void id(long id) {
      this.id = id;
    }
  }

  /** A stack of free objects, for one thread. */
  @State(Scope.Thread)
  public static class Deque {
    private final ArrayDeque<HeapOrder> free = new ArrayDeque<>(Hand.OBJECTS);
    long next;

    @Setup(Level.Trial)
    public void fill() {
      free.clear();
      for (int i = 0; i < Hand.OBJECTS; i++) {
        free.push(new HeapOrder());
      }
    }
  }

  /** A queue of free objects, for any number of threads. */
  @State(Scope.Thread)
  public static class Agrona {
    private final ManyToManyConcurrentArrayQueue<HeapOrder> free =
        new ManyToManyConcurrentArrayQueue<>(Hand.OBJECTS);
    long next;

    @Setup(Level.Trial)
    public void fill() {
      free.clear();
      for (int i = 0; i < Hand.OBJECTS; i++) {
        free.add(new HeapOrder());
      }
    }
  }

  /** Stormpot's pool with its defaults, but nothing expires: an order does not go stale. */
  @State(Scope.Thread)
  public static class Storm {
    private stormpot.Pool<PooledOrder> orders;
    long next;

    @Setup(Level.Trial)
    public void open() {
      orders =
          stormpot.Pool.from(new OrderAllocator())
              .setSize(Hand.OBJECTS)
              .setExpiration(Expiration.never())
              .build();
    }

    @TearDown(Level.Trial)
    public void close() throws InterruptedException {
      orders.shutdown().await(new Timeout(1, TimeUnit.MINUTES));
    }
  }

  /** What Stormpot wants of an object. */
  static final class PooledOrder extends HeapOrder implements Poolable {
    private final Slot slot;

    PooledOrder(Slot slot) {
      this.slot = slot;
    }

    @Override
    public void release() {
      slot.release(this);
    }
  }

  /** Where Stormpot gets its objects from. */
  private static final class OrderAllocator implements Allocator<PooledOrder> {
    @Override
    public PooledOrder allocate(Slot slot) {
      return new PooledOrder(slot);
    }

    @Override
    public void deallocate(PooledOrder order) {}
  }

  @Benchmark
  public long arrayDeque(Deque pool) {
    HeapOrder order = pool.free.pop();
    order.id(pool.next++);
    long id = order.id();
    pool.free.push(order);
    return id;
  }

  @Benchmark
  public long agronaQueue(Agrona pool) {
    HeapOrder order = pool.free.poll();
    order.id(pool.next++);
    long id = order.id();
    pool.free.add(order);
    return id;
  }

  @Benchmark
  public long stormpot(Storm pool) throws InterruptedException {
    PooledOrder order = pool.orders.claim(PATIENCE);
    order.id(pool.next++);
    long id = order.id();
    order.release();
    return id;
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
