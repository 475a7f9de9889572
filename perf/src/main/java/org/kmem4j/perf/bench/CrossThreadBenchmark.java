package org.kmem4j.perf.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.infra.Control;

/**
 * What does an object of 64 bytes cost that one thread takes and writes, and another reads and
 * gives back? Both wait for each other at a ring, so an operation lasts as long as the slower half.
 */
public class CrossThreadBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;
  private static final int CAPACITY = 1024;

  /** More than are on their way, so that a cell is free again before its turn comes. */
  private static final int CELLS = 2 * CAPACITY;

  /** The way from one thread to the other. */
  @State(Scope.Group)
  public static class Pipe extends LiveObjects {
    private final LongRing ring = new LongRing(CAPACITY);

    @Setup(Level.Trial)
    public void open() {
      open(BYTES, CELLS, true);
    }

    /** False if the measurement ended while the ring was full. */
    private boolean send(long object, Control control) {
      while (!ring.offer(object)) {
        if (control.stopMeasurement) {
          return false;
        }
        Thread.onSpinWait();
      }
      return true;
    }

    /** 0 if the measurement ended while the ring was empty. */
    private long receive(Control control) {
      long object;
      while ((object = ring.poll()) == 0) {
        if (control.stopMeasurement) {
          return 0;
        }
        Thread.onSpinWait();
      }
      return object;
    }

    /** Frees what is still on its way. */
    @Override
    public void close() {
      while (true) {
        int cell = (int) ring.taken() & (CELLS - 1);
        long object = ring.poll();
        if (object == 0) {
          break;
        }
        free(cell, object, bytes);
      }
      super.close();
    }
  }

  @Benchmark
  @Group("send")
  public void produce(Pipe pipe, Control control) {
    int cell = (int) pipe.ring.given() & (CELLS - 1);
    long object = pipe.take(cell, pipe.bytes);
    if (!pipe.send(object, control)) {
      pipe.free(cell, object, pipe.bytes);
    }
  }

  @Benchmark
  @Group("send")
  public long consume(Pipe pipe, Control control) {
    int cell = (int) pipe.ring.taken() & (CELLS - 1);
    long object = pipe.receive(control);
    if (object == 0) {
      return 0;
    }
    long value = pipe.read(cell, object);
    pipe.free(cell, object, pipe.bytes);
    return value;
  }
}
