package org.kmem4j.perf.program;

import java.io.IOException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.kmem4j.perf.contender.Allocator;

/**
 * After mleak: ten threads at a time each allocate and clear 16 words, exchange them for what lies
 * in one of 1000 places, free what they got, and die. Memory that an allocator keeps for threads
 * must not grow with the number of those that have died. An operation is the life of a thread, of
 * which an allocator's part is small.
 */
final class Mleak extends Classic {
  private static final int THREADS = 10;
  private static final int PLACES = 1000;
  private static final int WORDS = 16;
  private static final int BYTES = WORDS * Long.BYTES;
  private static final int EMPTY = -1;

  private final AtomicIntegerArray places = new AtomicIntegerArray(PLACES); // cells

  private final SplittableRandom random = new SplittableRandom(5);

  /** By cell; published by the exchange that hands on the cell. */
  private final long[] addresses = new long[PLACES + THREADS];

  private final int[] cellOf = new int[THREADS]; // free ones, one for each thread; or EMPTY
  private int nextCell;

  Mleak() {
    reset();
  }

  private void reset() {
    for (int i = 0; i < PLACES; i++) {
      places.setPlain(i, EMPTY);
    }
    Arrays.fill(cellOf, EMPTY);
    nextCell = 0;
  }

  public static void main(String[] arguments) throws IOException {
    main(new Mleak(), arguments);
  }

  @Override
  int objectBytes() {
    return BYTES;
  }

  @Override
  int cells(Order order) {
    return addresses.length;
  }

  @Override
  long roundMillis() {
    return 2;
  }

  @Override
  void start(Order order) {
    reset();
  }

  @Override
  long round() throws InterruptedException {
    for (int i = 0; i < THREADS; i++) {
      if (cellOf[i] == EMPTY) { // the last exchange was with an empty place
        cellOf[i] = nextCell++;
      }
    }
    int[] place = random.ints(THREADS, 0, PLACES).toArray();
    runAll(works(THREADS, i -> () -> live(i, place[i])), () -> {});
    return THREADS;
  }

  private void live(int thread, int place) {
    Allocator allocator = allocator();
    int cell = cellOf[thread];
    long address = take(cell, BYTES);
    for (int word = 1; word < WORDS; word++) {
      allocator.putLong(cell, address + (long) word * Long.BYTES, 0);
    }
    addresses[cell] = address;
    int got = places.getAndSet(place, cell);
    if (got != EMPTY) {
      give(got, addresses[got], BYTES);
    }
    cellOf[thread] = got;
  }

  @Override
  void finish() {
    for (int place = 0; place < PLACES; place++) {
      int cell = places.get(place);
      if (cell != EMPTY) {
        give(cell, addresses[cell], BYTES);
      }
    }
  }
}
