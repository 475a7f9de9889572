package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Pin;
import org.kmem4j.slab.SizeClasses;

/** Hot paths make no garbage on the Java heap, refusals included. */
final class NoGarbageTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int ROUNDS = 2000;
  private static final int ATTEMPTS = 40;

  @RegisterExtension private final Allocators allocators = new Allocators();

  private static double bytesPerRun(Runnable run) {
    return bytesPerRun(ROUNDS, run);
  }

  /** Runs something several times; says how many bytes of garbage per run it made at best. */
  private static double bytesPerRun(int rounds, Runnable run) {
    long best = Long.MAX_VALUE;
    for (int attempt = 0; attempt < ATTEMPTS && best > 0; attempt++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < rounds; i++) {
        run.run();
      }
      best = Math.min(best, THREADS.getCurrentThreadAllocatedBytes() - before);
    }
    return (double) best / rounds;
  }

  @Test
  void theMeasurementSeesGarbage() {
    byte[][] sink = new byte[1][];

    assertTrue(bytesPerRun(() -> sink[0] = new byte[48]) >= 48);
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 64, 1000, 4000, 30_000})
  void onePair(int bytes) {
    KmemCache cache = allocators.open(b -> b.maxOrder(6)).createCache("c", bytes);

    assertEquals(0, bytesPerRun(() -> cache.free(cache.tryAlloc())));
  }

  @Test
  void manyObjectsThroughSheavesBarnAndSlabs() {
    KmemCache cache = allocators.open().createCache("c", 64);
    long[] objects = new long[2000];

    assertEquals(
        0,
        bytesPerRun(
            50,
            () -> {
              cache.allocBulk(objects, 0, objects.length);
              cache.freeBulk(objects, 0, objects.length);
            }));
  }

  @Test
  void withoutSheaves() {
    KmemCache cache = allocators.open(b -> b.sheafCapacity(0)).createCache("c", 64);

    assertEquals(0, bytesPerRun(() -> cache.free(cache.tryAlloc())));
  }

  @Test
  void withDebuggingThatDoesNotTrack() {
    KmemCache cache =
        allocators.open().createCache(CacheOptions.of("c", 64).debug(Debug.of("FZP")));

    assertEquals(0, bytesPerRun(() -> cache.free(cache.tryAlloc())));
  }

  @Test
  void underAPin() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 64);
    try (Pin pin = allocator.pin()) {
      assertEquals(
          0,
          bytesPerRun(
              () -> {
                cache.free(pin, cache.tryAlloc(pin));
                pin.renew();
              }));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 100, 2000, 30_000})
  void bySize(int bytes) {
    SlabAllocator allocator = allocators.open();

    assertEquals(0, bytesPerRun(() -> allocator.free(allocator.tryAlloc(bytes))));
  }

  @ParameterizedTest
  @ValueSource(ints = {40_000, 1 << 20, 5 << 20})
  void largeBlocks(int bytes) {
    SlabAllocator allocator = allocators.open();

    assertEquals(0, bytesPerRun(() -> allocator.free(allocator.tryAlloc(bytes))));
  }

  @Test
  void aPool() {
    ObjectPool<Flyweight> pool = allocators.open().pool("p", 64);
    Flyweight view = new Flyweight();

    assertEquals(
        0,
        bytesPerRun(
            () -> {
              pool.tryAcquire(view);
              view.putLong(0, 1);
              pool.release(view);
            }));
  }

  @Test
  void refusalsAtTheCeiling() {
    SlabAllocator allocator = allocators.open(b -> b.max(1 << 20));
    KmemCache cache = allocator.createCache("c", 4000);
    ObjectPool<Flyweight> pool = allocator.pool("p", 4000);
    SizeClasses sizes = allocator.in(new Refusing());
    Flyweight view = new Flyweight();
    while (cache.tryAlloc() != 0) {
      // until nothing is left
    }
    long[] objects = new long[10];

    assertEquals(
        0,
        bytesPerRun(
            () -> {
              assertRefused(cache.tryAlloc() == 0);
              assertRefused(!pool.tryAcquire(view));
              assertRefused(!cache.tryAllocBulk(objects, 0, 10));
              assertRefused(!cache.tryPrewarm(10));
              assertRefused(allocator.tryAlloc(100) == 0);
              assertRefused(allocator.tryAlloc(10_000) == 0);
              assertRefused(allocator.tryAlloc(100_000) == 0);
              assertRefused(allocator.tryAlloc(2 << 20) == 0);
              assertRefused(sizes.tryAlloc(100) == 0);
              assertRefused(sizes.tryAlloc(100_000) == 0);
            }));
  }

  private static void assertRefused(boolean refused) {
    if (!refused) {
      throw new AssertionError("there was memory");
    }
  }

  private static final class Refusing implements org.kmem4j.slab.Account {
    @Override
    public long address() {
      return 0x40;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      return false;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {
      throw new AssertionError("nothing was charged");
    }
  }
}
