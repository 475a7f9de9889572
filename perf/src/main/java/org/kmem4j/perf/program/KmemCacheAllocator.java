package org.kmem4j.perf.program;

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
