package org.kmem4j.perf.latency;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.concurrent.FastThreadLocalThread;

/**
 * Netty's pooled allocator with its defaults, on a thread of the kind that its event loops have:
 * others get no thread cache. An order is its buffer, which Netty recycles.
 */
final class NettyOrders implements Orders {
  private final PooledByteBufAllocator allocator = PooledByteBufAllocator.DEFAULT;
  private final byte[] message = Orders.message();
  private final ByteBuf[] orders;

  NettyOrders(int live) {
    orders = new ByteBuf[live];
  }

  @Override
  public void create(int index, int kind, long id) {
    int bytes = SIZES[kind];
    ByteBuf order = allocator.directBuffer(bytes, bytes);
    order.setBytes(0, message, 0, bytes);
    order.setLongLE(ID, id);
    orders[index] = order;
  }

  @Override
  public long update(int index, long quantity) {
    ByteBuf order = orders[index];
    long sum = order.getLongLE(QUANTITY) + quantity;
    order.setLongLE(QUANTITY, sum);
    return order.getLongLE(ID) + sum;
  }

  @Override
  public long delete(int index) {
    ByteBuf order = orders[index];
    long sum = order.getLongLE(ID) + order.getLongLE(QUANTITY);
    orders[index] = null;
    order.release();
    return sum;
  }

  @Override
  public Thread thread(Runnable server) {
    return new FastThreadLocalThread(server, "server");
  }

  /** Ends all orders. */
  @Override
  public void close() {
    for (ByteBuf order : orders) {
      if (order != null) {
        order.release();
      }
    }
  }
}
