package org.kmem4j.sync;

import java.util.ArrayDeque;

/**
 * What was unpublished and may be touched only after a grace period. Whoever adds may also finish,
 * waiting a bounded time; what is then still pending is finished by a later call. Any thread.
 */
public final class Deferred {
  private record Item(long snapshot, Runnable finish) {}

  private final ArrayDeque<Item> items = new ArrayDeque<>();

  /** Items that threads are finishing at this moment. Guarded by the items. */
  private int running;

  /** Adds what is to be done with something that the caller has just unpublished. */
  public void add(Runnable finish) {
    synchronized (items) {
      items.add(new Item(Rcu.snapshot(), finish));
    }
  }

  /** Items that wait for their grace period. */
  public int size() {
    synchronized (items) {
      return items.size();
    }
  }

  /**
   * Waits for a grace period if anything is pending, then finishes what it covers, and waits for
   * other threads that are finishing something. Not to be called by what is finished.
   *
   * @return false if the time was too short, and something is left
   */
  public boolean finish(long maxNanos) {
    long start = System.nanoTime();
    if (size() > 0) {
      Rcu.synchronize(maxNanos);
    }
    if (!finishElapsed()) {
      return false;
    }
    for (int round = 0; isRunning(); round++) {
      if (System.nanoTime() - start > maxNanos) {
        return false;
      }
      SpinLock.pause(round);
    }
    return true;
  }

  private boolean isRunning() {
    synchronized (items) {
      return running > 0;
    }
  }

  private boolean finishElapsed() {
    while (true) {
      Item item;
      synchronized (items) {
        item = items.peek();
        if (item == null) {
          return true;
        }
        if (!Rcu.hasElapsed(item.snapshot)) {
          return false;
        }
        items.remove();
        running++;
      }
      try {
        item.finish.run();
      } finally {
        synchronized (items) {
          running--;
        }
      }
    }
  }
}
