package org.kmem4j.perf.torture;

import java.util.concurrent.atomic.AtomicLong;
import org.kmem4j.memory.Os;

/** Makes things fail, at random points that follow from the seed, and counts them. */
final class Faults implements Os.Faults {
  private static final int ENOMEM = 12;

  /** What a constructor throws. */
  static final class Injected extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Injected() {
      super("injected", null, false, false);
    }
  }

  private final long seed;
  private final AtomicLong asked = new AtomicLong();
  private final AtomicLong injected = new AtomicLong();

  /** Not while somebody looks whether all is well. */
  private volatile boolean on;

  Faults(long seed) {
    this.seed = seed;
  }

  void on(boolean now) {
    on = now;
  }

  /** Failures so far. */
  long injected() {
    return injected.get();
  }

  /** Counts a failure that was made elsewhere. */
  void add(long failures) {
    injected.addAndGet(failures);
  }

  /** Whether to fail now, which is so once in {@code times}. */
  boolean once(int times) {
    if (!on || mix(seed + asked.incrementAndGet()) % times != 0) {
      return false;
    }
    injected.incrementAndGet();
    return true;
  }

  @Override
  public int errnoOf(String call) {
    boolean fails =
        switch (call) {
          case "mprotect" -> once(3); // one for each 2 MiB, so there are few
          case "madvise", "membarrier" -> once(10);
          default -> false; // only while an allocator is opened or closed
        };
    return fails ? ENOMEM : 0;
  }

  private static long mix(long value) {
    long mixed = (value ^ value >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    return (mixed ^ mixed >>> 27) * 0x94D0_49BB_1331_11EBL >>> 1;
  }
}
