package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.KmemException;

/**
 * Fills memory with objects of 64 bytes to 4 KiB, as many bytes of each size, frees all in random
 * order, and watches how resident memory falls while the agent runs and this thread sleeps.
 */
record GiveBack(Duration decay, long bytes) implements Trial {
  /** What the issue asks to be left at most. */
  static final double BAR = 0.05;

  private static final long USUAL_BYTES = 512L << 20;
  private static final int[] SIZES = {64, 128, 256, 512, 1024, 2048, 4096};
  private static final long SAMPLE_MILLIS = 100;

  GiveBack(Duration decay) {
    this(decay, USUAL_BYTES);
  }

  @Override
  public Question question() {
    return Question.GIVE_BACK;
  }

  @Override
  public String contender() {
    return "agent";
  }

  @Override
  public Map<String, String> params() {
    return Map.of("decayMillis", Long.toString(decay.toMillis()));
  }

  @Override
  public Duration estimate() {
    return decay.plusSeconds(2);
  }

  @Override
  public Outcome run(PrintStream log) {
    SlabAllocator allocator = open();
    try {
      allocator.startAgent();
      long[] objects = fill(allocator);
      long filled = allocator.stats().residentBytes();
      if (filled == 0) {
        throw new KmemException(id() + " failed: the system does not tell what is resident");
      }
      for (long object : objects) {
        allocator.free(object);
      }
      return new Outcome(watch(allocator, filled), List.of());
    } catch (InterruptedException e) {
      throw new KmemException("The run was interrupted.", e);
    } finally {
      allocator.close();
      allocator.unmap();
    }
  }

  /** A bad {@code kmem4j.} property is found here. */
  private SlabAllocator open() {
    try {
      return SlabAllocator.builder().max(2 * bytes).decay(decay).build();
    } catch (IllegalArgumentException e) {
      throw new KmemException("%s failed: %s".formatted(id(), e.getMessage()), e);
    }
  }

  /** Takes the objects, writes to each, and returns them in random order. */
  private long[] fill(SlabAllocator allocator) {
    long ofEachSize = bytes / SIZES.length;
    int count = 0;
    for (int size : SIZES) {
      count += (int) (ofEachSize / size);
    }
    long[] objects = new long[count];
    int filled = 0;
    for (int size : SIZES) {
      for (long i = 0; i < ofEachSize / size; i++) {
        long object = allocator.alloc(size);
        Memory.putLong(object, i);
        objects[filled++] = object;
      }
    }
    Random random = new Random(1);
    for (int i = count - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      long object = objects[i];
      objects[i] = objects[other];
      objects[other] = object;
    }
    return objects;
  }

  /**
   * Samples until the decay time is over and little is left, at most for two decay times. What
   * counts as the share at decay time is the last sample taken before it. The peak is the highest
   * sample so far: a free writes its links, and may touch a page for the first time.
   */
  private List<Reading> watch(SlabAllocator allocator, long filled) throws InterruptedException {
    long start = System.nanoTime();
    long peak = filled;
    double atDecay = 1;
    double fellAfter = Double.NaN;
    while (true) {
      long resident = allocator.stats().residentBytes();
      peak = Math.max(peak, resident);
      double share = (double) resident / peak;
      long nanos = System.nanoTime() - start;
      if (nanos <= decay.toNanos()) {
        atDecay = share;
      }
      if (Double.isNaN(fellAfter) && share <= BAR) {
        fellAfter = nanos / 1e9;
      }
      boolean isOver = nanos >= decay.toNanos();
      if (isOver && !Double.isNaN(fellAfter) || nanos >= 2 * decay.toNanos()) {
        break;
      }
      long left = decay.toMillis() - nanos / 1_000_000;
      // The last sample before the end lies as near to it as sleeping permits.
      Thread.sleep(left > 2 ? Math.min(SAMPLE_MILLIS, left - 1) : SAMPLE_MILLIS);
    }
    return List.of(
        new Reading(
            new Reading.Key(question(), contender(), params(), "resident ÷ peak"), atDecay, null),
        new Reading(
            new Reading.Key(question(), contender() + ".fellTo5Percent", params(), "s"),
            fellAfter,
            null));
  }
}
