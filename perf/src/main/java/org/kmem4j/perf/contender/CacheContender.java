package org.kmem4j.perf.contender;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.slab.KmemCache;

/** A cache of this project's allocator, whose objects a group pays for, or nobody. */
final class CacheContender implements Allocator {
  private final SlabAllocator allocator = SlabAllocator.create();
  private final MemCgroups groups; // Null if nobody pays.
  private final KmemCache cache;

  CacheContender(int bytes, boolean inGroup) {
    KmemCache nobodys = allocator.createCache("contender", bytes);
    if (inGroup) {
      groups = MemCgroups.on(allocator);
      cache = nobodys.in(groups.create("/a/b/c").max(allocator.stats().maxBytes()));
    } else {
      groups = null;
      cache = nobodys;
    }
  }

  @Override
  public long alloc(int cell, long bytes) {
    return cache.tryAlloc();
  }

  @Override
  public void free(int cell, long address, long bytes) {
    cache.free(address);
  }

  @Override
  public String version() {
    return Contender.KMEM_CACHE.version();
  }

  @Override
  public long peakMappedBytes() {
    return allocator.stats().peakMappedBytes();
  }

  @Override
  public long usedBytes() {
    return allocator.stats().usedBytes();
  }

  @Override
  public void close() {
    if (groups != null) {
      groups.close();
    }
    allocator.close();
  }
}
