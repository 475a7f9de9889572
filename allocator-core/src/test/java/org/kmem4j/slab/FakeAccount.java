package org.kmem4j.slab;

import java.util.concurrent.atomic.AtomicLong;

/** An account with a limit in pages, as a memory cgroup would be. Any thread. */
class FakeAccount implements Account {
  private final long address;
  private final AtomicLong usage = new AtomicLong();
  private volatile long max;

  FakeAccount(long address, long max) {
    this.address = address;
    this.max = max;
  }

  void setMax(long pages) {
    max = pages;
  }

  long usage() {
    return usage.get();
  }

  @Override
  public long address() {
    return address;
  }

  @Override
  public boolean tryCharge(OwnedCache cache, long pages) {
    if (usage.addAndGet(pages) <= max) {
      return true;
    }
    usage.addAndGet(-pages);
    return false;
  }

  @Override
  public Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
    if (attempt > 0) {
      throw new OutOfNativeMemoryException(
          "the account's limit is " + max, pages << 12, usage() << 12, max << 12, null);
    }
    return null;
  }

  @Override
  public void uncharge(OwnedCache cache, long pages) {
    if (usage.addAndGet(-pages) < 0) {
      throw new AssertionError("more was uncharged than was charged: " + usage);
    }
  }
}
