package org.kmem4j.perf.groups;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.kmem4j.memcg.counter.PageCounter;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Slabs;

/**
 * A group of the original scheme, for comparison: each charged page holds a reference to its group,
 * and the group's caches live as long as it does. A closed group lives until its last page is gone.
 */
final class OriginalGroup implements Account {
  private final Slabs slabs;
  private final OriginalGroup parent; // null for the root
  private final long address;
  private final PageCounter counter;
  private final AtomicLong references = new AtomicLong(1);
  private final AtomicInteger dying; // of the whole tree
  private final List<OwnedCache> caches = new ArrayList<>(); // guarded by itself
  private int unlinked; // guarded by the caches
  private volatile boolean online = true;

  OriginalGroup(Slabs slabs, OriginalGroup parent, AtomicInteger dying) {
    this.slabs = slabs;
    this.parent = parent;
    this.dying = dying;
    this.address = slabs.tryAllocateStruct(PageCounter.SIZE);
    this.counter = new PageCounter(address, parent == null ? null : parent.counter);
  }

  @Override
  public long address() {
    return address;
  }

  @Override
  public boolean tryCharge(OwnedCache cache, long pages) {
    if (counter.tryCharge(pages) != null) {
      return false;
    }
    references.addAndGet(pages);
    return true;
  }

  @Override
  public void uncharge(OwnedCache cache, long pages) {
    counter.uncharge(pages);
    put(pages);
  }

  private void put(long count) {
    if (references.addAndGet(-count) == 0) {
      synchronized (caches) {
        caches.forEach(OwnedCache::retire);
        if (caches.isEmpty()) {
          release();
        }
      }
    }
  }

  @Override
  public boolean link(OwnedCache cache, Runnable publish) {
    synchronized (caches) {
      if (!online) {
        return false;
      }
      caches.add(cache);
      publish.run();
      return true;
    }
  }

  @Override
  public void unlink(OwnedCache cache) {
    synchronized (caches) {
      if (++unlinked == caches.size()) {
        release();
      }
    }
  }

  private void release() {
    slabs.freeStruct(address, PageCounter.SIZE);
    dying.decrementAndGet();
  }

  @Override
  public Account heir() {
    return online ? this : parent;
  }

  /** Ends the group for its users; what it has cached is collected, and its pages keep it alive. */
  void offline() {
    online = false;
    dying.incrementAndGet();
    synchronized (caches) {
      slabs.drain(caches, slabs.waitNanos());
    }
    put(1);
  }

  /** The caches that live because this does. */
  List<OwnedCache> caches() {
    synchronized (caches) {
      return List.copyOf(caches);
    }
  }

  boolean isDying() {
    return !online && references.get() > 0;
  }
}
