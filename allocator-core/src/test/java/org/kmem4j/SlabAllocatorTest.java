package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memory.Memory;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.CacheStats;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.Description;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.stress.Crew;

/** The door as its users see it: refusals, numbers, descriptions. */
final class SlabAllocatorTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  // ------------------------------------------------------------------ refusals

  @Test
  void atTheCeilingTryAnswersAndTheOthersExplain() {
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20));
    KmemCache cache = allocator.createCache("c", 1000);
    ObjectPool<Flyweight> pool = allocator.pool("p", 1000);
    Flyweight view = new Flyweight();
    List<Long> objects = new ArrayList<>();
    for (long object = cache.tryAlloc(); object != 0; object = cache.tryAlloc()) {
      objects.add(object);
    }

    assertAll(
        () -> assertEquals(0, cache.tryAlloc()),
        () -> assertFalse(cache.tryAllocBulk(new long[10], 0, 10)),
        () -> assertFalse(cache.tryPrewarm(10)),
        () -> assertFalse(pool.tryAcquire(view)),
        () -> assertEquals(0, view.address()),
        () -> assertEquals(0, allocator.tryAlloc(10)),
        () -> assertEquals(0, allocator.tryAlloc(100_000)),
        () -> assertExplained(assertThrows(OutOfNativeMemoryException.class, cache::alloc)),
        () ->
            assertExplained(
                assertThrows(OutOfNativeMemoryException.class, () -> pool.acquire(view))),
        () ->
            assertExplained(
                assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(10))),
        () ->
            assertExplained(
                assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(100_000))),
        () ->
            assertExplained(
                assertThrows(
                    OutOfNativeMemoryException.class, () -> cache.allocBulk(new long[9], 0, 9))));
    allocator.validate();

    assertEquals(objects.size(), allocator.stats().usedObjects(), "refusals leave no trace");
    objects.forEach(cache::free);
    assertNotEquals(0, allocator.alloc(100_000), "what was freed is collected and serves others");
    assertTrue(pool.tryAcquire(view));
  }

  private static void assertExplained(OutOfNativeMemoryException refusal) {
    String text = refusal.getMessage();
    assertAll(
        () -> assertTrue(text.contains("kmem4j.max"), text),
        () -> assertTrue(text.contains("builder().max"), text),
        () -> assertTrue(text.contains("" + refusal.requestedBytes()), text),
        () -> assertTrue(text.contains("" + (1 << 20)), text),
        () -> assertEquals(1 << 20, refusal.maxBytes()),
        () -> assertTrue(refusal.mappedBytes() > (1 << 20) * 9 / 10, text),
        () -> assertTrue(text.contains("" + refusal.mappedBytes()), text));
  }

  @Test
  void whatOtherThreadsHaveCachedIsCollectedBeforeARefusal() throws InterruptedException {
    SlabAllocator allocator = allocators.open(b -> b.max(4 << 20).frontBudget(4 << 20));
    KmemCache cache = allocator.createCache("c", 1000);
    Crew crew = new Crew();
    crew.start(
        () -> {
          List<Long> objects = new ArrayList<>();
          for (long o = cache.tryAlloc(); o != 0; o = cache.tryAlloc()) {
            objects.add(o);
          }
          objects.forEach(cache::free);
        });
    crew.join();

    long block = allocator.alloc((4 << 20) - (64 << 10));

    assertNotEquals(0, block);
    assertTrue(allocator.stats().reclaims() > 0);
  }

  @ParameterizedTest
  @ValueSource(longs = {64 << 10, 100_000, 1 << 20})
  void theSmallestAllocatorsWork(long max) {
    SlabAllocator allocator = allocators.open(b -> b.max(max));

    long block = allocator.alloc(8);

    Memory.putLong(block, 1);
    assertTrue(allocator.stats().mappedBytes() <= max);
  }

  // ------------------------------------------------------------------ numbers

  @Test
  void atRestEveryMappedByteIsAccountedFor() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 200);
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 3000; i++) {
      blocks.add(i % 3 == 0 ? cache.alloc() : allocator.alloc(1 + i * 13));
    }
    for (int i = 0; i < 3000; i += 2) {
      allocator.free(blocks.get(i));
    }

    AllocatorStats stats = allocator.stats();

    long slabPages = 0;
    long inObjects = 0;
    for (CacheStats some : stats.caches()) {
      slabPages += some.pages();
      inObjects += (some.usedObjects() + some.cachedObjects() + some.freeObjects()) * some.stride();
    }
    long large = stats.usedBytes() + stats.cachedBytes() + stats.freeInSlabsBytes() - inObjects;
    long overhead = slabPages * 4096 - inObjects;
    long sum = slabPages * 4096 + large + stats.freePagesBytes();
    assertAll(
        () -> assertEquals(stats.mappedBytes(), sum),
        () -> assertTrue(overhead > 0, "headers and tails"),
        () -> assertEquals(1500, stats.usedObjects()),
        () -> assertTrue(stats.residentBytes() <= stats.mappedBytes()),
        () -> assertTrue(stats.peakMappedBytes() >= stats.mappedBytes()),
        () -> assertEquals(64 << 20, stats.maxBytes()),
        () -> assertTrue(stats.metadataBytes() > 0),
        () -> assertTrue(stats.cachedBytes() <= stats.frontBytes() + (64 << 10)),
        () -> assertEquals(0, stats.oldestPinNanos()));
  }

  @Test
  void residentMemoryIsWhatWasTouched() {
    SlabAllocator allocator = allocators.open();
    long block = allocator.alloc(8 << 20);
    long before = allocator.stats().residentBytes();

    Memory.fill(block, 8 << 20, (byte) 1);

    assertEquals(8 << 20, allocator.stats().residentBytes() - before);
  }

  @Test
  void trimGivesEverythingBackThatNobodyUses() {
    SlabAllocator allocator = allocators.open();
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      blocks.add(allocator.alloc(1 + i));
    }
    blocks.forEach(allocator::free);
    long mapped = allocator.stats().mappedBytes();

    assertEquals(mapped, allocator.trim());

    assertEquals(0, allocator.stats().mappedBytes());
    assertEquals(0, allocator.stats().residentBytes());
    assertEquals(0, allocator.stats().frontBytes());
  }

  @Test
  void thePinsAgeIsPublished() {
    SlabAllocator allocator = allocators.open();
    try (var pin = allocator.pin()) {
      assertTrue(allocator.stats().oldestPinNanos() > 0);
      pin.renew();
    }

    assertEquals(0, allocator.stats().oldestPinNanos());
  }

  // ------------------------------------------------------------------ descriptions

  @Test
  void anAddressIsDescribedByRegionSlabCacheAndObject() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("orders", 100);
    cache.alloc();
    long object = cache.alloc();

    Description inside = allocator.describe(object + 5);

    assertAll(
        () -> assertEquals(object, inside.object()),
        () -> assertEquals(5, inside.offset()),
        () -> assertEquals("orders", inside.cache()),
        () -> assertEquals(object & -4096, inside.slab()),
        () -> assertEquals(0, inside.region()),
        () -> assertTrue(inside.index() >= 0),
        () -> assertEquals("in a sheaf or in use", inside.state()),
        () -> assertTrue(inside.toString().contains("\"orders\""), inside::toString),
        () -> assertEquals("header", allocator.describe(inside.slab() + 9).state()));
  }

  @Test
  void aDebugCacheKnowsWhatIsInUse() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache(CacheOptions.of("d", 100).debug(Debug.ALL));
    long object = cache.alloc();

    assertEquals("in use", allocator.describe(object).state());

    cache.free(object);
    assertEquals("free", allocator.describe(object).state());
  }

  @Test
  void aFreeObjectInASlabIsDescribedAsFree() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 100);
    cache.alloc();
    long object = cache.alloc();
    cache.free(object);
    cache.shrink();

    assertEquals("free", allocator.describe(object).state());
    assertEquals("free", allocator.describe(object + 2000).state(), "never handed out");
  }

  @Test
  void aLargeBlockIsDescribedByItsBeginning() {
    SlabAllocator allocator = allocators.open();
    long block = allocator.alloc(5 << 20);

    Description inside = allocator.describe(block + (4 << 20) + 1);

    assertAll(
        () -> assertEquals("large", inside.cache()),
        () -> assertEquals(block, inside.object()),
        () -> assertEquals((4 << 20) + 1, inside.offset()),
        () -> assertEquals("in use", inside.state()));
    assertNull(allocator.describe(block + (5 << 20)).cache());
  }

  @Test
  void debuggingIsSwitchedOnByName() {
    SlabAllocator allocator = allocators.open(b -> b.debug("order*,exact"));

    assertAll(
        () -> assertTrue(allocator.createCache("orders", 8).isDebug()),
        () -> assertTrue(allocator.createCache("exact", 8).isDebug()),
        () -> assertFalse(allocator.createCache("exactly", 8).isDebug()),
        () -> assertFalse(allocator.createCache("my-orders", 8).isDebug()));
  }

  @Test
  void debuggedSizesFindASecondFree() {
    SlabAllocator allocator = allocators.open(b -> b.debug("true"));
    long block = allocator.alloc(100);
    allocator.free(block);

    assertThrows(IllegalArgumentException.class, () -> allocator.free(block));
  }
}
