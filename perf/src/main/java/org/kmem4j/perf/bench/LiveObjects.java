package org.kmem4j.perf.bench;

import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.Contender;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Objects of whichever contender a fork is started for, each in a cell. A JVM knows one contender
 * only, so that the calls through the interface are compiled as direct ones, and everyone pays the
 * same for them.
 */
@State(Scope.Thread)
public abstract class LiveObjects {
  @Param("SLAB")
  public Contender contender;

  /** The size where all are of one, read from a field: not a constant to the JIT. */
  int bytes;

  private Allocator allocator;
  private boolean hasAddresses;
  private long[] addresses; // By cell.

  /** For JMH's generated subclasses. */
  protected LiveObjects() {}

  /** Opens the contender for objects of one size, which an array fills with its header. */
  final void open(int objectBytes, int cells, boolean manyThreads) {
    bytes = contender.isOnHeap() ? KmemBenchmark.arrayLength(objectBytes) : objectBytes;
    start(contender.open(bytes, cells, manyThreads), cells);
  }

  /** Opens the contender for objects of any size. */
  final void open(int cells) {
    start(contender.open(cells, false), cells);
  }

  private void start(Allocator opened, int cells) {
    allocator = opened;
    hasAddresses = opened.hasAddresses();
    addresses = new long[hasAddresses ? cells : 0];
  }

  /** Called last; whoever leaves objects live frees them before. */
  @TearDown(Level.Trial)
  public void close() {
    allocator.close();
  }

  /** Takes an object, writes its first word, and keeps its address, which is never 0. */
  final long alloc(int cell, int objectBytes) {
    long address = take(cell, objectBytes);
    if (hasAddresses) {
      addresses[cell] = address;
    }
    return address;
  }

  final void free(int cell, int objectBytes) {
    free(cell, hasAddresses ? addresses[cell] : 0, objectBytes);
  }

  final void freeAll(int cells) {
    for (int cell = 0; cell < cells; cell++) {
      free(cell, bytes);
    }
  }

  // For whoever keeps the addresses.

  final long take(int cell, int objectBytes) {
    long address = allocator.alloc(cell, objectBytes);
    if (address == 0) {
      throw new IllegalStateException(contender + " refused");
    }
    allocator.putLong(cell, address, cell);
    return address;
  }

  final long read(int cell, long address) {
    return allocator.getLong(cell, address);
  }

  final void free(int cell, long address, int objectBytes) {
    allocator.free(cell, address, objectBytes);
  }
}
