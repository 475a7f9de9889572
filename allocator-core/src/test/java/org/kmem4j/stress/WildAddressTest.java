package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.CorruptionException;
import org.kmem4j.slab.KmemCache;

/** No address that a program passes is read before it is known to be ours: a wrong read kills. */
class WildAddressTest {
  private static final long MAX = 8 << 20;

  private final SlabAllocator allocator =
      SlabAllocator.builder().max(MAX).onClose(report -> {}).build();
  private final KmemCache cache = allocator.createCache("tame", 64);

  private List<Long> foreign() {
    long object = cache.alloc();
    long region = allocator.describe(object).region();
    long base = (object & -(2L << 20)) - (region << 21);
    cache.free(object);
    List<Long> addresses = new ArrayList<>();
    for (long address : new long[] {8, 4096, 1L << 40, -8, Long.MIN_VALUE, Long.MAX_VALUE - 7}) {
      addresses.add(address);
    }
    addresses.add(base - 64);
    addresses.add(base + 2 * MAX + 64); // behind the reservation
    addresses.add(base + 2 * MAX - 64); // reserved, never accessible
    addresses.add(base + 5 * 4096 + 64); // accessible, free
    return addresses;
  }

  @Test
  void anAddressThatIsNotOursIsRefusedAndNotRead() {
    for (long address : foreign()) {
      String hex = Long.toHexString(address);
      assertThrows(IllegalArgumentException.class, () -> cache.free(address), hex);
      assertThrows(IllegalArgumentException.class, () -> allocator.free(address), hex);
      assertThrows(IllegalArgumentException.class, () -> allocator.usableSize(address), hex);
      assertEquals(null, allocator.describe(address).cache(), hex);
    }
    allocator.validate();
    allocator.close();
  }

  @Test
  void anObjectOfAnotherCacheIsRefused() {
    KmemCache other = allocator.createCache("other", 64);
    long object = other.alloc();

    var refusal = assertThrows(IllegalArgumentException.class, () -> cache.free(object));

    assertTrue(refusal.getMessage().contains("\"other\""), refusal.getMessage());
    other.free(object);
    assertEquals(0, other.stats().usedObjects());
    assertEquals(0, cache.stats().cachedObjects());
    allocator.validate();
    allocator.close();
  }

  @Test
  void theInsideOfAnObjectIsRefused() {
    long object = cache.alloc();

    for (int inside = 1; inside < 64; inside++) {
      long address = object + inside;
      assertThrows(IllegalArgumentException.class, () -> cache.free(address));
      assertThrows(IllegalArgumentException.class, () -> allocator.free(address));
    }
    long header = object & -4096;
    assertThrows(IllegalArgumentException.class, () -> cache.free(header));

    cache.free(object);
    allocator.validate();
    allocator.close();
  }

  /** A program writes over the header of a slab: it is found when objects return there. */
  @Test
  void anOverwrittenHeaderIsReportedAndNotFollowed() {
    overwriteAndFree(cache);
  }

  private void overwriteAndFree(KmemCache victim) {
    long[] objects = new long[1000];
    victim.allocBulk(objects, 0, objects.length);
    long slab = objects[500] & -4096;
    Memory.fill(slab, 64, (byte) 0x5a);
    int reports = 0;
    int good = 0;
    for (long object : objects) {
      try {
        victim.free(object);
      } catch (CorruptionException e) {
        reports++;
      }
      good += (object & -4096) == slab ? 0 : 1;
    }
    try {
      victim.shrink();
    } catch (CorruptionException e) {
      reports++;
    }

    assertNotEquals(0, reports);
    assertTrue(good > 900, "the others are fine");
    Set<Long> again = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      long object = victim.alloc();
      assertNotEquals(slab, object & -4096, "an object of the damaged slab");
      assertTrue(again.add(object));
    }
  }

  /** A program writes into a free object, where the link to the next one is. */
  @Test
  void anOverwrittenLinkIsReportedAndNotFollowed() {
    try (var plain = SlabAllocator.builder().max(MAX).sheafCapacity(0).build()) {
      KmemCache victim = plain.createCache("victim", 64);
      long[] objects = new long[60];
      victim.allocBulk(objects, 0, 60);
      long written = objects[20];
      for (long object : objects) {
        victim.free(object);
      }
      Memory.putLong(written, 0x4141_4141_4141_4141L);

      int reports = 0;
      Set<Long> again = new HashSet<>();
      for (int i = 0; i < 200; i++) {
        try {
          assertTrue(again.add(victim.alloc()), "handed out twice");
        } catch (CorruptionException e) {
          reports++;
        }
      }

      assertEquals(1, reports, "the slab is frozen, and met once");
      again.forEach(victim::free);
    }
  }
}
