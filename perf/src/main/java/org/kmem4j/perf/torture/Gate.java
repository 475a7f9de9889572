package org.kmem4j.perf.torture;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.kmem4j.perf.torture.Violation.Kind;

/** Through which workers go in to work, and which is closed to have nobody at work. */
final class Gate {
  private volatile boolean closed;
  private final Set<Thread> inside = new LinkedHashSet<>(); // guarded by this

  /** Waits until the gate is open, and begins to work. */
  synchronized void enter() {
    boolean interrupted = false;
    while (closed) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    inside.add(Thread.currentThread());
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the work of the calling thread, which may now sleep for as long as it likes. */
  synchronized void leave() {
    inside.remove(Thread.currentThread());
    notifyAll();
  }

  /** Whether somebody waits for the caller to {@link #leave}. One load. */
  boolean isClosed() {
    return closed;
  }

  /** Stops at a closed gate until it opens. */
  void pass() {
    if (closed) {
      leave();
      enter();
    }
  }

  /**
   * Closes the gate and waits until nobody is inside.
   *
   * @throws Violation if somebody does not come out
   */
  synchronized void close(Duration limit) throws InterruptedException {
    closed = true;
    long end = System.nanoTime() + limit.toNanos();
    while (!inside.isEmpty()) {
      long millis = (end - System.nanoTime()) / 1_000_000;
      if (millis <= 0) {
        throw hang(limit);
      }
      wait(millis);
    }
  }

  private Violation hang(Duration limit) {
    Thread first = inside.iterator().next();
    var error = new Throwable(first.toString());
    error.setStackTrace(first.getStackTrace());
    return new Violation(
        Kind.HANG,
        "%d threads were at work still %d s after they were told to stop, the first is %s"
            .formatted(inside.size(), limit.toSeconds(), first),
        error);
  }

  synchronized void open() {
    closed = false;
    notifyAll();
  }
}
