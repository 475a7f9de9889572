package org.kmem4j.perf.contender;

import org.kmem4j.SlabAllocator;

/** This project's allocator, by size and address, as the {@code kmem4j.} properties set it up. */
final class SlabContender implements Allocator {
  private final SlabAllocator allocator = SlabAllocator.create();

  @Override
  public long alloc(int cell, long bytes) {
    return allocator.tryAlloc(bytes);
  }

  @Override
  public void free(int cell, long address, long bytes) {
    allocator.free(address);
  }

  @Override
  public String version() {
    String version = SlabAllocator.class.getPackage().getImplementationVersion();
    return version != null ? version : "of this working tree";
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
