package org.kmem4j.sync;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * What was unpublished and may be touched only after a grace period. Whoever adds may also finish,
 * waiting a bounded time; what is then still pending is finished by a later call. Any thread.
 */
public final class Deferred {
  private record Item(long number, long snapshot, Runnable finish) {}

  // All guarded by the items.
  private final ArrayDeque<Item> items = new ArrayDeque<>();
  private final List<Item> running = new ArrayList<>();
  private long added;

  /** Adds what is to be done with something that the caller has just unpublished. */
  public void add(Runnable finish) {
    synchronized (items) {
      items.add(new Item(++added, Rcu.snapshot(), finish));
    }
  }

  /** Items that wait for their grace period. */
  public int size() {
    synchronized (items) {
      return items.size();
    }
  }

  /**
   * Finishes what was added before this call, by whomever: waits for a grace period if anything is
   * pending, and for other threads that are at work on it. Not to be called by what is finished.
   *
   * @return false if the time was too short, and something is left
   */
  public boolean finish(long maxNanos) {
    long start = System.nanoTime();
    long last;
    synchronized (items) {
      last = added;
    }
    if (size() > 0) {
      Rcu.synchronize(maxNanos);
    }
    finishElapsed();
    for (int round = 0; !isFinished(last); round++) {
      if (System.nanoTime() - start > maxNanos) {
        return false;
      }
      SpinLock.pause(round);
      finishElapsed();
    }
    return true;
  }

  private boolean isFinished(long last) {
    synchronized (items) {
      Item oldest = items.peek();
      return (oldest == null || oldest.number > last)
          && running.stream().allMatch(item -> item.number > last);
    }
  }

  /** Finishes what has had its grace period. Never waits. */
  public void finishElapsed() {
    for (Item item = takeElapsed(); item != null; item = takeElapsed()) {
      try {
        item.finish.run();
      } finally {
        synchronized (items) {
          running.remove(item);
        }
      }
    }
  }

  /** The oldest item, if its grace period has ended; else null. */
  private Item takeElapsed() {
    synchronized (items) {
      Item item = items.peek();
      if (item == null || !Rcu.hasElapsed(item.snapshot)) {
        return null;
      }
      running.add(item);
      return items.remove();
    }
  }
}
