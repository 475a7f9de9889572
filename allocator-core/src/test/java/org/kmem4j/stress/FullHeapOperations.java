package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;

/**
 * Wherever the Java heap ends, an operation happens or it does not: nothing is lost, no front stays
 * detached, no word stays set, and the books are right. Run by {@link FullHeapTest}, in a JVM with
 * {@link FullHeap#FLAGS}.
 */
class FullHeapOperations {
  private static final int OBJECTS = 200;
  private static final int[] SPARE_BYTES = {
    0, 24, 72, 144, 288, 480, 960, 1600, 3000, 6000, 14_000, 30_000
  };

  /** In the build a few of them are tried, each time others. */
  private static final int STEP = Boolean.getBoolean("test.everyAmount") ? 1 : 6;

  private final int jitter = ThreadLocalRandom.current().nextInt(4) * 24;
  private final long[] held = new long[OBJECTS];
  private int failures;

  /** What is attempted in a world of its own, once for each amount of heap. */
  private interface Operation {
    void run(SlabAllocator allocator);
  }

  /**
   * Attempts an operation again and again; after each attempt the books must be right.
   *
   * @param prepare runs before it, with all of the heap
   */
  private void attempt(Operation prepare, Operation operation) throws Exception {
    int first = ThreadLocalRandom.current().nextInt(STEP);
    for (int round = 0;
        round <= SPARE_BYTES.length;
        round = round == 0 ? 1 + first : round + STEP) {
      SlabAllocator allocator = SlabAllocator.builder().max(8 << 20).onClose(report -> {}).build();
      try (allocator) {
        long metadata = allocator.stats().metadataBytes();
        prepare.run(allocator);
        if (round == 0) {
          operation.run(allocator); // every class has been used before the heap is full
          check(allocator, metadata, "with all of the heap");
        } else {
          int spare = SPARE_BYTES[round - 1] + jitter;
          if (!FullHeap.attempt(spare, () -> operation.run(allocator))) {
            failures++;
          }
          check(allocator, metadata, "with " + spare + " bytes of heap");
        }
      }
      allocator.unmap();
    }
    assertTrue(failures > 0 || STEP > 1, "it never failed");
  }

  private void check(SlabAllocator allocator, long metadata, String when) throws Exception {
    for (int i = 0; i < PerThread.slotCount(); i++) {
      assertFalse(Rcu.isReading(PerThread.slot(i)), when);
    }
    allocator.slabs().finishDeferred();
    allocator.validate();
    long count = 0;
    for (int i = 0; i < OBJECTS; i++) {
      count += held[i] == 0 ? 0 : 1;
    }
    assertEquals(count, allocator.stats().usedObjects(), when);
    for (int i = 0; i < OBJECTS; i++) {
      allocator.free(held[i]);
      held[i] = 0;
    }
    allocator.trim();
    allocator.validate();
    var stats = allocator.stats();
    assertEquals(0, stats.usedObjects(), when);
    assertEquals(0, stats.cachedBytes() + stats.freeInSlabsBytes(), when);
    assertEquals(0, stats.mappedBytes(), when);
    assertEquals(0, stats.frontBytes(), when);
    for (KmemCache some : allocator.slabs().snapshot()) {
      if (!some.name().startsWith("size-")) {
        some.retire();
      }
    }
    for (int i = 0; i < 1000 && allocator.slabs().endings().size() > 0; i++) {
      allocator.agent().doWork();
    }
    assertEquals(0, allocator.slabs().endings().size(), when);
    assertEquals(metadata, allocator.stats().metadataBytes(), when);
  }

  private void takeAll(LongSupplier source) {
    for (int i = 0; i < OBJECTS; i++) {
      if (held[i] == 0) {
        held[i] = source.getAsLong();
      }
    }
  }

  private void freeHalf(KmemCache cache) {
    for (int i = 0; i < OBJECTS; i += 2) {
      long object = held[i];
      if (object != 0) {
        cache.free(object);
        held[i] = 0;
      }
    }
  }

  private KmemCache cache; // of the round

  @Test
  void ofACacheWithFronts() throws Exception {
    attempt(
        allocator -> cache = allocator.createCache("fronts", 512),
        allocator -> {
          takeAll(cache::tryAlloc);
          freeHalf(cache);
          takeAll(cache::alloc);
        });
  }

  @Test
  void ofManyObjectsAtOnce() throws Exception {
    attempt(
        allocator -> cache = allocator.createCache("bulk", 512),
        allocator -> {
          assertTrue(cache.tryAllocBulk(held, 0, OBJECTS));
          cache.freeBulk(held, 0, OBJECTS / 2);
        });
  }

  @Test
  void ofACacheWithoutFronts() throws Exception {
    attempt(
        allocator ->
            cache = allocator.createCache(CacheOptions.of("debugged", 64).debug(Debug.ALL)),
        allocator -> {
          takeAll(cache::tryAlloc);
          freeHalf(cache);
        });
  }

  /** Who frees it is not told then; that it is free is what counts. */
  @Test
  void aTrackedObjectIsFreedWithoutAnyHeap() {
    try (SlabAllocator allocator = SlabAllocator.builder().max(8 << 20).build()) {
      KmemCache tracked = allocator.createCache(CacheOptions.of("tracked", 64).debug(Debug.ALL));
      tracked.free(tracked.alloc()); // every class has been used
      long object = tracked.alloc();

      assertTrue(FullHeap.attempt(0, () -> tracked.free(object)), "it was free before");

      assertEquals(0, tracked.usedObjects());
    }
  }

  @Test
  void ofLargeBlocks() throws Exception {
    attempt(
        allocator -> {},
        allocator -> {
          for (int i = 0; i < 20; i++) {
            held[i] = allocator.tryAlloc(i == 0 ? 3 << 20 : 100_000);
          }
          long block = held[0];
          allocator.free(block);
          held[0] = 0;
        });
  }

  @Test
  void ofAThreadThatIsNew() throws Exception {
    attempt(
        allocator -> cache = allocator.createCache("new", 512),
        allocator -> {
          long[] taken = new long[1];
          Thread thread = new Thread(() -> taken[0] = cache.tryAlloc());
          thread.setUncaughtExceptionHandler((some, error) -> {});
          thread.start();
          try {
            thread.join();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          held[0] = taken[0];
        });
  }

  @Test
  void ofPrewarming() throws Exception {
    attempt(
        allocator -> cache = allocator.createCache("prewarmed", 512),
        allocator -> cache.prewarm(1000));
  }

  private void fillFronts(SlabAllocator allocator) {
    for (int i = 0; i < 3; i++) {
      cache = allocator.createCache("cached-" + i, 512);
      takeAll(cache::tryAlloc);
      freeHalf(cache);
      for (int k = 0; k < OBJECTS; k++) {
        allocator.free(held[k]);
        held[k] = 0;
      }
    }
  }

  private SlabAllocator other; // of the round

  @Test
  void ofOpeningAnother() throws Exception {
    SlabAllocator.Builder builder = SlabAllocator.builder().max(64 << 20);
    long[] before = new long[1];
    attempt(
        allocator -> {
          closeOther(before[0]);
          before[0] = addressSpace();
        },
        allocator -> other = builder.build());
    closeOther(before[0]);
  }

  private void closeOther(long before) {
    if (other != null) {
      other.close();
      other.unmap();
      other = null;
    }
    // What a JVM maps meanwhile is less; the structs of an allocator alone have 32 MiB.
    assertTrue(before == 0 || addressSpace() - before < 24 << 20, "something stays mapped");
  }

  private static long addressSpace() {
    try {
      return Allocators.addressSpace();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void ofShrinking() throws Exception {
    attempt(this::fillFronts, allocator -> cache.shrink());
  }

  @Test
  void ofTrimming() throws Exception {
    attempt(this::fillFronts, SlabAllocator::trim);
  }

  @Test
  void ofTheAgent() throws Exception {
    attempt(
        this::fillFronts,
        allocator -> {
          try {
            allocator.slabs().tick(0);
            allocator.agent().doWork();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void ofRoomThatIsMadeAtTheCeiling() throws Exception {
    attempt(
        this::fillFronts,
        allocator -> {
          for (int i = 0; i < OBJECTS; i++) {
            try {
              held[i] = allocator.alloc(100_000);
            } catch (OutOfNativeMemoryException e) {
              return;
            }
          }
        });
  }

  @Test
  void ofCachesThatComeAndGo() throws Exception {
    attempt(
        allocator -> {},
        allocator -> {
          KmemCache some = allocator.createCache("some", 100);
          takeAll(some::tryAlloc);
          freeHalf(some);
          some.destroy();
        });
  }
}
