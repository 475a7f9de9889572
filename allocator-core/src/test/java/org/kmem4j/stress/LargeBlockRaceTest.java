package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;

/** Of two threads that free one large block one succeeds; the other is told. */
class LargeBlockRaceTest {
  private final Crew crew = new Crew();

  @Test
  void aLargeBlockIsFreedOnce() throws InterruptedException {
    freeTogether(Duration.ofMillis(500));
  }

  @Test
  @Tag("slow")
  void aLargeBlockIsFreedOnceForLong() throws InterruptedException {
    freeTogether(Duration.ofSeconds(20));
  }

  private void freeTogether(Duration time) throws InterruptedException {
    // With slabs of one page, a large block is one of few pages.
    try (var allocator =
        SlabAllocator.builder().max(64 << 20).maxOrder(0).onClose(report -> {}).build()) {
      var published = new AtomicLong();
      var freed = new AtomicInteger();
      var tried = new AtomicInteger();
      crew.start(
          () -> {
            long last = 0;
            for (long block = 0; block >= 0; block = published.get()) {
              if (block != last) {
                last = block;
                freed.addAndGet(free(allocator, block >>> 16 << 12) ? 1 : 0);
                tried.incrementAndGet();
              }
            }
          });

      var random = new SplittableRandom();
      int rounds = 0;
      long end = System.nanoTime() + time.toNanos();
      while (crew.goesOn() && freed.get() == rounds && System.nanoTime() - end < 0) {
        long block = allocator.alloc(9000);
        // The round makes each publication different, though the address be the same.
        published.set(block << 4 | ++rounds & 0xffff);
        for (int i = random.nextInt(60); i > 0; i--) {
          Thread.onSpinWait(); // until the other has seen it, more or less
        }
        freed.addAndGet(free(allocator, block) ? 1 : 0);
        while (crew.goesOn() && tried.get() < rounds) {
          Thread.onSpinWait();
        }
      }
      published.set(-1);
      crew.join();

      assertEquals(rounds, freed.get());
      assertEquals(0, allocator.stats().largeBlocks());
      assertEquals(0, allocator.stats().usedBytes());
      allocator.validate();
    }
  }

  private static boolean free(SlabAllocator allocator, long block) {
    try {
      allocator.free(block);
      return true;
    } catch (IllegalArgumentException e) {
      return false; // the other thread was faster
    }
  }
}
