package org.kmem4j.perf.demo;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Objects of the Java heap. A tenant has no limit there: its bytes are counted by hand, in a
 * counter that is asked before each {@code new}. Freeing forgets an object, and counts it back.
 */
final class HeapTenants implements Tenants {
  private static final int LONGS = Plan.OBJECT_BYTES / Long.BYTES;

  private final AtomicLong allBytes = new AtomicLong();

  @Override
  public Tenant admit(String name, int limit, int cells) {
    return new Counted((long) limit * Plan.OBJECT_BYTES, cells);
  }

  @Override
  public String charged() {
    return "the counters say %,d MB".formatted(allBytes.get() / 1_000_000);
  }

  /** Nothing leaks that nobody refers to. */
  @Override
  public long leakedBytes() {
    return 0;
  }

  @Override
  public String version() {
    return "Java " + Runtime.version();
  }

  private final class Counted implements Tenant {
    private final AtomicLong bytes = new AtomicLong();
    private final long maxBytes;
    private long[][] orders;

    Counted(long maxBytes, int cells) {
      this.maxBytes = maxBytes;
      orders = new long[cells][];
    }

    @Override
    public boolean tryCreate(int cell, long stamp) {
      if (bytes.addAndGet(Plan.OBJECT_BYTES) > maxBytes) {
        bytes.addAndGet(-Plan.OBJECT_BYTES);
        return false;
      }
      allBytes.addAndGet(Plan.OBJECT_BYTES);
      long[] order = new long[LONGS];
      for (int at = 0; at < LONGS; at += 8) {
        order[at] = stamp;
      }
      orders[cell] = order;
      return true;
    }

    @Override
    public void update(int cell) {
      orders[cell][8]++;
    }

    @Override
    public long delete(int cell) {
      long stamp = orders[cell][0];
      orders[cell] = null;
      bytes.addAndGet(-Plan.OBJECT_BYTES);
      allBytes.addAndGet(-Plan.OBJECT_BYTES);
      return stamp;
    }

    @Override
    public String refusal() {
      return "a counter kept by hand says no";
    }

    @Override
    public String offline() {
      allBytes.addAndGet(-bytes.get());
      return "the counter is dropped: nobody pays for the %,d objects left"
          .formatted(bytes.get() / Plan.OBJECT_BYTES);
    }

    @Override
    public void deleteAll(long[] stamps) {
      orders = null;
    }

    @Override
    public String afterlife() {
      return "the last reference is dropped; the collector decides when";
    }
  }
}
