package org.kmem4j.perf.program;

import java.io.IOException;
import java.util.SplittableRandom;

/**
 * After larson, the model of a server: a thread replaces random ones of its 5000 objects of 8 to
 * 1000 bytes, half a million times, and then dies; a new thread inherits its objects. An operation
 * is a free, most often of what a dead thread has allocated at first, and an allocation.
 *
 * <p>All threads of a generation end before the next begins, where the original lets each start its
 * own heir.
 */
final class Larson extends Classic {
  private static final int BLOCKS = 5000;
  private static final int STEPS = 100 * BLOCKS;
  private static final int LEAST_BYTES = 8;
  private static final int MOST_BYTES = 1000;
  private static final int SEED = 4141;
  private static final int BATCH = 5000;

  private Lane[] lanes;

  public static void main(String[] arguments) throws IOException {
    main(new Larson(), arguments);
  }

  @Override
  int objectBytes() {
    return MOST_BYTES;
  }

  @Override
  int cells(Order order) {
    return order.number("threads") * BLOCKS;
  }

  @Override
  long roundMillis() {
    return 100;
  }

  @Override
  void start(Order order) {
    lanes = new Lane[order.number("threads")];
    for (int i = 0; i < lanes.length; i++) {
      lanes[i] = new Lane(i);
    }
  }

  @Override
  long round() throws InterruptedException {
    runAll(works(lanes.length, i -> lanes[i]::generation), () -> {});
    return (long) lanes.length * STEPS;
  }

  @Override
  void finish() {
    for (Lane lane : lanes) {
      lane.freeAll();
    }
  }

  /** Objects that are handed on from thread to thread. */
  private final class Lane {
    private final int firstCell;
    private final SplittableRandom random;
    private final long[] addresses = new long[BLOCKS]; // 0 until first filled.
    private final int[] bytes = new int[BLOCKS];

    Lane(int number) {
      firstCell = number * BLOCKS;
      random = new SplittableRandom(SEED + number);
    }

    void generation() {
      for (int i = 0; i < BLOCKS; i++) {
        if (addresses[i] == 0) {
          fill(i);
        }
      }
      for (int step = 0; step < STEPS; step += BATCH) {
        batch();
      }
    }

    private void batch() {
      for (int step = 0; step < BATCH; step++) {
        int victim = random.nextInt(BLOCKS);
        give(firstCell + victim, addresses[victim], bytes[victim]);
        fill(victim);
      }
    }

    private void fill(int i) {
      bytes[i] = random.nextInt(LEAST_BYTES, MOST_BYTES + 1);
      addresses[i] = take(firstCell + i, bytes[i]);
    }

    void freeAll() {
      for (int i = 0; i < BLOCKS; i++) {
        give(firstCell + i, addresses[i], bytes[i]);
      }
    }
  }
}
