package org.kmem4j.memcg.group;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.LeakReport;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Slabs;

/**
 * What a group left behind when it was closed, by the counters of its caches; no page was looked
 * at. Others may have been allocating and freeing meanwhile. Where it comes from is found out when
 * it is asked for: {@link #leaks}.
 */
public final class Leftovers {
  /**
   * Objects of one cache.
   *
   * @param name the cache's
   * @param inherited whether the group had inherited it from one that was closed before
   * @param objects how many are alive
   * @param bytes how much they take, in their slabs
   */
  public record Cache(String name, boolean inherited, long objects, long bytes) {}

  private final String group;
  private final String heir;
  private final List<Cache> caches;
  private final Slabs slabs;

  /** Of the group's caches those that have slabs: they get no new objects any more. */
  private final List<KmemCache> handedOver = new ArrayList<>();

  Leftovers(String group, String heir, List<Cache> caches, OwnedCache[] handedOver, Slabs slabs) {
    this.group = group;
    this.heir = heir;
    this.caches = List.copyOf(caches);
    this.slabs = slabs;
    for (OwnedCache cache : handedOver) {
      if (cache instanceof KmemCache slabCache) {
        this.handedOver.add(slabCache);
      }
    }
  }

  /** Path of the group. */
  public String group() {
    return group;
  }

  /** Path of the group that pays from now on. */
  public String heir() {
    return heir;
  }

  /** Caches with live objects, those that the group had itself inherited included. */
  public List<Cache> caches() {
    return caches;
  }

  /**
   * Where the objects come from that are alive now of those that were left, as far as they are
   * tracked ({@code kmem4j.leaks}, or caches that debug with {@link org.kmem4j.slab.Debug#TRACK});
   * none once the allocator is closed. The group is told as who pays for them.
   *
   * <p>Each call looks at all tracked objects that are left, a slab at a time, and so reads their
   * pages; whoever uses the same cache waits for one slab at most.
   */
  public LeakReport leaks() {
    return slabs.isClosed() ? new LeakReport(List.of()) : LeakReport.of(handedOver, cache -> group);
  }

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

  /** The counters; where the objects come from is not looked up for it. */
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
    return text.toString();
  }
}
