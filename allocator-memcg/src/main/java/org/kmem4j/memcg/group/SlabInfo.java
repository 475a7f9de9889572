package org.kmem4j.memcg.group;

import org.kmem4j.memory.Os;
import org.kmem4j.slab.CacheStats;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;

/**
 * One cache that a group pays for: a line of its {@code slabinfo}. A group that has inherited
 * caches may have several of one name; they differ in the group they were made for.
 *
 * @param name the cache's; {@code large} for large blocks
 * @param madeFor path of the group that the cache was made for
 * @param inherited whether that is another one, which was closed
 * @param usedObjects in the hands of the program
 * @param cachedObjects in sheaves of threads
 * @param freeObjects in slabs
 * @param objectBytes bytes of an object in its slab, or the mean of the blocks
 * @param slabs how many slabs
 * @param pageBytes bytes of all pages, which is what is charged
 */
public record SlabInfo(
    String name,
    String madeFor,
    boolean inherited,
    long usedObjects,
    long cachedObjects,
    long freeObjects,
    long objectBytes,
    long slabs,
    long pageBytes) {

  static SlabInfo of(OwnedCache cache, MemCgroup payer) {
    boolean inherited = !payer.equals(cache.account());
    String madeFor = cache.account().toString(); // a group, or an account in front of one
    if (cache instanceof KmemCache slabCache) {
      CacheStats stats = slabCache.stats();
      return new SlabInfo(
          cache.name(),
          madeFor,
          inherited,
          stats.usedObjects(),
          stats.cachedObjects(),
          stats.freeObjects(),
          stats.stride(),
          stats.slabs(),
          stats.pages() << Os.PAGE_SHIFT);
    }
    return new SlabInfo(
        cache.name(),
        madeFor,
        inherited,
        cache.usedObjects(),
        0,
        0,
        cache.bytesPerObject(),
        0,
        cache.pages() << Os.PAGE_SHIFT);
  }

  @Override
  public String toString() {
    return name
        + (inherited ? " (inherited from " + madeFor + ')' : "")
        + ": "
        + usedObjects
        + " used, "
        + cachedObjects
        + " cached and "
        + freeObjects
        + " free objects of "
        + objectBytes
        + " bytes, "
        + slabs
        + " slabs, "
        + pageBytes
        + " bytes of pages";
  }
}
