package org.kmem4j.memcg.group;

import java.util.List;
import org.kmem4j.slab.LeakReport;

/**
 * What a group left behind when it was closed, by the counters of its caches; no page was looked
 * at. Others may have been allocating and freeing meanwhile.
 *
 * @param group path of the group
 * @param heir path of the group that pays from now on
 * @param caches caches with live objects, those that the group had itself inherited included
 * @param leaks where the objects come from, as far as they are tracked
 */
public record Leftovers(String group, String heir, List<Cache> caches, LeakReport leaks) {
  /**
   * Objects of one cache.
   *
   * @param name the cache's
   * @param inherited whether the group had inherited it from one that was closed before
   * @param objects how many are alive
   * @param bytes how much they take, in their slabs
   */
  public record Cache(String name, boolean inherited, long objects, long bytes) {}

  /** Whether nothing was left. */
  public boolean isEmpty() {
    return caches.isEmpty();
  }

  /** Live objects of all caches. */
  public long objects() {
    return caches.stream().mapToLong(Cache::objects).sum();
  }

  /** Bytes of the live objects of all caches. */
  public long bytes() {
    return caches.stream().mapToLong(Cache::bytes).sum();
  }

  @Override
  public String toString() {
    if (isEmpty()) {
      return group + " left nothing behind";
    }
    StringBuilder text =
        new StringBuilder(group)
            .append(" left ")
            .append(objects())
            .append(" objects of ")
            .append(bytes())
            .append(" bytes to ")
            .append(heir)
            .append(':');
    for (Cache cache : caches) {
      text.append(' ').append(cache.name()).append(" × ").append(cache.objects());
      text.append(cache.inherited() ? " (inherited)" : "");
    }
    return leaks.isEmpty() ? text.toString() : text.append('\n').append(leaks).toString();
  }
}
