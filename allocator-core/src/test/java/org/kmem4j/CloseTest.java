package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;
import org.kmem4j.memory.Memory;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Pin;
import org.kmem4j.slab.SizeClasses;
import org.kmem4j.stress.Crew;

/** The end of an allocator: what was left is reported, and whoever comes late is told. */
final class CloseTest {
  @RegisterExtension private final Allocators allocators = new Allocators();
  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);

  /** Before the allocators are closed, which waits for whoever is pinned. */
  @AfterEach
  void letAllGo() throws InterruptedException {
    release.countDown();
    crew.join();
  }

  private static final class Nobody implements Account {
    @Override
    public long address() {
      return 0x40;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      return true;
    }

    @Override
    public Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
      return null;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {}
  }

  private static void assertClosed(Executable call) {
    var error = assertThrows(IllegalStateException.class, call);
    assertTrue(error.getMessage().contains("closed"), error.getMessage());
  }

  @Test
  void everyMethodOfTheDoorSaysThatItIsClosed() {
    SlabAllocator allocator = allocators.open();
    long block = allocator.alloc(100);
    long large = allocator.alloc(100_000);
    allocator.close();

    for (int round = 0; round < 2; round++) {
      assertAll(
          () -> assertClosed(() -> allocator.createCache("c", 8)),
          () -> assertClosed(() -> allocator.createCache(CacheOptions.of("c", 8))),
          () -> assertClosed(() -> allocator.pool("c", 8)),
          () -> assertClosed(() -> allocator.tryAlloc(8)),
          () -> assertClosed(() -> allocator.tryAlloc(100_000)),
          () -> assertClosed(() -> allocator.alloc(8)),
          () -> assertClosed(() -> allocator.alloc(100_000)),
          () -> assertClosed(() -> allocator.free(block)),
          () -> assertClosed(() -> allocator.free(large)),
          () -> assertClosed(() -> allocator.free(12345)),
          () -> assertClosed(() -> allocator.usableSize(block)),
          () -> assertClosed(() -> allocator.in(new Nobody())),
          () -> assertClosed(allocator::pin),
          () -> assertClosed(() -> allocator.describe(block)),
          () -> assertClosed(allocator::stats),
          () -> assertClosed(allocator::live),
          () -> assertClosed(allocator::trim),
          () -> assertClosed(allocator::validate),
          () -> assertClosed(allocator::startAgent));
      allocator.unmap(); // and in the second round too
    }
  }

  @Test
  void everyMethodOfACacheSaysThatItIsClosed() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 64);
    KmemCache child = cache.in(new Nobody());
    KmemCache debug = allocator.createCache(CacheOptions.of("d", 64).debug(Debug.ALL));
    SizeClasses sizes = allocator.in(new Nobody());
    ObjectPool<Flyweight> pool = allocator.pool("p", 64);
    long object = cache.alloc();
    Flyweight view = pool.acquire(new Flyweight());
    Flyweight other = new Flyweight();
    allocator.close();

    for (int round = 0; round < 2; round++) {
      assertAll(
          () -> assertClosed(cache::tryAlloc),
          () -> assertClosed(cache::alloc),
          () -> assertClosed(child::alloc),
          () -> assertClosed(debug::alloc),
          () -> assertClosed(() -> cache.free(object)),
          () -> assertClosed(() -> child.free(object)),
          () -> assertClosed(() -> debug.free(object)),
          () -> assertClosed(() -> cache.tryAllocBulk(new long[3], 0, 3)),
          () -> assertClosed(() -> cache.allocBulk(new long[3], 0, 3)),
          () -> assertClosed(() -> cache.freeBulk(new long[] {object}, 0, 1)),
          () -> assertClosed(() -> cache.tryPrewarm(1)),
          () -> assertClosed(() -> cache.prewarm(1)),
          () -> assertClosed(cache::shrink),
          () -> assertClosed(cache::destroy),
          () -> assertClosed(() -> cache.in(new Nobody())),
          () -> assertClosed(() -> debug.generation(object)),
          () -> assertClosed(cache::stats),
          () -> assertClosed(() -> sizes.tryAlloc(8)),
          () -> assertClosed(() -> sizes.alloc(100_000)),
          () -> assertClosed(() -> sizes.usableSize(object)),
          () -> assertClosed(() -> pool.tryAcquire(other)),
          () -> assertClosed(() -> pool.acquire(other)),
          () -> assertClosed(() -> pool.release(view)),
          () -> assertClosed(() -> pool.release(view.address())),
          () -> assertClosed(() -> pool.prewarm(1)));
      allocator.unmap();
    }
    assertEquals("c", cache.name());
    assertTrue(cache.toString().contains("\"c\""));
  }

  @Test
  void aStaleAccessReadsZeroesUntilTheRangeIsUnmapped() {
    SlabAllocator allocator = allocators.open();
    List<Long> blocks = new ArrayList<>();
    for (int size = 8; size < 1 << 22; size *= 2) {
      long block = allocator.alloc(size);
      Memory.fill(block, size, (byte) 1);
      blocks.add(block);
    }

    allocator.close();

    for (long block : blocks) {
      assertEquals(0, Memory.getLong(block));
      Memory.putLong(block, 1);
    }
  }

  @Test
  void theReportNamesWhatIsAlive() {
    List<LiveReport> reports = new ArrayList<>();
    SlabAllocator allocator = allocators.open(b -> b.onClose(reports::add));
    KmemCache orders = allocator.createCache("orders", 100);
    orders.alloc();
    orders.alloc();
    orders.in(new Nobody()).alloc();
    allocator.createCache("none", 8);
    allocator.alloc(20);
    allocator.alloc(100_000);

    allocator.close();
    allocator.close();

    LiveReport report = reports.getFirst();
    assertAll(
        () -> assertEquals(1, reports.size(), "closing twice reports once"),
        () -> assertEquals(Map.of("orders", 3L, "size-24", 1L), report.objects()),
        () -> assertEquals(1, report.largeBlocks()),
        () -> assertEquals(3 * 100 + 24 + 25 * 4096, report.bytes()),
        () -> assertFalse(report.isEmpty()),
        () ->
            assertEquals(
                "102724 bytes are alive: 3 of \"orders\", 1 of \"size-24\", 1 large blocks",
                report.toString()));
  }

  @Test
  void anEmptyReportSaysSo() {
    List<LiveReport> reports = new ArrayList<>();
    SlabAllocator allocator = allocators.open(b -> b.onClose(reports::add));
    allocator.free(allocator.alloc(20));

    allocator.close();

    assertTrue(reports.getFirst().isEmpty());
    assertEquals("nothing is alive", reports.getFirst().toString());
  }

  @Test
  void whatWaitsForAGracePeriodIsNotReportedAsAlive() throws InterruptedException {
    List<LiveReport> reports = new ArrayList<>();
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20).onClose(reports::add));
    long[] objects = new long[50];
    KmemCache cache = allocator.createCache("c", 64);
    cache.allocBulk(objects, 0, 50);
    cache.freeBulk(objects, 0, 50);
    CountDownLatch pinned = new CountDownLatch(1);
    crew.start(
        () -> {
          try (Pin _ = allocator.pin()) {
            pinned.countDown();
            Crew.await(release);
          }
        });
    Crew.await(pinned);
    assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(2 << 20));
    assertEquals(0, cache.stats().usedObjects(), "taken from its front, and not yet in its slab");
    release.countDown();
    crew.join();

    allocator.close();

    assertTrue(reports.getFirst().isEmpty(), () -> reports.getFirst().toString());
  }

  @Test
  void unmappingBeforeTheEndIsRefused() {
    SlabAllocator allocator = allocators.open();
    long block = allocator.alloc(8);

    var error = assertThrows(IllegalStateException.class, allocator::unmap);

    assertEquals("unmap() was called before close()", error.getMessage());
    Memory.putLong(block, 1);
  }

  @Test
  void closingOneAllocatorLeavesTheOthersAlone() {
    SlabAllocator first = allocators.open();
    SlabAllocator second = allocators.open();
    KmemCache cache = second.createCache("c", 64);
    long object = cache.alloc();
    Memory.putLong(object, 4711);
    first.createCache("c", 64).alloc();

    first.close();
    first.unmap();
    SlabAllocator third = allocators.open();

    assertEquals(4711, Memory.getLong(object));
    cache.free(object);
    assertNotEquals(0, cache.tryAlloc());
    long foreign = third.createCache("c", 64).alloc();
    assertThrows(IllegalArgumentException.class, () -> cache.free(foreign));
    assertThrows(IllegalArgumentException.class, () -> cache.in(new Nobody()).free(foreign));
  }

  @Test
  void manyAllocatorsComeAndGo() {
    for (int i = 0; i < 60; i++) {
      SlabAllocator allocator = SlabAllocator.builder().max(1 << 20).build();
      allocator.free(allocator.alloc(100 + i));
      allocator.in(new Nobody());
      allocator.validate();
      allocator.close();
      allocator.unmap();
    }
  }

  @Test
  void anAllocatorThatCannotBeBuiltLeavesNothing() throws IOException {
    long before = Allocators.addressSpace();
    for (int i = 0; i < 200; i++) {
      assertThrows(
          IllegalArgumentException.class, () -> SlabAllocator.builder().max(1L << 43).build());
    }

    long now = Allocators.addressSpace();
    assertTrue(now - before < 2L << 30, "before " + before + ", now " + now);
  }
}
