package org.kmem4j.perf.program;

import java.util.List;
import org.kmem4j.SlabAllocator;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.slab.KmemCache;

/** One of our caches for objects of one size; what has another size is allocated by it. */
final class KmemCacheAllocator implements Allocator {
  private final SlabAllocator allocator = SlabAllocator.create();
  private final KmemCache cache;

  KmemCacheAllocator(int objectBytes) {
    cache = allocator.createCache("program", objectBytes);
  }

  KmemCache cache() {
    return cache;
  }

  /** Has everything that is cached go back to its slabs, and keeps those. */
  void drain(int objects) {
    cache.prewarm(objects);
    allocator.slabs().drain(List.of(cache), Long.MAX_VALUE);
  }

  @Override
  public long alloc(int cell, long bytes) {
    return bytes == cache.objectBytes() ? cache.tryAlloc() : allocator.tryAlloc(bytes);
  }

  @Override
  public void free(int cell, long address, long bytes) {
    if (bytes == cache.objectBytes()) {
      cache.free(address);
    } else {
      allocator.free(address);
    }
  }

  @Override
  public String version() {
    return "of this working tree";
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
    allocator.close();
  }
}
