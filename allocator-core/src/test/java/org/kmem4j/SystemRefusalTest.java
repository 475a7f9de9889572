package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import org.junit.jupiter.api.Test;
import org.kmem4j.memory.Os;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;

/**
 * The system refuses memory, far below the ceiling: part of the reservation is taken away from it.
 */
class SystemRefusalTest {
  private static final int BATCH = 1000;
  private static final long REGION_BYTES = 2 << 20;

  @Test
  void aBulkThatTheSystemRefusesLeavesNothingBehindAndTheErrorNamesTheCall() {
    try (SlabAllocator allocator = SlabAllocator.builder().max(64 << 20).build()) {
      KmemCache cache = allocator.createCache("page", 4000);
      long first = cache.alloc();
      Os.unmap((first & -REGION_BYTES) + 3 * REGION_BYTES, REGION_BYTES); // mprotect fails there

      ArrayDeque<long[]> batches = new ArrayDeque<>();
      long[] batch = new long[BATCH];
      while (cache.tryAllocBulk(batch, 0, BATCH)) {
        batches.push(batch);
        batch = new long[BATCH];
      }
      long[] refused = batch;
      var error =
          assertThrows(OutOfNativeMemoryException.class, () -> cache.allocBulk(refused, 0, BATCH));

      assertTrue(error.getMessage().contains("the system refused: mprotect("), error.getMessage());
      assertTrue(error.getMessage().contains("errno 12"), error.getMessage());
      assertEquals(1 + (long) batches.size() * BATCH, cache.stats().usedObjects());
      assertFalse(batches.isEmpty());
      allocator.validate();

      batches.forEach(taken -> cache.freeBulk(taken, 0, BATCH));
      cache.free(first);
      allocator.validate();
      assertTrue(allocator.live().isEmpty());
    }
  }
}
