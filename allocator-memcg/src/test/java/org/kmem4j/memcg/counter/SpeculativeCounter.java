package org.kmem4j.memcg.counter;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A counter the kernel's way, for comparison: adds first, looks afterwards, and takes off again
 * what was too much.
 */
final class SpeculativeCounter {
  final SpeculativeCounter parent;
  final AtomicLong usage = new AtomicLong();
  volatile long max = Long.MAX_VALUE;

  SpeculativeCounter(SpeculativeCounter parent) {
    this.parent = parent;
  }

  boolean tryCharge(long pages) {
    for (var level = this; level != null; level = level.parent) {
      if (level.usage.addAndGet(pages) > level.max) {
        for (var below = this; below != level.parent; below = below.parent) {
          below.usage.addAndGet(-pages);
        }
        return false;
      }
    }
    return true;
  }

  void uncharge(long pages) {
    for (var level = this; level != null; level = level.parent) {
      level.usage.addAndGet(-pages);
    }
  }
}
