package org.kmem4j.sync;

/**
 * What was unpublished and may be touched only after a grace period. Whoever adds may also finish,
 * waiting a bounded time; what is then still pending is finished by a later call. Any thread.
 *
 * <p>The queue is linked through its items, so adding one takes no memory: who makes the item
 * before it unpublishes anything can lose nothing when the Java heap is full.
 */
public final class Deferred {
  /** What is to be done with something that was unpublished. Added once. */
  public abstract static class Item {
    // All guarded by the queue.
    private long number;
    private long snapshot;
    private boolean running;
    private boolean done;
    private Item next;

    /** Makes an item that is in no queue. */
    protected Item() {}

    /** The grace period has ended. */
    protected abstract void finish();
  }

  // All guarded by this. Items leave from the head, once they are done.
  private Item head;
  private Item tail;
  private int pending; // that nobody is at work on
  private long added;

  /** Makes an empty queue. */
  public Deferred() {}

  /** Adds what is to be done with something that the caller has just unpublished. */
  public synchronized void add(Item item) {
    item.number = ++added;
    item.snapshot = Rcu.snapshot();
    if (tail == null) {
      head = item;
    } else {
      tail.next = item;
    }
    tail = item;
    pending++;
  }

  /** Items that wait for their grace period. */
  public synchronized int size() {
    return pending;
  }

  /**
   * Finishes what was added before this call, by whomever: waits for a grace period if anything is
   * pending, and for other threads that are at work on it. Not to be called by what is finished.
   *
   * @return false if the time was too short, and something is left
   */
  public boolean finish(long maxNanos) {
    long start = System.nanoTime();
    long last = last();
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

  private synchronized long last() {
    return added;
  }

  private synchronized boolean isFinished(long last) {
    return head == null || head.number > last;
  }

  /** Finishes what has had its grace period. Never waits. */
  public void finishElapsed() {
    for (Item item = takeElapsed(); item != null; item = takeElapsed()) {
      try {
        item.finish();
      } finally {
        remove(item);
      }
    }
  }

  /** The oldest item that nobody is at work on, if its grace period has ended; else null. */
  private synchronized Item takeElapsed() {
    Item item = head;
    while (item != null && item.running) {
      item = item.next;
    }
    if (item == null || !Rcu.hasElapsed(item.snapshot)) {
      return null;
    }
    item.running = true;
    pending--;
    return item;
  }

  private synchronized void remove(Item item) {
    item.done = true;
    while (head != null && head.done) {
      head = head.next;
    }
    tail = head == null ? null : tail;
  }
}
