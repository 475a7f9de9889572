package org.kmem4j.perf.replay;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.kmem4j.perf.trace.Trace;

/**
 * A trace made ready to replay: for each worker the operations it does, one word each.
 *
 * <p>With one worker a cell is reused as soon as its object is freed, last freed first, so the
 * table of addresses is no larger than the most live objects and adds little to the cache misses
 * that are to be measured. With several workers each object has a cell of its own, because a free
 * may run ahead of the alloc that it waits for.
 *
 * <p>The leftovers free what the trace leaves live. They belong to no timed pass.
 */
final class Program {
  private static final long FREE = Long.MIN_VALUE;
  private static final int BUFFER_BYTES = 1 << 16;

  private final long[][] operations; // By worker.
  private final long[][] leftovers;
  private final int cells;
  private final boolean cellIsObject;

  private Program(long[][] operations, long[][] leftovers, int cells, boolean cellIsObject) {
    this.operations = operations;
    this.leftovers = leftovers;
    this.cells = cells;
    this.cellIsObject = cellIsObject;
  }

  /** Everything on one worker, or the events of thread t on worker t mod {@code workers}. */
  static Program of(Trace trace, int workers) {
    return workers == 1 ? inFileOrder(trace) : shared(trace, workers);
  }

  private static Program inFileOrder(Trace trace) {
    long[] operations = new long[trace.events()];
    int[] cellOf = new int[trace.objects()];
    int[] freed = new int[trace.maxLiveObjects()]; // A stack of cells to use again.
    int freedCount = 0;
    int cells = 0;
    for (int event = 0; event < operations.length; event++) {
      int object = trace.object(event);
      if (trace.isAlloc(event)) {
        cellOf[object] = freedCount > 0 ? freed[--freedCount] : cells++;
        operations[event] = operation(cellOf[object], trace.bytes(object));
      } else {
        operations[event] = FREE | operation(cellOf[object], trace.bytes(object));
        freed[freedCount++] = cellOf[object];
        cellOf[object] = -1;
      }
    }

    int live = cells - freedCount;
    long[] leftovers = new long[live];
    for (int object = 0; object < cellOf.length; object++) {
      if (cellOf[object] >= 0) {
        leftovers[--live] = FREE | operation(cellOf[object], trace.bytes(object));
      }
    }
    return new Program(new long[][] {operations}, new long[][] {leftovers}, cells, false);
  }

  private static Program shared(Trace trace, int workers) {
    int[] counts = new int[workers];
    for (int event = 0; event < trace.events(); event++) {
      counts[trace.thread(event) % workers]++;
    }
    long[][] operations = new long[workers][];
    Arrays.setAll(operations, worker -> new long[counts[worker]]);

    Arrays.fill(counts, 0);
    int[] liveWith = new int[trace.objects()]; // The worker that allocated it, or -1.
    int[] live = new int[workers];
    for (int event = 0; event < trace.events(); event++) {
      int worker = trace.thread(event) % workers;
      int object = trace.object(event);
      long operation = operation(object, trace.bytes(object));
      if (trace.isAlloc(event)) {
        liveWith[object] = worker;
        live[worker]++;
      } else {
        operation |= FREE;
        live[liveWith[object]]--;
        liveWith[object] = -1;
      }
      operations[worker][counts[worker]++] = operation;
    }

    long[][] leftovers = new long[workers][];
    Arrays.setAll(leftovers, worker -> new long[live[worker]]);
    for (int object = 0; object < liveWith.length; object++) {
      int worker = liveWith[object];
      if (worker >= 0) {
        leftovers[worker][--live[worker]] = FREE | operation(object, trace.bytes(object));
      }
    }
    return new Program(operations, leftovers, trace.objects(), true);
  }

  int workers() {
    return operations.length;
  }

  int cells() {
    return cells;
  }

  /** Whether a cell holds one and the same object in every pass. */
  boolean cellIsObject() {
    return cellIsObject;
  }

  long[] operations(int worker) {
    return operations[worker];
  }

  long[] leftovers(int worker) {
    return leftovers[worker];
  }

  /** Puts the program into a file, for other JVMs that need not decode the trace again. */
  void write(Path file) throws IOException {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file), BUFFER_BYTES))) {
      out.writeInt(cells);
      out.writeBoolean(cellIsObject);
      out.writeInt(operations.length);
      for (long[][] part : List.of(operations, leftovers)) {
        for (long[] words : part) {
          out.writeInt(words.length);
          for (long word : words) {
            out.writeLong(word);
          }
        }
      }
    }
  }

  /** Takes it out again, and leaves hardly any garbage. */
  static Program read(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER_BYTES))) {
      int cells = in.readInt();
      boolean cellIsObject = in.readBoolean();
      long[][] operations = new long[in.readInt()][];
      long[][] leftovers = new long[operations.length][];
      for (long[][] part : List.of(operations, leftovers)) {
        for (int worker = 0; worker < part.length; worker++) {
          part[worker] = new long[in.readInt()];
          for (int i = 0; i < part[worker].length; i++) {
            part[worker][i] = in.readLong();
          }
        }
      }
      return new Program(operations, leftovers, cells, cellIsObject);
    }
  }

  /** Pairs of a small object on the worker's own cell, to load and compile what a pass will use. */
  long[] warmUp(int worker) {
    long[] pairs = new long[worker < cells ? 2048 : 0];
    Arrays.setAll(pairs, i -> (i % 2 == 0 ? 0 : FREE) | operation(worker, 64));
    return pairs;
  }

  // An operation is 1 bit free, 31 bits cell, 32 bits bytes; an object of 0 bytes is taken as 1.

  private static long operation(int cell, int bytes) {
    return (long) cell << 32 | Math.max(bytes, 1);
  }

  static boolean isAlloc(long operation) {
    return operation >= 0;
  }

  static int cell(long operation) {
    return (int) (operation >>> 32) & Integer.MAX_VALUE;
  }

  static long bytes(long operation) {
    return operation & 0xffff_ffffL;
  }
}
