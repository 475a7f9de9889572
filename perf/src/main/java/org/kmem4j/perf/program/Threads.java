package org.kmem4j.perf.program;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** Threads that live for one piece of work each. */
final class Threads {
  private Threads() {}

  /** What a thread does. */
  interface Work {
    void run() throws InterruptedException;
  }

  /**
   * Runs each work on a new thread, and returns when all are over.
   *
   * @param onFailure is called by the thread that fails, to wake those who wait for it
   */
  static void run(List<Work> works, Runnable onFailure) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (Work work : works) {
      threads.add(
          Thread.ofPlatform()
              .daemon()
              .start(
                  () -> {
                    try {
                      work.run();
                    } catch (Throwable e) {
                      failure.compareAndSet(null, e);
                      onFailure.run();
                    }
                  }));
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

  static void run(List<Work> works) throws InterruptedException {
    run(works, () -> {});
  }
}
