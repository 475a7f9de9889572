package org.kmem4j.perf.groups;

import org.kmem4j.SlabAllocator;
import org.kmem4j.perf.KmemException;

/** The allocator's background work, done by whoever replays: at the same events in each run. */
final class BackgroundWork {
  private BackgroundWork() {}

  /** One duty cycle. */
  static void run(SlabAllocator allocator) {
    try {
      allocator.agent().doWork();
    } catch (Exception e) {
      throw new KmemException("The background work failed: " + e.getMessage() + ".", e);
    }
  }
}
