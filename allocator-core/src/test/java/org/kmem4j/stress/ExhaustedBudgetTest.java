package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.KmemCache;

/** The budget of fronts may refuse a sheaf at any point: objects are then freed to their slabs. */
class ExhaustedBudgetTest {
  private static final int OBJECTS = 2000;

  @Test
  void noObjectIsHandedOutTwice() {
    for (long bytes = 0; bytes < 40_000; bytes += 500) {
      allocateAndFree(bytes);
    }
  }

  private static void allocateAndFree(long bytes) {
    try (var allocator = SlabAllocator.builder().max(64 << 20).frontBudget(bytes).build()) {
      KmemCache cache = allocator.createCache("budget", 64);
      long[] objects = new long[OBJECTS];

      for (int round = 0; round < 5; round++) {
        Set<Long> live = new HashSet<>();
        for (int i = 0; i < OBJECTS; i++) {
          objects[i] = cache.alloc();
          assertTrue(
              live.add(objects[i]), "object " + i + " of round " + round + ", budget " + bytes);
        }
        assertTrue(allocator.stats().frontBytes() <= bytes);
        for (long object : objects) {
          cache.free(object);
        }
      }

      assertEquals(0, cache.stats().usedObjects());
      allocator.trim();
      assertEquals(0, cache.stats().pages());
      assertEquals(0, allocator.stats().frontBytes(), "all of the budget came back");
    }
  }
}
