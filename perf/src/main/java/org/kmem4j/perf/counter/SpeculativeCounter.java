package org.kmem4j.perf.counter;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A counter the kernel's way, for comparison: adds first, looks afterwards, and takes off again
 * what was too much. Meanwhile it may refuse another request that fits.
 */
public final class SpeculativeCounter {
  private final SpeculativeCounter parent;
  private final AtomicLong usage = new AtomicLong();
  private final AtomicLong peak = new AtomicLong();
  private volatile long max = Long.MAX_VALUE;

  public SpeculativeCounter(SpeculativeCounter parent) {
    this.parent = parent;
  }

  public void setMax(long pages) {
    max = pages;
  }

  public boolean tryCharge(long pages) {
    for (var level = this; level != null; level = level.parent) {
      long now = level.usage.addAndGet(pages);
      if (now > level.max) {
        for (var below = this; below != level.parent; below = below.parent) {
          below.usage.addAndGet(-pages);
        }
        return false;
      }
      if (now > level.peak.get()) {
        level.peak.set(now);
      }
    }
    return true;
  }

  public void uncharge(long pages) {
    for (var level = this; level != null; level = level.parent) {
      level.usage.addAndGet(-pages);
    }
  }
}
