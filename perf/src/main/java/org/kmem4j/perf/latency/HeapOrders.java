package org.kmem4j.perf.latency;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A {@code byte[]} for each order: one object without references, the leanest that the heap has. A
 * class with fields and a text would be two.
 */
final class HeapOrders implements Orders {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final byte[] message = Orders.message();
  private final byte[][] orders;

  HeapOrders(int live) {
    orders = new byte[live][];
  }

  @Override
  public void create(int index, int kind, long id) {
    byte[] order = new byte[SIZES[kind]];
    System.arraycopy(message, 0, order, 0, order.length);
    LONG.set(order, ID, id);
    orders[index] = order;
  }

  @Override
  public long update(int index, long quantity) {
    byte[] order = orders[index];
    long sum = (long) LONG.get(order, QUANTITY) + quantity;
    LONG.set(order, QUANTITY, sum);
    return (long) LONG.get(order, ID) + sum;
  }

  @Override
  public long delete(int index) {
    byte[] order = orders[index];
    orders[index] = null;
    return (long) LONG.get(order, ID) + (long) LONG.get(order, QUANTITY);
  }

  @Override
  public void close() {
    // The collector sees to it.
  }
}
