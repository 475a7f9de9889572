package org.kmem4j.slab;

import java.util.Collection;
import org.kmem4j.memory.Memory;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.SpinLock;

/**
 * The caches of one allocator that are ending, each a state machine on grace-period numbers: see
 * {@link OwnedCache}. The queue is linked through the caches, so it cannot fill, and entering it
 * allocates nothing: any thread may, in any state but inside a section. The steps are made by one
 * thread at a time, mostly that of the background work, and none of them waits.
 *
 * <p>All that wait at the same time share their grace periods.
 */
final class Retirement {
  private final Slabs slabs;
  private final SpinLock lock = new SpinLock(); // leaf code only

  // Guarded by the lock.
  private OwnedCache head;
  private OwnedCache tail;
  private int size;

  /** Held by the thread that makes the steps. */
  private final SpinLock steps = new SpinLock();

  Retirement(Slabs slabs) {
    this.slabs = slabs;
  }

  /**
   * Begins the end of a cache.
   *
   * @return false if somebody else began it
   */
  boolean retire(OwnedCache cache) {
    cache.hide(); // first, so that who finds nothing makes no new one for an account that is closed
    lock.lock();
    try {
      if (cache.state != OwnedCache.State.ACTIVE) {
        return false;
      }
      cache.state = OwnedCache.State.RETIRED;
      enqueue(cache, Rcu.snapshot());
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** The last reference of a drained cache was put. */
  void add(OwnedCache cache) {
    lock.lock();
    try {
      enqueue(cache, 0);
    } finally {
      lock.unlock();
    }
  }

  /** Guarded by the lock. */
  private void enqueue(OwnedCache cache, long snapshot) {
    cache.snapshot = snapshot;
    cache.nextRetired = null;
    if (tail == null) {
      head = cache;
    } else {
      tail.nextRetired = cache;
    }
    tail = cache;
    size++;
  }

  /** Caches that wait for a grace period, or to be looked at. */
  int size() {
    return size;
  }

  private OwnedCache poll() {
    lock.lock();
    try {
      OwnedCache cache = head;
      if (cache != null) {
        head = cache.nextRetired;
        tail = head == null ? null : tail;
        cache.nextRetired = null;
        size--;
      }
      return cache;
    } finally {
      lock.unlock();
    }
  }

  private void requeue(OwnedCache cache, OwnedCache.State next, long snapshot) {
    lock.lock();
    try {
      cache.state = next;
      enqueue(cache, snapshot);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes every cache one step further that can go further now, unless another thread is at it.
   *
   * @return how many steps were made
   */
  int advance() {
    if (size == 0 || !steps.tryLock()) {
      return 0;
    }
    try {
      int made = 0;
      for (int left = size; left > 0; left--) {
        OwnedCache cache = poll();
        if (cache == null) {
          break;
        }
        made += step(cache) ? 1 : 0;
      }
      return made;
    } finally {
      steps.unlock();
    }
  }

  /** No step is made from here on. */
  void stop() {
    steps.lock();
  }

  private boolean step(OwnedCache cache) {
    if (!Rcu.hasElapsed(cache.snapshot)) {
      requeue(cache, cache.state, cache.snapshot);
      return false;
    }
    switch (cache.state) {
      case RETIRED -> {
        // Whoever read "active" in a section has attached its front by now.
        cache.unlinkFronts();
        cache.kill();
        requeue(cache, OwnedCache.State.KILLED, Rcu.snapshot());
      }
      case KILLED -> {
        try {
          cache.drain();
        } finally { // it may report damage; what is damaged stays, and the cache with it
          cache.state = OwnedCache.State.DRAINED;
          cache.confirm(); // enters the queue again if that was the last reference
        }
      }
      case DRAINED -> {
        if (cache.linked) {
          cache.account.unlink(cache);
        }
        cache.vanish();
        slabs.forget(cache);
        cache.endedLink = cache.endLink();
        requeue(cache, OwnedCache.State.EMPTY, Rcu.snapshot());
      }
      default -> release(cache);
    }
    return true;
  }

  private void release(OwnedCache cache) {
    assert cache.state == OwnedCache.State.EMPTY : cache.state;
    cache.state = OwnedCache.State.RELEASED;
    Memory.fill(cache.address, cache.structBytes(), (byte) 0x6b); // a late look shows
    slabs.metadata().free(cache.address, cache.structBytes());
    PerThread.giveLink(cache.endedLink);
    cache.released();
  }

  /**
   * Waits until caches that were retired hold nothing but what the program holds.
   *
   * @param maxNanos how long at most
   * @return false if the time was too short; the background work goes on with it
   */
  boolean finish(Collection<? extends OwnedCache> caches, long maxNanos) {
    long start = System.nanoTime();
    for (int round = 0; !areDone(caches); round++) {
      long left = maxNanos - (System.nanoTime() - start);
      if (left <= 0) {
        return false;
      }
      if (!Rcu.synchronize(left) || advance() == 0) {
        SpinLock.pause(round);
      }
    }
    return true;
  }

  /** Whether each is released, or waits for the program alone: nobody else is at work on it. */
  private static boolean areDone(Collection<? extends OwnedCache> caches) {
    for (OwnedCache cache : caches) {
      boolean waits =
          cache.state == OwnedCache.State.DRAINED
              && cache.holdings() > 0
              && cache.references() == cache.holdings();
      if (cache.state != OwnedCache.State.RELEASED && !waits) {
        return false;
      }
    }
    return true;
  }
}
