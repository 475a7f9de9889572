package org.kmem4j.slab;

import java.util.Collection;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.OwnedCache.State;
import org.kmem4j.sync.GraceQueue;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.SpinLock;

/** The end of one cache, step by step: see {@link OwnedCache}. */
final class Retirement extends GraceQueue.Task {
  private final OwnedCache cache;
  private int endedLink;

  Retirement(OwnedCache cache) {
    this.cache = cache;
  }

  private GraceQueue queue() {
    return cache.slabs.endings();
  }

  /**
   * Begins.
   *
   * @return false if somebody else began it
   */
  boolean begin() {
    cache.hide(); // first, so that who finds nothing makes no new one for an account that is closed
    if (!cache.tryRetire()) {
      return false;
    }
    queue().addAfterGracePeriod(this);
    return true;
  }

  /** The last reference was put, on any thread. */
  void end() {
    queue().add(this);
  }

  @Override
  protected void step() {
    switch (cache.state) {
      case RETIRED -> {
        // Whoever read "active" in a section has attached its front by now.
        try {
          cache.retireChildren();
          cache.unlinkFronts();
        } catch (OutOfMemoryError e) { // no room on the Java heap: once more, later
          queue().addAfterGracePeriod(this);
          throw e;
        }
        cache.kill();
        goOn(State.KILLED);
      }
      case KILLED -> {
        try {
          cache.drain();
        } finally { // it may report damage; what is damaged stays, and the cache with it
          cache.state = State.DRAINED;
          cache.confirm(); // which comes back to end(), if that was the last reference
        }
      }
      case DRAINED -> {
        try {
          if (cache.linked) {
            cache.account.unlink(cache);
          }
        } finally {
          cache.vanish();
          cache.slabs.forget(cache);
          endedLink = cache.endLink();
          goOn(State.EMPTY);
        }
      }
      default -> release();
    }
  }

  private void goOn(State next) {
    cache.state = next;
    queue().addAfterGracePeriod(this);
  }

  private void release() {
    assert cache.state == State.EMPTY : cache.state;
    cache.state = State.RELEASED;
    Memory.fill(cache.address, cache.structBytes(), (byte) 0x6b); // a late look shows
    cache.slabs.metadata().free(cache.address, cache.structBytes());
    PerThread.giveLink(endedLink);
    cache.released();
  }

  /** What is in no list but ours: a number that is not free yet, or a cache that nobody saw. */
  @Override
  protected void abandoned() {
    if (cache.state == State.EMPTY) {
      PerThread.giveLink(endedLink);
    } else {
      cache.slabs.forgetNumbered(cache);
    }
  }

  /**
   * Waits until caches that were retired hold nothing but what the program holds.
   *
   * @throws IllegalStateException if the allocator is closed meanwhile
   */
  static void finish(GraceQueue queue, Collection<? extends OwnedCache> caches) {
    for (int round = 0; !caches.stream().allMatch(Retirement::isDone); round++) {
      if (queue.isStopped()) {
        throw new IllegalStateException("the allocator is closed");
      }
      Rcu.synchronize();
      if (queue.advance() == 0) {
        SpinLock.pause(round);
      }
    }
  }

  /** Whether a cache is released, or waits for the program alone: nobody else is at work on it. */
  private static boolean isDone(OwnedCache cache) {
    return cache.state == State.RELEASED
        || cache.state == State.DRAINED
            && cache.holdings() > 0
            && cache.references() == cache.holdings();
  }
}
