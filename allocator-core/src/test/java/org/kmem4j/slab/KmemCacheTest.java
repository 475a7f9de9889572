package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.PerThread;

/** One cache: what its objects are like, and where they come from and go to. */
final class KmemCacheTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  private static long slabOf(SlabAllocator allocator, long object) {
    return allocator.describe(object).slab();
  }

  // ------------------------------------------------------------------ objects

  @ParameterizedTest
  @CsvSource({"6, 62", "0, 62", "6, 0", "9, 510"})
  void objectsOfEverySizeAreTheirUsersAlone(int maxOrder, int sheaf) {
    SlabAllocator allocator =
        allocators.open(b -> b.max(512 << 20).maxOrder(maxOrder).sheafCapacity(sheaf));
    int largest = maxOrder == 0 ? 4032 : 32768;
    for (int size = 1; size <= largest; size += size < 100 ? 1 : 97 + size / 16) {
      KmemCache cache = allocator.createCache("of-" + size, size);
      int count = Math.min(cache.geometry().objects() * 2 + 1, 300);
      List<Long> objects = take(cache, count);
      for (int i = 0; i < count; i++) {
        Memory.fill(objects.get(i), cache.usableBytes(), (byte) (i * 31));
      }

      for (int i = 0; i < count; i++) {
        long object = objects.get(i);
        for (int at = 0; at < cache.usableBytes(); at++) {
          if (Memory.getByte(object + at) != (byte) (i * 31)) {
            throw new AssertionError("size=" + size + ", object " + i + ", byte " + at);
          }
        }
        cache.free(object);
      }
    }
  }

  @Test
  void theFirstWordOfEachSlabIsTheCachesAddress() {
    SlabAllocator allocator = allocators.open(b -> b.maxOrder(6));
    for (int size : new int[] {1, 64, 1000, 3000, 32768}) {
      KmemCache cache = allocator.createCache("c", size);
      for (long object : take(cache, cache.geometry().objects() * 3)) {
        assertEquals(cache.address(), Memory.getLong(slabOf(allocator, object)));
      }
    }
  }

  @Test
  void withMaxOrderZeroEverySlabIsOnePage() {
    SlabAllocator allocator = allocators.open(b -> b.maxOrder(0));
    KmemCache cache = allocator.createCache("c", 3000);

    take(cache, 10);

    assertEquals(10, cache.stats().pages());
    assertEquals(10, cache.stats().slabs());
  }

  @Test
  void anObjectThatFitsNoSlabIsRefusedByName() {
    SlabAllocator allocator = allocators.open(b -> b.maxOrder(0));

    var refusal =
        assertThrows(IllegalArgumentException.class, () -> allocator.createCache("c", 5000));

    assertAll(
        () -> assertTrue(refusal.getMessage().contains("objectBytes=5000"), refusal::getMessage),
        () -> assertTrue(refusal.getMessage().contains("kmem4j.maxOrder"), refusal::getMessage));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 8, 16, 64, 128, 1024, 4096})
  void objectsLieAtMultiplesOfTheAlignment(int align) {
    SlabAllocator allocator = allocators.open(b -> b.maxOrder(6));
    KmemCache cache = allocator.createCache(CacheOptions.of("c", 24).align(align));

    for (long object : take(cache, 200)) {
      assertEquals(0, object % Math.max(align, 8));
    }
  }

  @ParameterizedTest
  @CsvSource({"8, 8", "9, 16", "16, 16", "24, 32", "33, 64", "64, 64", "100, 64"})
  void withTheCacheLineFlagNoSmallObjectStraddlesALine(int size, int align) {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache(CacheOptions.of("c", size).cacheLineAligned());

    for (long object : take(cache, 200)) {
      assertEquals(0, object % align);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22})
  void randomUseOfManyCachesKeepsEveryObjectsContents(long seed) {
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    SlabAllocator allocator = allocators.open(b -> b.frontBudget(100_000).maxOrder(6));
    List<KmemCache> caches = new ArrayList<>();
    for (int size : new int[] {8, 24, 100, 520, 2000, 3000, 9000}) {
      caches.add(allocator.createCache("of-" + size, size));
    }
    List<long[]> live = new ArrayList<>(); // object, number of its cache
    for (int step = 0; step < 60_000; step++) {
      if (random.nextInt(100) < (step / 10_000 % 2 == 0 ? 60 : 40)) {
        int which = random.nextInt(caches.size());
        long object = caches.get(which).alloc();
        Memory.putLong(object, object ^ step);
        Memory.putLong(object + caches.get(which).usableBytes() - 8, object ^ step);
        live.add(new long[] {object, which, object ^ step});
      } else if (!live.isEmpty()) {
        int index = random.nextInt(live.size());
        long[] entry = live.get(index);
        live.set(index, live.getLast());
        live.removeLast();
        KmemCache cache = caches.get((int) entry[1]);
        assertEquals(entry[2], Memory.getLong(entry[0]));
        assertEquals(entry[2], Memory.getLong(entry[0] + cache.usableBytes() - 8));
        if (random.nextBoolean()) {
          cache.free(entry[0]);
        } else {
          allocator.free(entry[0]);
        }
      }
      if (random.nextInt(5000) == 0) {
        caches.get(random.nextInt(caches.size())).shrink();
      }
      if (step % 10_000 == 0) {
        allocator.validate();
      }
    }

    assertEquals(live.size(), allocator.stats().usedObjects());
    assertTrue(allocator.stats().frontBytes() <= 100_000);
  }

  // ------------------------------------------------------------------ constructors

  @Test
  void aConstructorRunsOncePerObjectAndItsStateIsKept() {
    SlabAllocator allocator = allocators.open();
    AtomicInteger runs = new AtomicInteger();
    KmemCache cache =
        allocator.createCache(
            CacheOptions.of("c", 64)
                .constructor(
                    object -> {
                      runs.incrementAndGet();
                      Memory.fill(object, 64, (byte) 7);
                    }));
    for (int round = 0; round < 3; round++) {
      List<Long> objects = take(cache, 500);
      for (long object : objects) {
        for (int at = 0; at < 64; at += 8) {
          assertEquals(0x0707_0707_0707_0707L, Memory.getLong(object + at));
        }
      }
      objects.forEach(cache::free);
    }

    CacheStats stats = cache.stats();
    assertEquals(stats.slabs() * stats.objectsPerSlab(), runs.get());
  }

  @Test
  void aConstructorThatThrowsLeavesNoTrace() {
    SlabAllocator allocator = allocators.open();
    AtomicInteger countdown = new AtomicInteger(10);
    FakeAccount account = new FakeAccount(1, 100);
    KmemCache cache =
        allocator
            .createCache(
                CacheOptions.of("c", 64)
                    .constructor(
                        object -> {
                          if (countdown.decrementAndGet() == 0) {
                            throw new IllegalStateException("the tenth");
                          }
                        }))
            .in(account);

    var thrown = assertThrows(IllegalStateException.class, cache::tryAlloc);

    assertAll(
        () -> assertEquals("the tenth", thrown.getMessage()),
        () -> assertEquals(0, cache.stats().pages()),
        () -> assertEquals(0, cache.stats().usedObjects()),
        () -> assertEquals(0, account.usage()));
    allocator.validate();
    assertNotEquals(0, cache.tryAlloc(), "the next attempt succeeds");
  }

  @Test
  void inAConstructorNothingThatWaitsForItIsAccepted() {
    SlabAllocator allocator = allocators.open();
    KmemCache other = allocator.createCache("other", 64);
    List<String> refusals = new ArrayList<>();
    List<Runnable> calls =
        List.of(other::shrink, other::destroy, allocator::trim, allocator::close);
    KmemCache cache =
        allocator.createCache(
            CacheOptions.of("c", 3000)
                .constructor(
                    object ->
                        calls.forEach(
                            call ->
                                refusals.add(
                                    assertThrows(IllegalStateException.class, call::run)
                                        .getMessage()))));

    assertNotEquals(0, cache.alloc());

    String by = " was called by the constructor of an object";
    assertEquals(
        List.of("shrink()" + by, "destroy()" + by, "trim()" + by, "close()" + by),
        refusals.subList(0, 4));
  }

  // ------------------------------------------------------------------ many at once

  @Test
  void bulkTakesAllAndGivesAllBack() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 40);
    long[] objects = new long[1002];

    assertTrue(cache.tryAllocBulk(objects, 1, 1000));

    assertEquals(0, objects[0]);
    assertEquals(0, objects[1001]);
    TreeSet<Long> distinct = new TreeSet<>();
    for (int i = 1; i <= 1000; i++) {
      distinct.add(objects[i]);
    }
    assertEquals(1000, distinct.size());
    assertFalse(distinct.contains(0L));
    cache.freeBulk(objects, 0, 1002);
    assertArrayEquals(new long[1002], objects);
    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void bulkThatIsRefusedInTheMiddleTakesNothing() {
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20));
    KmemCache cache = allocator.createCache("c", 1000);
    long[] objects = new long[2000];

    assertFalse(cache.tryAllocBulk(objects, 0, 2000));
    var refusal =
        assertThrows(OutOfNativeMemoryException.class, () -> cache.allocBulk(objects, 0, 2000));

    assertEquals(2000L * cache.usableBytes(), refusal.requestedBytes());
    assertEquals(0, cache.stats().usedObjects());
    assertArrayEquals(new long[2000], objects);
    cache.allocBulk(objects, 0, 900);
    assertEquals(900, cache.stats().usedObjects());
  }

  @Test
  void bulkOutsideTheArrayIsRefused() {
    KmemCache cache = allocators.open().createCache("c", 8);
    long[] objects = new long[10];

    assertAll(
        () ->
            assertThrows(IndexOutOfBoundsException.class, () -> cache.tryAllocBulk(objects, 5, 6)),
        () ->
            assertThrows(IndexOutOfBoundsException.class, () -> cache.tryAllocBulk(objects, -1, 2)),
        () -> assertThrows(IndexOutOfBoundsException.class, () -> cache.allocBulk(objects, 0, -1)),
        () -> assertThrows(IndexOutOfBoundsException.class, () -> cache.freeBulk(objects, 11, 0)));
  }

  @Test
  void aBadAddressInBulkLosesNoOther() {
    KmemCache cache = allocators.open().createCache("c", 64);
    long[] objects = new long[10];
    cache.allocBulk(objects, 0, 10);
    objects[3] += 1;

    assertThrows(IllegalArgumentException.class, () -> cache.freeBulk(objects, 0, 10));

    for (int i = 0; i < 10; i++) {
      assertEquals(i <= 3, objects[i] == 0, "what is still there is still the caller's");
    }
    cache.freeBulk(objects, 4, 6);
    assertEquals(1, cache.stats().usedObjects());
  }

  @Test
  void whatIsPrewarmedNeedsNoMorePages() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 100);

    cache.prewarm(1000);

    long pages = cache.stats().pages();
    assertTrue(cache.stats().freeObjects() >= 1000);
    List<Long> objects = take(cache, 1000);
    assertEquals(pages, cache.stats().pages());
    objects.forEach(cache::free);
    assertEquals(pages, cache.stats().pages(), "and it stays");
    assertTrue(cache.shrink() > 0);
    assertEquals(0, cache.stats().pages());
  }

  @Test
  void prewarmingMoreThanTheCeilingCanEverHoldTakesNothing() {
    SlabAllocator allocator = allocators.open(builder -> builder.max(1 << 20));
    KmemCache cache = allocator.createCache("c", 64);

    for (long count : new long[] {(1 << 20) / 64 + 1, 1L << 58, Long.MAX_VALUE}) {
      assertFalse(cache.tryPrewarm(count));
      var refusal = assertThrows(OutOfNativeMemoryException.class, () -> cache.prewarm(count));
      assertTrue(refusal.requestedBytes() > 1 << 20, refusal::getMessage);
    }

    assertEquals(0, allocator.stats().mappedBytes());
  }

  @Test
  void prewarmingBeyondTheCeilingIsRefused() {
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20));
    KmemCache cache = allocator.createCache("c", 1000);

    assertFalse(cache.tryPrewarm(1040));
    assertThrows(OutOfNativeMemoryException.class, () -> cache.prewarm(1040));

    var bad = assertThrows(IllegalArgumentException.class, () -> cache.tryPrewarm(-1));
    assertTrue(bad.getMessage().contains("count=-1"), bad.getMessage());
    assertNotEquals(0, cache.tryAlloc());
  }

  // ------------------------------------------------------------------ shrinking and the end

  @Test
  void shrinkGivesBackEverythingThatNobodyUses() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 100);
    List<Long> objects = take(cache, 5000);
    long kept = objects.removeFirst();
    objects.forEach(cache::free);
    long before = cache.stats().pages();

    long given = cache.shrink();

    CacheStats stats = cache.stats();
    assertAll(
        () -> assertEquals(before - stats.pages(), given),
        () -> assertEquals(1, stats.slabs()),
        () -> assertEquals(1, stats.usedObjects()),
        () -> assertEquals(0, stats.cachedObjects()));
    cache.free(kept);
  }

  @Test
  void destroySaysHowManyObjectsAreLeftAndTheLastOneTakesTheCacheWithIt() throws Exception {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("doomed", 100);
    List<Long> objects = take(cache, 100);
    objects.subList(3, 100).forEach(cache::free);
    Memory.putLong(objects.getFirst(), 4711);

    long left = cache.destroy();

    assertAll(
        () -> assertEquals(3, left),
        () -> assertEquals(4711, Memory.getLong(objects.getFirst())),
        () -> assertThrows(IllegalStateException.class, cache::tryAlloc),
        () -> assertThrows(IllegalStateException.class, cache::alloc),
        () -> assertThrows(IllegalStateException.class, cache::shrink),
        () -> assertThrows(IllegalStateException.class, () -> cache.tryPrewarm(1)),
        () -> assertThrows(IllegalStateException.class, () -> cache.in(new FakeAccount(1, 1))));
    var twice = assertThrows(IllegalStateException.class, cache::destroy);
    assertTrue(twice.getMessage().contains("doomed"), twice.getMessage());
    allocator.free(objects.getFirst());
    cache.free(objects.get(1));
    assertEquals(1, cache.stats().usedObjects());
    assertEquals(
        1, allocator.stats().caches().stream().filter(c -> c.name().equals("doomed")).count());
    cache.free(objects.get(2));
    for (int i = 0; i < 100 && cache.state != OwnedCache.State.RELEASED; i++) {
      allocator.agent().doWork();
    }
    assertEquals(OwnedCache.State.RELEASED, cache.state);
    assertEquals(0, cache.stats().pages());
    assertEquals(
        0, allocator.stats().caches().stream().filter(c -> c.name().equals("doomed")).count());
    assertThrows(IllegalArgumentException.class, () -> cache.free(objects.get(2)));
  }

  @Test
  void destroyWithoutLiveObjectsGivesEveryPageBack() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 100);
    take(cache, 1000).forEach(cache::free);

    assertEquals(0, cache.destroy());

    allocator.trim();
    assertEquals(0, allocator.stats().mappedBytes());
  }

  @Test
  void cachesMayComeAndGoWithoutLeavingMetadata() {
    SlabAllocator allocator = allocators.open();
    long before = allocator.stats().metadataBytes();
    for (int i = 0; i < 50; i++) {
      KmemCache cache = allocator.createCache("c" + i, 64);
      cache.free(cache.alloc());
      cache.destroy();
    }

    assertEquals(before, allocator.stats().metadataBytes());
  }

  // ------------------------------------------------------------------ memory short

  @Test
  void withoutRoomForALargeSlabASmallOneServes() {
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20).sheafCapacity(0).maxOrder(6));
    KmemCache pages = allocator.createCache("pages", 4032);
    KmemCache cache = allocator.createCache("c", 3000);
    assertEquals(2, cache.geometry().order());
    List<Long> all = take(pages, 256);
    assertEquals(0, cache.tryAlloc());

    for (int i = 0; i < 3; i++) {
      pages.free(all.get(10 * i));
    }
    pages.shrink();
    List<Long> objects = take(cache, 3);

    assertEquals(0, cache.tryAlloc());
    assertEquals(3, cache.stats().pages(), "three slabs of one page, each with one object");
    Memory.fill(objects.getFirst(), 3000, (byte) 1);
    allocator.validate();
    objects.forEach(cache::free);
    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void slabsOfTwoOrdersLiveInOneCache() {
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20).maxOrder(6));
    KmemCache pages = allocator.createCache("pages", 4032);
    KmemCache cache = allocator.createCache("c", 3000);
    List<Long> large = take(cache, 5);
    List<Long> all = new ArrayList<>();
    for (long page = pages.tryAlloc(); page != 0; page = pages.tryAlloc()) {
      all.add(page);
    }
    pages.free(all.removeFirst());
    pages.shrink();
    long small = cache.alloc();

    assertAll(
        () -> assertEquals(2, Slab.order(slabOf(allocator, large.getFirst()))),
        () -> assertEquals(0, Slab.order(slabOf(allocator, small))),
        () -> assertThrows(IllegalArgumentException.class, () -> cache.free(small + 3000)),
        () -> assertThrows(IllegalArgumentException.class, () -> cache.free(small + 8)));
    allocator.validate();
    cache.free(small);
    large.forEach(cache::free);
    assertEquals(6, cache.stats().cachedObjects() + cache.stats().freeObjects());
  }

  // ------------------------------------------------------------------ fronts

  @Test
  void withoutSheavesNothingIsCached() {
    SlabAllocator allocator = allocators.open(b -> b.sheafCapacity(0));
    KmemCache cache = allocator.createCache("c", 64);

    take(cache, 1000).forEach(cache::free);

    assertEquals(0, cache.stats().cachedObjects());
    assertEquals(0, allocator.stats().frontBytes());
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1000, 50_000})
  void frontsStayWithinTheirBudget(long budget) {
    SlabAllocator allocator = allocators.open(b -> b.frontBudget(budget));
    for (int i = 0; i < 20; i++) {
      KmemCache cache = allocator.createCache("c" + i, 64);
      take(cache, 500).forEach(cache::free);
      assertTrue(allocator.stats().frontBytes() <= budget);
    }

    assertTrue(allocator.stats().cachedBytes() <= budget);
  }

  @Test
  void theBarnGrowsUntilItHoldsWhatSwings() {
    KmemCache cache = allocators.open(b -> b.frontBudget(64 << 20)).createCache("c", 64);
    take(cache, 10_000).forEach(cache::free);
    long atFirst = cache.stats().cachedObjects();

    for (int swing = 0; swing < 8; swing++) {
      take(cache, 10_000).forEach(cache::free);
    }

    assertTrue(atFirst < 1_000, "at first: " + atFirst);
    assertTrue(cache.stats().cachedObjects() > 9_000, "after: " + cache.stats());
  }

  @Test
  void aBarnDoesNotGrowForWhatIsOnlyFreed() {
    KmemCache cache = allocators.open().createCache("c", 64);
    List<Long> objects = take(cache, 50_000);

    objects.forEach(cache::free);

    assertTrue(cache.stats().cachedObjects() < 1_000, "after: " + cache.stats());
  }

  @Test
  void theBarnGivesUpWhatNobodyNeedsAlthoughTheCacheIsBusy() {
    KmemCache cache = allocators.open().createCache("c", 64);
    for (int swing = 0; swing < 8; swing++) {
      take(cache, 10_000).forEach(cache::free);
    }
    long grown = cache.stats().cachedObjects();

    for (int tick = 0; tick < 12; tick++) {
      take(cache, 200).forEach(cache::free);
      cache.slabs.tick(2);
    }

    long left = cache.stats().cachedObjects();
    assertTrue(left < grown / 5, "left are " + left + " of " + grown);
  }

  @Test
  void barnsLeaveHalfOfTheBudgetToFronts() {
    long budget = 8 << 20;
    SlabAllocator allocator = allocators.open(b -> b.frontBudget(budget));
    for (int i = 0; i < 40; i++) {
      KmemCache cache = allocator.createCache("c" + i, 64);
      for (int swing = 0; swing < 8; swing++) {
        take(cache, 10_000).forEach(cache::free);
      }
    }

    long used = allocator.stats().frontBytes();
    assertTrue(used < budget * 3 / 4, "of " + budget + " bytes " + used + " are used");
  }

  @Test
  void underAPinEverythingWorksAndOthersMayDrain() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 64);
    List<Long> objects = new ArrayList<>();
    try (Pin pin = allocator.pin()) {
      for (int i = 0; i < 2000; i++) {
        objects.add(cache.tryAlloc(pin));
        pin.renew();
      }
      for (long object : objects) {
        cache.free(pin, object);
      }
      assertThrows(IllegalStateException.class, cache::shrink, "it would wait for itself");
      assertThrows(IllegalStateException.class, cache::destroy);
      assertThrows(IllegalStateException.class, allocator::close);
      assertThrows(IllegalStateException.class, allocator::pin, "pinned already");
      assertThrows(IllegalArgumentException.class, () -> cache.free(pin, objects.getFirst() + 1));
      cache.free(pin, 0);
    }

    assertEquals(0, cache.stats().usedObjects());
    assertTrue(cache.shrink() > 0);
  }

  @Test
  void aClosedPinCannotBeRenewed() {
    SlabAllocator allocator = allocators.open();
    Pin pin = allocator.pin();
    pin.close();

    assertThrows(IllegalStateException.class, pin::renew);

    allocator.trim(); // nobody waits for it
  }

  @Test
  void aVirtualThreadCannotBePinned() throws InterruptedException {
    SlabAllocator allocator = allocators.open();
    Crew crew = new Crew();

    crew.startVirtual(() -> assertThrows(IllegalStateException.class, allocator::pin));

    crew.join();
  }

  @Test
  void virtualThreadsShareStripes() throws InterruptedException {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 64);
    Crew crew = new Crew();
    for (int i = 0; i < 100; i++) {
      crew.startVirtual(
          () -> {
            List<Long> objects = take(cache, 100);
            LockSupport.parkNanos(1);
            objects.forEach(cache::free);
          });
    }
    crew.join();

    assertEquals(0, cache.stats().usedObjects());
  }

  /** To make one would probe the stack, where a slow path must not throw any more. */
  @Test
  void aThreadThatUsesNoFrontGetsNoSlot() throws InterruptedException {
    KmemCache debugged =
        allocators.open().createCache(CacheOptions.of("debugged", 64).debug(Debug.ALL));
    Crew crew = new Crew();
    crew.start(
        () -> {
          debugged.free(debugged.tryAlloc());
          assertNull(PerThread.existing());
        });
    crew.join();
  }
}
