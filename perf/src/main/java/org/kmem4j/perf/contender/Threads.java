package org.kmem4j.perf.contender;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicReference;

/** Threads that live for one piece of work each. */
public final class Threads {
  private Threads() {}

  /** What a thread does. */
  public interface Work {
    void run() throws InterruptedException;
  }

  /**
   * Runs each work on a new thread, and returns when all are over.
   *
   * @param factory makes the threads that the contender is run on
   * @param onFailure is called by the thread that fails, to wake those who wait for it
   */
  public static void run(ThreadFactory factory, List<Work> works, Runnable onFailure)
      throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (Work work : works) {
      Thread thread =
          factory.newThread(
              () -> {
                try {
                  work.run();
                } catch (Throwable e) {
                  failure.compareAndSet(null, e);
                  onFailure.run();
                }
              });
      thread.setDaemon(true);
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure.get());
    }
  }
}
