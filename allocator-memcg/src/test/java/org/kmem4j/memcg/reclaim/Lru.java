package org.kmem4j.memcg.reclaim;

import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.KmemCache;

/** Objects of one cache that can be given up, oldest first, by group. */
final class Lru implements Shrinker {
  private final KmemCache cache;
  private final Map<MemCgroup, Deque<Long>> objects = new ConcurrentHashMap<>();

  Lru(KmemCache cache) {
    this.cache = cache;
  }

  /** Takes objects on a group's behalf, as many as it gets. */
  int fill(MemCgroup group, int count) {
    KmemCache mine = cache.in(group);
    for (int i = 0; i < count; i++) {
      long object = mine.tryAlloc();
      if (object == 0) {
        return i;
      }
      list(group).add(object);
    }
    return count;
  }

  /** As {@link #fill}, making room: throws if there is none. */
  void insist(MemCgroup group, int count) {
    KmemCache mine = cache.in(group);
    for (int i = 0; i < count; i++) {
      list(group).add(mine.alloc());
    }
  }

  private Deque<Long> list(MemCgroup group) {
    return objects.computeIfAbsent(group, some -> new ConcurrentLinkedDeque<>());
  }

  @Override
  public long count(MemCgroup group) {
    return list(group).size();
  }

  @Override
  public long scan(MemCgroup group, long count) {
    for (long i = 0; i < count; i++) {
      Long oldest = list(group).poll();
      if (oldest == null) {
        return i;
      }
      cache.free(oldest);
    }
    return count;
  }

  @Override
  public void closed(MemCgroup group, MemCgroup heir) {
    Deque<Long> left = objects.remove(group);
    if (left != null) {
      list(heir).addAll(left);
    }
  }

  void clear() {
    objects.values().forEach(list -> list.forEach(cache::free));
    objects.clear();
  }
}
