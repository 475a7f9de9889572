package org.kmem4j.perf.latency;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/** Ours by size and address, with the agent at work as in any server. */
final class AddressOrders implements Orders {
  private final SlabAllocator allocator;
  private final long message;
  private final long[] orders;

  AddressOrders(int live, long maxBytes) {
    allocator = SlabAllocator.builder().max(maxBytes).onClose(left -> {}).build();
    allocator.startAgent();
    orders = new long[live];
    byte[] text = Orders.message();
    message = allocator.alloc(text.length);
    for (int i = 0; i < text.length; i++) {
      Memory.putByte(message + i, text[i]);
    }
  }

  @Override
  public void create(int index, int kind, long id) {
    int bytes = SIZES[kind];
    long order = allocator.alloc(bytes);
    Memory.copy(message, order, bytes);
    Memory.putLong(order + ID, id);
    orders[index] = order;
  }

  @Override
  public long update(int index, long quantity) {
    long order = orders[index];
    long sum = Memory.getLong(order + QUANTITY) + quantity;
    Memory.putLong(order + QUANTITY, sum);
    return Memory.getLong(order + ID) + sum;
  }

  @Override
  public long delete(int index) {
    long order = orders[index];
    long sum = Memory.getLong(order + ID) + Memory.getLong(order + QUANTITY);
    orders[index] = 0;
    allocator.free(order);
    return sum;
  }

  /** Ends all orders. */
  @Override
  public void close() {
    allocator.close();
    allocator.unmap();
  }
}
