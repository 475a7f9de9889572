package org.kmem4j.perf.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Control;

/**
 * What does an object of 64 bytes cost that one thread takes and writes, and another reads and
 * gives back? Both wait for each other at a ring, so an operation lasts as long as the slower half.
 */
public class CrossThreadBenchmark extends KmemBenchmark {
  private static final int BYTES = 64;
  private static final int CAPACITY = 1024;

  /** More than are on their way: a cell is free again before its turn comes. */
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
  }

  /** Which cell is next: both threads count alike, because objects arrive in their order. */
  @State(Scope.Thread)
  public static class Turn {
    private int cell;
    private boolean isConsumers;

    private void pass() {
      cell = (cell + 1) & (CELLS - 1);
    }

    /** The consumer's frees what is still on its way. */
    @TearDown(Level.Trial)
    public void empty(Pipe pipe) {
      for (long object = 0; isConsumers && (object = pipe.ring.poll()) != 0; pass()) {
        pipe.free(cell, object, pipe.bytes);
      }
    }
  }

  @Benchmark
  @Group("send")
  public void produce(Pipe pipe, Turn turn, Control control) {
    long object = pipe.take(turn.cell, pipe.bytes);
    if (pipe.send(object, control)) {
      turn.pass();
    } else {
      pipe.free(turn.cell, object, pipe.bytes);
    }
  }

  @Benchmark
  @Group("send")
  public long consume(Pipe pipe, Turn turn, Control control) {
    turn.isConsumers = true;
    long object = pipe.receive(control);
    if (object == 0) {
      return 0;
    }
    long value = pipe.read(turn.cell, object);
    pipe.free(turn.cell, object, pipe.bytes);
    turn.pass();
    return value;
  }
}
