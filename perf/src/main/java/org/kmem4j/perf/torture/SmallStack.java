package org.kmem4j.perf.torture;

import org.kmem4j.slab.KmemCache;

/**
 * Allocations and frees on a thread whose stack is about to end: at its bottom, then one frame
 * higher, and so on, until many succeed. Each of them happens or it does not.
 */
final class SmallStack {
  private static final int ENOUGH = 20;
  private static final int OBJECTS = 40;

  private final KmemCache cache;
  private final int offset;
  private final long[] held = new long[OBJECTS];
  private int next;
  private int successes;
  private long overflows;

  SmallStack(KmemCache cache, int offset) {
    this.cache = cache;
    this.offset = offset;
  }

  long overflows() {
    return overflows;
  }

  /** What was allocated and not freed. */
  long[] held() {
    return held;
  }

  void run() {
    shift(offset);
  }

  /** Other remainders of the stack for other numbers. */
  private long shift(int frames) {
    if (frames > 0) {
      return shift(frames - 1) + frames;
    }
    descend();
    return 0;
  }

  @SuppressWarnings("InfiniteRecursion") // that is the point
  private void descend() {
    try {
      descend();
    } catch (StackOverflowError e) {
      successes = 0; // the bottom
    }
    if (successes > ENOUGH) {
      return;
    }
    try {
      attempt();
      successes++;
    } catch (StackOverflowError e) {
      overflows++;
      successes = 0;
    } catch (Faults.Injected e) {
      successes++;
    }
  }

  private void attempt() {
    int place = next;
    next = (place + 1) % OBJECTS;
    long object = held[place];
    if (object == 0) {
      held[place] = cache.tryAlloc();
    } else {
      cache.free(object);
      held[place] = 0;
    }
  }
}
