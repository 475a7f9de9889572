package org.kmem4j.perf.program;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import org.kmem4j.perf.contender.Allocator;

/**
 * After cache-scratch: one thread allocates an object of 8 bytes for each of the others, neighbours
 * in memory. Each frees the one it was given, and then again and again allocates one, writes to it
 * many times, and frees it. If a free puts an object where the freeing thread finds it next, the
 * threads write to one cache line from several cores and slow each other down.
 *
 * <p>The score is the time of one write and read by one thread: if nothing is shared, it is the
 * same with one thread and with as many as there are cores.
 */
final class CacheScratch extends Classic {
  private static final int OBJECT_BYTES = 8;
  private static final int ITERATIONS = 100;
  private static final int WRITES = 20_000; // to each object

  private long[] given;

  public static void main(String[] arguments) throws IOException {
    main(new CacheScratch(), arguments);
  }

  @Override
  int objectBytes() {
    return OBJECT_BYTES;
  }

  @Override
  int cells(Order order) {
    return order.number("threads");
  }

  @Override
  long roundMillis() {
    return 50;
  }

  @Override
  void start(Order order) {
    given = new long[order.number("threads")];
  }

  @Override
  long round() throws InterruptedException {
    for (int i = 0; i < given.length; i++) {
      given[i] = take(i, OBJECT_BYTES);
    }
    runAll(works(given.length, i -> () -> scratch(i)), () -> {});
    return (long) ITERATIONS * WRITES;
  }

  @Override
  void finish() {
    // A round leaves nothing.
  }

  private void scratch(int thread) {
    give(thread, given[thread], OBJECT_BYTES);
    for (int i = 0; i < ITERATIONS; i++) {
      long object = take(thread, OBJECT_BYTES);
      long stamp = allocator().getLong(thread, object);
      write(thread, object);
      allocator().putLong(thread, object, stamp);
      give(thread, object, OBJECT_BYTES);
    }
  }

  private void write(int thread, long object) {
    Allocator allocator = allocator();
    for (int i = 0; i < WRITES; i++) {
      allocator.putLong(thread, object, allocator.getLong(thread, object) + 1);
      // Or the JIT adds in a register, and writes once. On x86 these are no instructions.
      VarHandle.releaseFence();
      VarHandle.acquireFence();
    }
  }
}
