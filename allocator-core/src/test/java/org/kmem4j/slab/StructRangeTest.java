package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;

/** What a slab's header leads to lies where no object does, so that none can overwrite it. */
class StructRangeTest {
  @Test
  void theStructOfACacheLiesOutsideAllPages() {
    try (var allocator = SlabAllocator.builder().max(1 << 20).build()) {
      KmemCache cache = allocator.createCache("c", 64);

      assertTrue(cache.slabs.metadata().contains(cache.address()));
      assertFalse(cache.slabs.pages().map().contains(cache.address()));
    }
  }
}
