package org.kmem4j.stress;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The threads of one test. What one of them throws, {@link #join} throws; nobody is waited for
 * without end, so a test that hangs fails.
 */
public final class Crew {
  /** What a thread does. */
  @FunctionalInterface
  public interface Work {
    void run() throws Throwable;
  }

  private final List<Thread> threads = new ArrayList<>();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile boolean stopped;

  /** Starts a platform thread. */
  public Thread start(Work work) {
    return start(Thread.ofPlatform().daemon(), work);
  }

  /** Starts a virtual thread. */
  public Thread startVirtual(Work work) {
    return start(Thread.ofVirtual(), work);
  }

  public Thread start(Thread.Builder kind, Work work) {
    Thread thread = kind.unstarted(guarded(work));
    start(thread);
    return thread;
  }

  /** Starts a thread that was made to run {@link #guarded} work. */
  public void start(Thread thread) {
    threads.add(thread);
    thread.start();
  }

  /** Work as a {@code Runnable} whose failure {@link #join} reports. */
  public Runnable guarded(Work work) {
    return () -> {
      try {
        work.run();
      } catch (Throwable e) {
        failure.compareAndSet(null, e);
        stopped = true;
      }
    };
  }

  /** False once the crew was stopped or one of it has failed: loops ask it. */
  public boolean goesOn() {
    return !stopped;
  }

  public void stop() {
    stopped = true;
  }

  /** Lets the threads work for a while, then stops them and waits for their end. */
  public void runFor(Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    while (goesOn() && System.nanoTime() - end < 0) {
      Thread.sleep(5);
    }
    stop();
    join();
  }

  /** Waits for all threads, and throws what one of them has thrown. */
  public void join() throws InterruptedException {
    join(Duration.ofSeconds(20));
  }

  public void join(Duration limit) throws InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    for (Thread thread : threads) {
      if (!thread.join(Duration.ofNanos(Math.max(1, end - System.nanoTime())))) {
        rethrow();
        var error = new AssertionError(thread + " has not ended after " + limit);
        error.setStackTrace(thread.getStackTrace());
        throw error;
      }
    }
    threads.clear();
    rethrow();
  }

  private void rethrow() {
    if (failure.get() != null) {
      throw new AssertionError("a thread of the crew failed", failure.get());
    }
  }

  /** Waits on a latch inside a thread's work; fails after 20 s. */
  public static void await(CountDownLatch latch) throws InterruptedException {
    if (!latch.await(20, java.util.concurrent.TimeUnit.SECONDS)) {
      throw new AssertionError("waited 20 s for another thread");
    }
  }
}
