package org.kmem4j.perf.groups;

import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgLimitException;
import org.kmem4j.perf.KmemException;
import org.kmem4j.slab.KmemCache;

/**
 * Two threads: tenant B takes and gives back one object of 64 bytes at a time, each pair timed,
 * while another thread does something to tenant A. The agent runs meanwhile.
 */
final class Interference implements AutoCloseable {
  /** What the other thread does. */
  enum Neighbour {
    /** It works for itself, so that both cores are busy. */
    NONE("nothing of ours"),
    TRY("tryAlloc at A's limit"),
    THROW("alloc at A's limit, which throws"),
    CLOSE("1 000 groups a second made, used and closed");

    final String title;

    Neighbour(String title) {
      this.title = title;
    }
  }

  /**
   * What B saw.
   *
   * @param neighbour what the other thread did
   * @param operations of the other thread, per second
   * @param p50 nanoseconds of a pair, two looks at the clock included
   * @param gracePeriodsPerSecond of the process
   */
  record Row(
      String neighbour,
      long operations,
      long p50,
      long p99,
      long p999,
      long max,
      long gracePeriodsPerSecond) {}

  private static final long CLOSE_EVERY_NANOS = 1_000_000;

  private final SlabAllocator allocator = SlabAllocator.builder().max(256 << 20).build();
  private final MemCgroups groups = MemCgroups.on(allocator);
  private final KmemCache cache = allocator.createCache("interference", 64);
  private final KmemCache ofA;
  private final KmemCache ofB;
  private volatile boolean goesOn;

  Interference() {
    MemCgroup a = groups.create("/a").max(1 << 20);
    MemCgroup b = groups.create("/b").max(64 << 20);
    ofA = cache.in(a);
    ofB = cache.in(b);
    while (ofA.tryAlloc() != 0) {
      // until A is at its limit
    }
    allocator.startAgent();
  }

  /** Measures for some time. */
  Row run(Neighbour neighbour, long nanos) throws InterruptedException {
    goesOn = true;
    long[] operations = new long[1];
    Thread other = new Thread(() -> operations[0] = disturb(neighbour), "neighbour");
    other.setDaemon(true);
    other.start();
    measure(new Histogram(3), nanos / 5); // warm
    Histogram histogram = new Histogram(3);
    long gracePeriods = allocator.stats().gracePeriods();
    long start = System.nanoTime();
    measure(histogram, nanos);
    double seconds = (System.nanoTime() - start) / 1e9;
    gracePeriods = allocator.stats().gracePeriods() - gracePeriods;
    goesOn = false;
    other.join(10_000);
    if (other.isAlive()) {
      throw new KmemException("The neighbour did not end within ten seconds.");
    }
    return new Row(
        neighbour.title,
        (long) (operations[0] / (seconds * 1.2)),
        histogram.getValueAtPercentile(50),
        histogram.getValueAtPercentile(99),
        histogram.getValueAtPercentile(99.9),
        histogram.getMaxValue(),
        (long) (gracePeriods / seconds));
  }

  private void measure(Histogram histogram, long nanos) {
    long end = System.nanoTime() + nanos;
    long before = System.nanoTime();
    while (before < end) {
      ofB.free(ofB.tryAlloc());
      long now = System.nanoTime();
      histogram.recordValue(now - before);
      before = System.nanoTime();
    }
  }

  private long disturb(Neighbour neighbour) {
    long done = 0;
    long sum = 0; // so that nothing is left out by the compiler
    long next = System.nanoTime();
    while (goesOn) {
      switch (neighbour) {
        case NONE -> sum += done * done;
        case TRY -> sum += ofA.tryAlloc();
        case THROW -> {
          try {
            sum += ofA.alloc();
          } catch (MemcgLimitException e) {
            sum++;
          }
        }
        case CLOSE -> {
          MemCgroup group = groups.create("/a" + done);
          KmemCache mine = cache.in(group);
          mine.free(mine.alloc());
          group.offline();
          next += CLOSE_EVERY_NANOS;
          LockSupport.parkNanos(next - System.nanoTime());
        }
      }
      done++;
    }
    return sum == 1 ? done + 1 : done;
  }

  @Override
  public void close() {
    groups.close();
    allocator.close();
  }
}
