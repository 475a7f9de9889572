package org.kmem4j.perf.groups;

import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.kmem4j.AllocatorStats;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgLimitException;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.slab.KmemCache;

/**
 * Two threads: tenant B takes, writes and gives back one object of 64 bytes at a time, each pair
 * timed, while another thread does something to its neighbours. The agent runs meanwhile, save
 * where nothing is to disturb B.
 *
 * <p>B runs back to back, in a closed loop: a long stop is one sample, however many pairs it held
 * up, so that p99.99 and max tell of such stops and the rest hardly does. A pair's time includes
 * two looks at the clock, whose own steps are 10 ns or more on many machines.
 */
public final class Interference implements AutoCloseable {
  /** What the other thread does. */
  public enum Neighbour {
    /** It works for itself, so that both cores are busy: the measure of those that keep busy. */
    UNDISTURBED("nothing of ours, no agent"),
    /** It sleeps: the measure of those that sleep most of the time. */
    IDLE("nothing at all, no agent"),
    AGENT("nothing of ours, the agent runs"),
    TRY("tryAlloc at A's limit"),
    THROW("alloc at A's limit, which throws"),
    CLOSE("1 000 groups a second made, used and closed"),
    LIMIT("A's limit set below its usage and back"),
    TRIM("100 times a second 4 MiB taken, freed and trimmed");

    final String title;

    Neighbour(String title) {
      this.title = title;
    }

    /** Who keeps the cores as busy and disturbs nobody: the measure. Null for those who do so. */
    public Neighbour quiet() {
      return switch (this) {
        case UNDISTURBED, IDLE -> null;
        case CLOSE, TRIM -> IDLE;
        case AGENT, TRY, THROW, LIMIT -> UNDISTURBED;
      };
    }

    /** All, as JSON names them. */
    public static String[] names() {
      return Arrays.stream(values()).map(Neighbour::toString).toArray(String[]::new);
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * What B saw.
   *
   * @param neighbour what the other thread did
   * @param operations of the other thread, per second
   * @param p50 nanoseconds of a pair, two looks at the clock included
   * @param gracePeriodsPerSecond of the process
   * @param madvisePerSecond calls that gave memory back to the system
   */
  public record Row(
      String neighbour,
      long operations,
      long p50,
      long p99,
      long p999,
      long p9999,
      long max,
      double gracePeriodsPerSecond,
      double madvisePerSecond) {}

  private static final long CLOSE_EVERY_NANOS = 1_000_000;
  private static final long GIVE_BACK_EVERY_NANOS = 10_000_000;
  private static final int GIVEN_OBJECTS = 1024;
  private static final int GIVEN_OBJECT_BYTES = 4096;
  private static final long MAX_OF_A = 1 << 20;

  private final SlabAllocator allocator =
      SlabAllocator.builder().max(256 << 20).onClose(left -> {}).build();
  private final MemCgroups groups = MemCgroups.on(allocator);
  private final KmemCache cache = allocator.createCache("interference", 64);
  private final KmemCache gift = allocator.createCache("gift", GIVEN_OBJECT_BYTES);
  private final MemCgroup a = groups.create("/a").max(MAX_OF_A);
  private final KmemCache ofA = cache.in(a);
  private final KmemCache giftOfA = gift.in(groups.create("/gift"));
  private final long[] given = new long[GIVEN_OBJECTS];
  private final KmemCache ofB;
  private volatile boolean goesOn;

  /** Two groups, of which A is at its limit. */
  public Interference() {
    MemCgroup b = groups.create("/b").max(64 << 20);
    ofB = cache.in(b);
    while (ofA.tryAlloc() != 0) {
      // until A is at its limit
    }
  }

  /** In a JVM of its own: the neighbour and for how many nanoseconds. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    try (Interference interference = new Interference()) {
      Neighbour neighbour = Neighbour.valueOf(arguments[0]);
      long nanos = Long.parseLong(arguments[1]);
      interference.run(neighbour, nanos); // so that all of it is compiled
      Fork.answer(interference.run(neighbour, nanos));
    }
  }

  /** Measures for some time. */
  Row run(Neighbour neighbour, long nanos) throws InterruptedException {
    if (neighbour.quiet() == null) {
      return runWithoutAgent(neighbour, nanos);
    }
    Throwable[] failure = new Throwable[1];
    AgentRunner agent = // as startAgent() does it, yet with an end
        new AgentRunner(
            new SleepingMillisIdleStrategy(50),
            error -> failure[0] = error,
            null,
            allocator.agent());
    Row row;
    try (agent) {
      Thread thread = new Thread(agent, "agent");
      thread.setDaemon(true);
      thread.start();
      row = runWithoutAgent(neighbour, nanos);
    }
    if (failure[0] != null) {
      throw new KmemException("The agent failed: " + failure[0] + ".", failure[0]);
    }
    return row;
  }

  private Row runWithoutAgent(Neighbour neighbour, long nanos) throws InterruptedException {
    goesOn = true;
    long[] operations = new long[1];
    Throwable[] failure = new Throwable[1];
    Thread other = new Thread(() -> operations[0] = disturb(neighbour), "neighbour");
    other.setUncaughtExceptionHandler((thread, thrown) -> failure[0] = thrown);
    other.setDaemon(true);
    long begin = System.nanoTime();
    other.start();
    measure(new Histogram(3), nanos / 5); // warm
    Histogram histogram = new Histogram(3);
    AllocatorStats before = allocator.stats();
    long start = System.nanoTime();
    measure(histogram, nanos);
    double seconds = (System.nanoTime() - start) / 1e9;
    AllocatorStats after = allocator.stats();
    goesOn = false;
    double secondsOfOther = (System.nanoTime() - begin) / 1e9;
    other.join(10_000);
    if (other.isAlive()) {
      throw new KmemException("The neighbour did not end within ten seconds.");
    }
    if (failure[0] != null) {
      throw new KmemException("The neighbour failed: " + failure[0] + ".", failure[0]);
    }
    return new Row(
        neighbour.title,
        (long) (operations[0] / secondsOfOther),
        histogram.getValueAtPercentile(50),
        histogram.getValueAtPercentile(99),
        histogram.getValueAtPercentile(99.9),
        histogram.getValueAtPercentile(99.99),
        histogram.getMaxValue(),
        (after.gracePeriods() - before.gracePeriods()) / seconds,
        (after.decommits() - before.decommits()) / seconds);
  }

  private void measure(Histogram histogram, long nanos) {
    long end = System.nanoTime() + nanos;
    long before = System.nanoTime();
    while (before < end) {
      long object = ofB.tryAlloc();
      if (object == 0) {
        throw new KmemException("Tenant B was refused.");
      }
      Memory.putLong(object, object);
      ofB.free(object);
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
        case UNDISTURBED, AGENT -> sum += done * done;
        case IDLE -> LockSupport.parkNanos(CLOSE_EVERY_NANOS);
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
        case LIMIT -> {
          a.max(MAX_OF_A / 2);
          a.max(MAX_OF_A);
        }
        case TRIM -> {
          sum += giveBack();
          next += GIVE_BACK_EVERY_NANOS;
          LockSupport.parkNanos(next - System.nanoTime());
        }
      }
      done++;
    }
    return sum == 1 ? done + 1 : done;
  }

  private long giveBack() {
    for (int i = 0; i < GIVEN_OBJECTS; i++) {
      given[i] = giftOfA.alloc();
      Memory.putLong(given[i], i);
    }
    for (long object : given) {
      giftOfA.free(object);
    }
    return allocator.trim();
  }

  @Override
  public void close() {
    groups.close();
    allocator.close();
  }
}
