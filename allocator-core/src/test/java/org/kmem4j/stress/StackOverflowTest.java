package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;

/**
 * Wherever the stack ends, an operation happens or it does not: no lock stays held, no front
 * detached, no object is lost.
 */
class StackOverflowTest {
  private static final int THREADS = Integer.getInteger("test.overflowingThreads", 3);

  /** Far more than a thread takes, which interprets beside whatever else the machine does. */
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final boolean COLD = Boolean.getBoolean("test.cold");
  private static final String[] OPERATIONS = {
    "ofACacheWithFronts",
    "ofAHardenedCache",
    "ofAHardenedCacheAgainAndAgain",
    "ofVirtualThreads",
    "ofACacheWithoutFronts",
    "ofASlabAtATime",
    "ofLargeBlocks",
    "ofPrewarming",
    "ofTrimming"
  };

  private final SlabAllocator allocator =
      SlabAllocator.builder().max(64 << 20).maxOrder(6).onClose(report -> {}).build();
  private final Crew crew = new Crew();
  private final AtomicInteger overflows = new AtomicInteger();

  /** What is used for the first time links classes; {@link #whereNothingWasUsedBefore} does. */
  @BeforeEach
  void everyClassHasBeenUsed() {
    if (COLD) {
      return;
    }
    try (var other = SlabAllocator.builder().max(64 << 20).onClose(report -> {}).build()) {
      for (int size : new int[] {64, 3000, 1 << 20, 8 << 20}) {
        long block = other.alloc(size);
        other.free(block);
      }
      KmemCache debugged = other.createCache(CacheOptions.of("debugged", 64).debug(Debug.ALL));
      debugged.free(debugged.alloc());
      debugged.prewarm(100);
      other.trim();
    }
  }

  @BeforeEach
  void everyClassOfAHardenedAllocatorHasBeenUsed() {
    if (COLD) {
      return;
    }
    try (SlabAllocator other = openHardened()) {
      KmemCache cache = other.createCache("used", 64);
      cache.free(cache.alloc());
      cache.shrink();
    }
  }

  /** An operation that leaves nothing behind when it succeeds. */
  private interface Operation {
    void run(long[] hand);
  }

  private void attempt(Operation operation) throws InterruptedException {
    for (int i = 0; i < THREADS; i++) {
      Thread thread =
          new Thread(null, crew.guarded(attempts(i, operation)), "small stack", 300 << 10);
      thread.setDaemon(true);
      crew.start(thread);
      crew.join(LIMIT);
    }
    checkAndClose();
  }

  private Crew.Work attempts(int offset, Operation operation) {
    return () -> {
      long[] hand = new long[1]; // the object that is held just now
      var attempt =
          new ShallowStack.Attempt() {
            @Override
            public void run() {
              operation.run(hand);
            }

            @Override
            public void overflowed(StackOverflowError error) {}
          };
      overflows.addAndGet(ShallowStack.exhaust(offset, attempt));
      allocator.free(hand[0]);
    };
  }

  private void checkAndClose() {
    allocator.validate();
    assertEquals(0, allocator.stats().usedObjects(), "of " + overflows + " overflows");
    allocator.trim();
    allocator.validate();
    allocator.close();
  }

  @Test
  void ofACacheWithFronts() throws InterruptedException {
    KmemCache cache = allocator.createCache("fronts", 512);
    long[] more = new long[100];
    attempt(
        hand -> {
          // Often enough to pass through fronts, barn and slabs.
          for (int i = 0; i < more.length; i++) {
            if (more[i] == 0) {
              more[i] = cache.tryAlloc();
              assertNotEquals(0, more[i]);
            }
          }
          for (int i = 0; i < more.length; i++) {
            long object = more[i];
            if (object != 0) {
              cache.free(object);
              more[i] = 0;
            }
          }
        });
  }

  @Test
  void ofAHardenedCache() throws InterruptedException {
    SlabAllocator hardened = openHardened();
    KmemCache cache = hardened.createCache("hardened", 64);
    attempt(
        hand -> {
          if (hand[0] == 0) {
            hand[0] = cache.tryAlloc();
          }
          cache.free(hand[0]);
          hand[0] = 0;
        });
    cache.shrink();
    hardened.validate();
    assertEquals(0, hardened.stats().usedObjects(), "of " + overflows + " overflows");
    hardened.close();
  }

  /** A thread whose front is full probes no stack before it pops. */
  @Test
  void ofAHardenedCacheAgainAndAgain() throws InterruptedException {
    SlabAllocator hardened =
        SlabAllocator.builder()
            .max(64 << 20)
            .hardened(true)
            .initOnAlloc()
            .onClose(report -> {})
            .build();
    KmemCache cache = hardened.createCache("hardened", 64);
    for (int i = 0; i < THREADS; i++) {
      int offset = i;
      long[] objects = new long[20];
      Crew.Work work =
          () -> {
            cache.allocBulk(objects, 0, objects.length);
            cache.freeBulk(objects, 0, objects.length);
            attempts(
                    offset,
                    hand -> {
                      for (int attempt = 0; attempt < 3 && hand[0] == 0; attempt++) {
                        try {
                          hand[0] = cache.tryAlloc();
                        } catch (StackOverflowError e) {
                          // the next one may end likewise
                        }
                      }
                      cache.free(hand[0]);
                      hand[0] = 0;
                    })
                .run();
          };
      crew.start(new Thread(null, crew.guarded(work), "small stack", 300 << 10));
      crew.join(LIMIT);
      cache.shrink();
      assertEquals(0, hardened.stats().usedObjects(), "of " + overflows + " overflows");
    }
    hardened.validate();
    hardened.close();
  }

  private static SlabAllocator openHardened() {
    return SlabAllocator.builder().max(64 << 20).hardened(true).onClose(report -> {}).build();
  }

  @Test
  void ofVirtualThreads() throws InterruptedException {
    KmemCache cache = allocator.createCache("virtual", 512);
    for (int i = 0; i < THREADS; i++) {
      crew.startVirtual(
          attempts(
              i,
              hand -> {
                if (hand[0] == 0) {
                  hand[0] = cache.tryAlloc();
                }
                cache.free(hand[0]);
                hand[0] = 0;
              }));
      crew.join(LIMIT);
    }
    checkAndClose();
  }

  @Test
  void ofACacheWithoutFronts() throws InterruptedException {
    KmemCache cache = allocator.createCache(CacheOptions.of("debugged", 64).debug(Debug.ALL));
    attempt(
        hand -> {
          if (hand[0] == 0) {
            hand[0] = cache.tryAlloc();
          }
          cache.free(hand[0]);
          hand[0] = 0;
        });
  }

  @Test
  void ofASlabAtATime() throws InterruptedException {
    KmemCache cache = allocator.createCache(CacheOptions.of("big", 30_000).debug(Debug.ALL));
    attempt(
        hand -> {
          if (hand[0] == 0) {
            hand[0] = cache.tryAlloc();
          }
          cache.free(hand[0]);
          hand[0] = 0;
          cache.shrink();
        });
  }

  @Test
  void ofLargeBlocks() throws InterruptedException {
    attempt(
        hand -> {
          if (hand[0] == 0) {
            hand[0] = allocator.tryAlloc(3 << 20);
          }
          allocator.free(hand[0]);
          hand[0] = 0;
        });
  }

  @Test
  void ofPrewarming() throws InterruptedException {
    KmemCache cache = allocator.createCache("prewarmed", 1000);
    attempt(
        hand -> {
          cache.prewarm(200);
          cache.shrink();
        });
  }

  @Test
  void ofTrimming() throws InterruptedException {
    KmemCache cache = allocator.createCache("trimmed", 100);
    attempt(
        hand -> {
          if (hand[0] == 0) {
            hand[0] = cache.tryAlloc();
          }
          cache.free(hand[0]);
          hand[0] = 0;
          allocator.trim();
        });
  }

  /** Compiled code needs less stack than the interpreter, and overflows at fewer places. */
  @Test
  void inTheInterpreter() throws Exception {
    for (String operation : OPERATIONS) {
      inAJvmWith("-Xint", operation, 3);
    }
  }

  /** The stack ends while classes are loaded, initialised and linked. */
  @ParameterizedTest
  @ValueSource(strings = {"ofACacheWithFronts", "ofAHardenedCache", "ofLargeBlocks"})
  void whereNothingWasUsedBefore(String operation) throws Exception {
    inAJvmWith("-Dtest.cold=true", operation, 3);
  }

  /** Each thread's frames lie a little differently, and its stack ends elsewhere. */
  @ParameterizedTest
  @ValueSource(strings = {"-Xint", "-XX:-TieredCompilation", "-XX:+TieredCompilation"})
  @Tag("slow")
  void onManyThreads(String flag) throws Exception {
    for (String operation : OPERATIONS) {
      inAJvmWith(flag, operation, 15);
      inAJvmWith("-Dtest.cold=true", operation, 15);
    }
  }

  private static void inAJvmWith(String flag, String operation, int threads) throws Exception {
    var result =
        ChildJvm.run(
            StackOverflowTest.class.getName() + "#" + operation,
            null,
            LIMIT.multipliedBy(3),
            flag,
            "-Dtest.overflowingThreads=" + threads);
    assertTrue(result.passed(), operation + " " + flag + ": " + result.output());
  }
}
