package org.kmem4j.perf.demo;

import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.OutOfMemoryException;
import org.apache.arrow.memory.RootAllocator;

/**
 * A child allocator of Arrow for each tenant, with a limit and no reservation, over its {@code
 * Unsafe} memory.
 */
final class ArrowTenants implements Tenants {
  private final BufferAllocator tenants;

  ArrowTenants(long maxBytes) {
    tenants = new RootAllocator(maxBytes).newChildAllocator("tenants", 0, maxBytes);
  }

  @Override
  public Tenant admit(String name, int limit, int cells) {
    return new Child(tenants.newChildAllocator(name, 0, (long) limit * Plan.OBJECT_BYTES), cells);
  }

  @Override
  public String charged() {
    return "its parent is charged %,d MB".formatted(tenants.getAllocatedMemory() / 1_000_000);
  }

  @Override
  public long leakedBytes() {
    return tenants.getAllocatedMemory();
  }

  @Override
  public String version() {
    String version = BufferAllocator.class.getPackage().getImplementationVersion();
    return version != null ? version : "unknown";
  }

  private final class Child implements Tenant {
    private final BufferAllocator allocator;
    private final ArrowBuf[] orders;

    Child(BufferAllocator allocator, int cells) {
      this.allocator = allocator;
      orders = new ArrowBuf[cells];
    }

    @Override
    public boolean tryCreate(int cell, long stamp) {
      ArrowBuf order;
      try {
        order = allocator.buffer(Plan.OBJECT_BYTES);
      } catch (OutOfMemoryException e) {
        return false; // There is no call that refuses without an exception.
      }
      for (int at = 0; at < Plan.OBJECT_BYTES; at += 64) {
        order.setLong(at, stamp);
      }
      orders[cell] = order;
      return true;
    }

    @Override
    public void update(int cell) {
      ArrowBuf order = orders[cell];
      order.setLong(64, order.getLong(64) + 1);
    }

    @Override
    public long delete(int cell) {
      ArrowBuf order = orders[cell];
      orders[cell] = null;
      long stamp = order.getLong(0);
      order.close();
      return stamp;
    }

    @Override
    public String refusal() {
      return "buffer() throws OutOfMemoryException";
    }

    @Override
    public String offline() {
      try {
        allocator.close();
        return "close() returns";
      } catch (IllegalStateException e) {
        return "close() throws: " + e.getMessage().lines().findFirst().orElse("");
      }
    }

    @Override
    public void deleteAll(long[] stamps) {
      for (int cell = 0; cell < stamps.length; cell++) {
        if (stamps[cell] != 0) {
          orders[cell].close();
          orders[cell] = null;
        }
      }
    }

    @Override
    public String afterlife() {
      String again;
      try {
        allocator.close();
        again = "close() again returns";
      } catch (IllegalStateException e) {
        again = "close() again throws";
      }
      boolean listed = tenants.getChildAllocators().contains(allocator);
      return again + (listed ? ", yet its parent lists it for ever; " : "; ") + charged();
    }
  }
}
