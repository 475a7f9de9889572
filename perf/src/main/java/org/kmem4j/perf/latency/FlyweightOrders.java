package org.kmem4j.perf.latency;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.SlabAllocator;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;

/** Ours as pools, one for each kind, seen through one flyweight with bounds checks. */
final class FlyweightOrders implements Orders {
  private final SlabAllocator allocator;
  private final List<ObjectPool<Order>> pools = new ArrayList<>();
  private final byte[] message = Orders.message();
  private final Order order = new Order();
  private final long[] orders;
  private final byte[] kinds;

  static final class Order extends Flyweight {
    long id() {
      return getLong(ID);
    }

    void id(long id) {
      putLong(ID, id);
    }

    long quantity() {
      return getLong(QUANTITY);
    }

    void quantity(long quantity) {
      putLong(QUANTITY, quantity);
    }
  }

  FlyweightOrders(int live, long maxBytes) {
    allocator = SlabAllocator.builder().max(maxBytes).onClose(left -> {}).build();
    allocator.startAgent();
    for (int bytes : SIZES) {
      pools.add(allocator.pool("order-" + bytes, bytes));
    }
    orders = new long[live];
    kinds = new byte[live];
  }

  @Override
  public void create(int index, int kind, long id) {
    Order created = pools.get(kind).acquire(order);
    created.putBytes(0, message, 0, SIZES[kind]);
    created.id(id);
    orders[index] = created.address();
    kinds[index] = (byte) kind;
  }

  @Override
  public long update(int index, long quantity) {
    Order updated = view(index);
    long sum = updated.quantity() + quantity;
    updated.quantity(sum);
    return updated.id() + sum;
  }

  @Override
  public long delete(int index) {
    Order deleted = view(index);
    long sum = deleted.id() + deleted.quantity();
    pools.get(kinds[index]).release(deleted);
    orders[index] = 0;
    return sum;
  }

  private Order view(int index) {
    return pools.get(kinds[index]).view(order, orders[index]);
  }

  /** Ends all orders. */
  @Override
  public void close() {
    allocator.close();
    allocator.unmap();
  }
}
