package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.stress.Ownership.Owned;

/**
 * Many threads, platform and virtual, take objects, pass them to each other and free them, while
 * others shrink, trim, run the agent, make and destroy caches.
 */
class SharedCachesTest {
  private static final int[] SIZES = {8, 24, 64, 200, 1000, 3000};

  /** What changes hands: who takes an object out of the queue frees it. */
  private record Passed(Owned object, KmemCache cache) {}

  private final Crew crew = new Crew();
  private final ArrayBlockingQueue<Passed> queue = new ArrayBlockingQueue<>(500);

  @ParameterizedTest(name = "maxOrder={0} sheaf={1} fronts={2}")
  @CsvSource({"6,62,8000000", "0,62,8000000", "6,6,30000", "6,0,0"})
  void withMemoryToSpare(int maxOrder, int sheaf, long fronts) throws InterruptedException {
    run(64 << 20, maxOrder, sheaf, fronts, Duration.ofMillis(1500));
  }

  @ParameterizedTest(name = "maxOrder={0} sheaf={1} fronts={2}")
  @CsvSource({"6,62,8000000", "0,30,100000"})
  void atTheCeiling(int maxOrder, int sheaf, long fronts) throws InterruptedException {
    run(2 << 20, maxOrder, sheaf, fronts, Duration.ofMillis(1500));
  }

  @Test
  void thousandsOfVirtualThreadsShareTheStripes() throws InterruptedException {
    long max = 256 << 20;
    try (var allocator = SlabAllocator.builder().max(max).onClose(report -> {}).build()) {
      var ownership = new Ownership(allocator, max);
      KmemCache cache = allocator.createCache("virtual", 100);
      for (int i = 0; i < 5000; i++) {
        crew.startVirtual(
            () -> {
              Owned[] mine = new Owned[20];
              for (int round = 0; round < 5; round++) {
                for (int k = 0; k < mine.length; k++) {
                  mine[k] = ownership.take(cache.alloc(), 100, k);
                }
                Thread.sleep(1); // others run meanwhile, on other stripes and on these
                for (Owned object : mine) {
                  ownership.give(object);
                  cache.free(object.address());
                }
              }
            });
      }
      crew.join();

      allocator.validate();
      assertEquals(0, cache.stats().usedObjects());
      cache.shrink();
      assertEquals(0, cache.stats().pages());
    }
  }

  @Test
  void ofTwoWhoDestroyACacheOneSucceeds() throws InterruptedException {
    try (var allocator = SlabAllocator.builder().max(8 << 20).build()) {
      var cache = new AtomicReference<KmemCache>();
      var destroyed = new AtomicInteger();
      var ready = new AtomicInteger();
      var rounds = new AtomicInteger();
      long end = System.nanoTime() + 1_500_000_000L; // on a busy machine few rounds are a race
      for (int i = 0; i < 2; i++) {
        boolean creates = i == 0;
        crew.start(
            () -> {
              for (int round = 1; crew.goesOn(); round++) {
                if (creates && (round <= 300 || System.nanoTime() - end < 0)) {
                  KmemCache fresh = allocator.createCache("destroyed", 64);
                  fresh.free(fresh.alloc());
                  cache.set(fresh);
                  rounds.set(round);
                }
                meet(ready, 4 * round - 2);
                if (rounds.get() < round) {
                  return;
                }
                try {
                  assertEquals(0, cache.get().destroy());
                  destroyed.incrementAndGet();
                } catch (IllegalStateException e) {
                  // the other was faster
                }
                meet(ready, 4 * round);
              }
            });
      }
      crew.join();

      assertEquals(rounds.get(), destroyed.get());
      allocator.validate();
    }
  }

  /** Both go on at the same time, to a few nanoseconds. */
  private void meet(AtomicInteger ready, int number) {
    ready.incrementAndGet();
    while (ready.get() < number && crew.goesOn()) {
      Thread.onSpinWait();
    }
  }

  /** Whoever looks after all caches must not meet one whose number leads to another by now. */
  @Test
  void cachesComeAndGoAtTheCeiling() throws InterruptedException {
    try (var allocator = SlabAllocator.builder().max(1 << 20).onClose(report -> {}).build()) {
      var ownership = new Ownership(allocator, 1 << 20);
      for (int i = 0; i < 3; i++) {
        crew.start(() -> createAndDestroy(allocator, ownership));
      }
      crew.start(
          () -> {
            while (crew.goesOn()) {
              try {
                allocator.free(allocator.alloc(2 << 20));
              } catch (OutOfNativeMemoryException e) {
                continue; // and all caches were drained
              }
            }
          });

      crew.runFor(Duration.ofSeconds(3));

      allocator.validate();
      assertEquals(0, allocator.stats().usedObjects());
    }
  }

  @Test
  @Tag("slow")
  void withMemoryToSpareForLong() throws InterruptedException {
    run(64 << 20, 6, 62, 8 << 20, Duration.ofSeconds(60));
  }

  @Test
  @Tag("slow")
  void atTheCeilingForLong() throws InterruptedException {
    run(2 << 20, 6, 62, 8 << 20, Duration.ofSeconds(60));
  }

  private void run(long max, int maxOrder, int sheaf, long fronts, Duration time)
      throws InterruptedException {
    var builder =
        SlabAllocator.builder()
            .max(max)
            .maxOrder(maxOrder)
            .sheafCapacity(sheaf)
            .frontBudget(fronts)
            .decay(Duration.ofMillis(50))
            .onClose(report -> {});
    try (var allocator = builder.build()) {
      var ownership = new Ownership(allocator, max);
      List<KmemCache> caches = new ArrayList<>();
      for (int size : SIZES) {
        caches.add(allocator.createCache("shared-" + size, size));
      }

      for (int i = 0; i < 3; i++) {
        crew.start(() -> work(allocator, ownership, caches, Integer.MAX_VALUE));
      }
      crew.start(
          () -> {
            Crew virtual = new Crew();
            while (crew.goesOn()) {
              for (int i = 0; i < 100; i++) {
                virtual.startVirtual(() -> work(allocator, ownership, caches, 50));
              }
              virtual.join();
            }
          });
      crew.start(() -> tidy(allocator, caches));
      crew.start(() -> createAndDestroy(allocator, ownership));
      crew.start(
          () -> {
            while (crew.goesOn()) {
              allocator.agent().doWork();
              Thread.sleep(1);
            }
          });
      crew.runFor(time);
      for (Passed last = queue.poll(); last != null; last = queue.poll()) {
        free(allocator, ownership, last);
      }

      allocator.validate();
      assertEquals(0, allocator.stats().usedObjects());
      allocator.trim();
      allocator.validate();
      for (KmemCache cache : caches) {
        assertEquals(0, cache.stats().pages(), cache.name());
      }
    }
  }

  private void work(
      SlabAllocator allocator, Ownership ownership, List<KmemCache> caches, int operations) {
    var random = new SplittableRandom(ThreadLocalRandom.current().nextLong());
    List<Passed> mine = new ArrayList<>();
    for (int i = 0; i < operations && crew.goesOn(); i++) {
      if (random.nextInt(200) >= mine.size()) {
        Passed taken = take(allocator, ownership, caches, random);
        if (taken != null && (random.nextInt(4) != 0 || !queue.offer(taken))) {
          mine.add(taken);
        }
      } else {
        Passed other = random.nextInt(4) == 0 ? queue.poll() : null;
        free(allocator, ownership, other != null ? other : mine.remove(mine.size() - 1));
      }
    }
    mine.forEach(object -> free(allocator, ownership, object));
  }

  private static Passed take(
      SlabAllocator allocator,
      Ownership ownership,
      List<KmemCache> caches,
      SplittableRandom random) {
    int which = random.nextInt(caches.size() + 2);
    KmemCache cache = which < caches.size() ? caches.get(which) : null;
    long bytes =
        cache != null ? cache.objectBytes() : 1 + random.nextInt(which % 2 == 0 ? 500 : 20_000);
    try {
      long address;
      if (random.nextBoolean()) {
        address = cache != null ? cache.tryAlloc() : allocator.tryAlloc(bytes);
      } else {
        address = cache != null ? cache.alloc() : allocator.alloc(bytes);
      }
      return address == 0
          ? null
          : new Passed(ownership.take(address, bytes, random.nextLong()), cache);
    } catch (OutOfNativeMemoryException e) {
      return null; // at the ceiling: expected
    }
  }

  private static void free(SlabAllocator allocator, Ownership ownership, Passed passed) {
    ownership.give(passed.object);
    if (passed.cache != null && (passed.object.seed() & 1) == 0) {
      passed.cache.free(passed.object.address());
    } else {
      allocator.free(passed.object.address());
    }
  }

  private void tidy(SlabAllocator allocator, List<KmemCache> caches) throws InterruptedException {
    var random = new SplittableRandom();
    while (crew.goesOn()) {
      if (random.nextInt(5) == 0) {
        allocator.trim();
      } else {
        caches.get(random.nextInt(caches.size())).shrink();
      }
      allocator.stats();
      Thread.sleep(random.nextInt(10));
    }
  }

  private void createAndDestroy(SlabAllocator allocator, Ownership ownership) {
    var random = new SplittableRandom();
    while (crew.goesOn()) {
      KmemCache cache = allocator.createCache("short-lived", 8 + random.nextInt(3000));
      List<Owned> objects = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        long address = cache.tryAlloc();
        if (address != 0) {
          objects.add(ownership.take(address, cache.objectBytes(), random.nextLong()));
        }
      }
      for (Owned object : objects) {
        ownership.give(object);
        cache.free(object.address());
      }
      assertEquals(0, cache.destroy(), "objects that are in use");
    }
  }
}
