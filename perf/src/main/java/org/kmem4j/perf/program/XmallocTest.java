package org.kmem4j.perf.program;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.contender.Allocator;

/**
 * After xmalloc-test: producers allocate batches of 4096 objects of 64 bytes and fill them,
 * consumers free them. A batch is itself an object, which holds the addresses; batches wait in a
 * stack of at most a hundred that is guarded by a lock. An operation is an allocation and its free
 * by another thread.
 *
 * <p>How full the stack is depends on who is faster, so peak memory tells of speed too.
 */
final class XmallocTest extends Classic {
  private static final int OBJECTS = 4096;
  private static final int OBJECT_BYTES = 64;
  private static final int BATCH_BYTES = Long.BYTES * (1 + OBJECTS); // its stamp, then addresses
  private static final int MOST_WAITING = 100;
  private static final int BATCHES = 64; // of each producer in a round

  private int producers; // And as many consumers.

  // Guarded by this, as is the waiting for any of it to change.
  private final List<Batch> waiting = new ArrayList<>();
  private final List<Batch> unused = new ArrayList<>();
  private int unfreed; // Batches of this round.
  private boolean failed;

  public static void main(String[] arguments) throws IOException {
    main(new XmallocTest(), arguments);
  }

  @Override
  int objectBytes() {
    return OBJECT_BYTES;
  }

  @Override
  int cells(Order order) {
    return batches(order) * (1 + OBJECTS);
  }

  /** Those that wait, and one in the hands of each thread. */
  private static int batches(Order order) {
    return MOST_WAITING + 2 * order.number("threads");
  }

  @Override
  long roundMillis() {
    return 100;
  }

  @Override
  synchronized void start(Order order) {
    producers = order.number("threads");
    unused.clear();
    for (int i = 0; i < batches(order); i++) {
      unused.add(new Batch(i * (1 + OBJECTS)));
    }
  }

  @Override
  long round() throws InterruptedException {
    synchronized (this) {
      unfreed = producers * BATCHES;
    }
    runAll(works(2 * producers, i -> i < producers ? this::produce : this::consume), this::fail);
    return (long) producers * BATCHES * OBJECTS;
  }

  @Override
  void finish() {
    // A round leaves nothing.
  }

  private void produce() throws InterruptedException {
    for (int i = 0; i < BATCHES; i++) {
      Batch batch = unused();
      batch.allocate();
      push(batch);
    }
  }

  private void consume() throws InterruptedException {
    for (Batch batch = pop(); batch != null; batch = pop()) {
      batch.free();
      synchronized (this) {
        unused.add(batch);
        if (--unfreed == 0) {
          notifyAll();
        }
      }
    }
  }

  private synchronized Batch unused() {
    return unused.removeLast();
  }

  private synchronized void push(Batch batch) throws InterruptedException {
    while (waiting.size() >= MOST_WAITING && !failed) {
      wait();
    }
    waiting.add(batch);
    notifyAll();
  }

  /** The last batch, or null if this round has none any more. */
  private synchronized Batch pop() throws InterruptedException {
    while (waiting.isEmpty() && unfreed > 0 && !failed) {
      wait();
    }
    if (waiting.isEmpty() || failed) {
      return null;
    }
    notifyAll();
    return waiting.removeLast();
  }

  private synchronized void fail() {
    failed = true;
    notifyAll();
  }

  /** Cells for a batch and its objects. */
  private final class Batch {
    private final int cell;
    private long address;

    Batch(int cell) {
      this.cell = cell;
    }

    void allocate() {
      Allocator allocator = allocator();
      address = take(cell, BATCH_BYTES);
      for (int i = 1; i <= OBJECTS; i++) {
        long object = take(cell + i, OBJECT_BYTES);
        for (int at = Long.BYTES; at < OBJECT_BYTES; at += Long.BYTES) {
          allocator.putLong(cell + i, object + at, at);
        }
        allocator.putLong(cell, address + (long) i * Long.BYTES, object);
      }
    }

    void free() {
      Allocator allocator = allocator();
      for (int i = 1; i <= OBJECTS; i++) {
        long object = allocator.getLong(cell, address + (long) i * Long.BYTES);
        give(cell + i, object, OBJECT_BYTES);
      }
      give(cell, address, BATCH_BYTES);
    }
  }
}
