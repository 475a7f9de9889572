package org.kmem4j.memcg.group;

/**
 * Where the memory of a group is, in bytes: {@code memory.stat}. Exact at rest: then {@code current
 * = slabReclaimable + slabUnreclaimable + large + stock}. While others allocate, the parts are read
 * one after the other.
 *
 * @param current all that is charged
 * @param slabReclaimable pages of slabs of caches that were made {@linkplain
 *     org.kmem4j.slab.CacheOptions#reclaimable reclaimable}
 * @param slabUnreclaimable pages of slabs of all other caches
 * @param large pages of large blocks
 * @param sheaves of the slabs, objects that threads keep at hand
 * @param stock pages that threads have charged ahead
 */
public record MemCgroupStat(
    long current,
    long slabReclaimable,
    long slabUnreclaimable,
    long large,
    long sheaves,
    long stock) {

  static final MemCgroupStat NONE = new MemCgroupStat(0, 0, 0, 0, 0, 0);

  /** Pages of all slabs. */
  public long slab() {
    return slabReclaimable + slabUnreclaimable;
  }

  MemCgroupStat plus(MemCgroupStat other) {
    return new MemCgroupStat(
        current + other.current,
        slabReclaimable + other.slabReclaimable,
        slabUnreclaimable + other.slabUnreclaimable,
        large + other.large,
        sheaves + other.sheaves,
        stock + other.stock);
  }

  MemCgroupStat withCurrent(long bytes) {
    return new MemCgroupStat(bytes, slabReclaimable, slabUnreclaimable, large, sheaves, stock);
  }
}
