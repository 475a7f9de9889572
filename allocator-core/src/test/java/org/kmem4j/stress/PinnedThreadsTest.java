package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.LiveReport;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.Pin;

/** A pin delays grace periods: those who need one wait a bounded time, or are told. */
class PinnedThreadsTest {
  private static final long MAX = 4 << 20;

  private final SlabAllocator allocator =
      SlabAllocator.builder().max(MAX).onClose(report -> {}).build();
  private final KmemCache cache = allocator.createCache("pinned", 100);
  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void theAllocatorIsSound() throws InterruptedException {
    release.countDown();
    crew.join();
    allocator.validate();
    allocator.close();
  }

  /** A thread that holds some objects in its front, and a pin until it is released. */
  private void pinned() throws InterruptedException {
    var pinned = new CountDownLatch(1);
    crew.start(
        () -> {
          long[] objects = new long[20];
          cache.allocBulk(objects, 0, objects.length);
          cache.freeBulk(objects, 0, objects.length);
          try (Pin pin = allocator.pin()) {
            cache.free(pin, cache.tryAlloc(pin));
            pinned.countDown();
            Crew.await(release);
          }
        });
    Crew.await(pinned);
  }

  @Test
  void whoIsPinnedIsToldWhenItWouldWaitForItself() {
    try (Pin pin = allocator.pin()) {
      assertNotEquals(0, cache.tryAlloc(pin));
      assertThrows(IllegalStateException.class, cache::destroy);
      assertThrows(IllegalStateException.class, allocator::close);
      assertThrows(IllegalStateException.class, allocator::pin);
    }
    assertEquals(1, cache.destroy());
  }

  @Test
  void aPinnedThreadWhoseIdCollidesIsToldToo() throws InterruptedException {
    Thread first =
        new Thread(
            crew.guarded(
                () -> {
                  cache.free(cache.alloc());
                  Crew.await(release);
                }));
    Thread second;
    do {
      second =
          new Thread(
              crew.guarded(
                  () -> {
                    try (Pin pin = allocator.pin()) {
                      cache.free(pin, cache.tryAlloc(pin));
                      assertThrows(IllegalStateException.class, cache::destroy);
                      assertThrows(IllegalStateException.class, allocator::close);
                    }
                  }));
    } while ((second.threadId() - first.threadId()) % (1 << 14) != 0);
    crew.start(first);
    while (first.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    crew.start(second);
    second.join();
  }

  @Test
  void anAllocationAtTheCeilingDoesNotWaitForAPin() throws InterruptedException {
    pinned();
    KmemCache other = allocator.createCache("other", 1000);
    long last = 0;
    long start = System.nanoTime();

    try {
      while (true) {
        long object = other.alloc();
        Memory.putLong(object, last);
        last = object;
      }
    } catch (OutOfNativeMemoryException e) {
      assertTrue(System.nanoTime() - start < Duration.ofSeconds(10).toNanos());
    }

    while (last != 0) {
      long next = Memory.getLong(last);
      other.free(last);
      last = next;
    }
  }

  @Test
  void whatAPinDelayedIsFinishedByTheAgent() throws InterruptedException {
    pinned();
    KmemCache other = allocator.createCache("other", 3000);
    long[] objects = new long[2000];
    while (other.tryAllocBulk(objects, 0, 100)) {
      // until the ceiling
    }
    assertThrows(OutOfNativeMemoryException.class, () -> other.allocBulk(objects, 0, 1000));
    assertNotEquals(0, allocator.stats().reclaims());

    release.countDown();
    crew.join();
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (cache.stats().pages() > 0 && System.nanoTime() - deadline < 0) {
      cache.shrink();
    }

    assertEquals(0, cache.stats().pages());
    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  @SuppressWarnings("try") // it is pinned, and uses the pin no further
  void atTheCeilingAPinnedThreadMakesRoomItself() {
    KmemCache other = allocator.createCache("other", 1000);
    long[] objects = new long[500];
    other.allocBulk(objects, 0, objects.length);
    other.freeBulk(objects, 0, objects.length);
    long last = 0;
    try (Pin pin = allocator.pin()) {
      while (true) {
        long object = cache.alloc();
        Memory.putLong(object, last);
        last = object;
      }
    } catch (OutOfNativeMemoryException e) {
      assertEquals(0, other.stats().pages(), e.getMessage());
    }

    while (last != 0) {
      long next = Memory.getLong(last);
      cache.free(last);
      last = next;
    }
  }

  /** They lie in no front, and wait for their grace period: that makes them no leak. */
  @Test
  void whatAPinDelayedIsNoLeakWhenTheAllocatorCloses() throws InterruptedException {
    List<LiveReport> reports = new ArrayList<>();
    try (var closing = SlabAllocator.builder().max(MAX).onClose(reports::add).build()) {
      KmemCache freed = closing.createCache("freed", 100);
      long[] objects = new long[20];
      freed.allocBulk(objects, 0, objects.length);
      freed.freeBulk(objects, 0, objects.length);
      pinned();
      assertThrows(OutOfNativeMemoryException.class, () -> closing.alloc(2 * MAX));
      release.countDown();
      crew.join();
    }

    assertTrue(reports.get(0).isEmpty(), reports.toString());
  }

  @Test
  void aPinThatIsRenewedLetsOthersShrink() throws InterruptedException {
    var pinned = new CountDownLatch(1);
    crew.start(
        () -> {
          try (Pin pin = allocator.pin()) {
            pinned.countDown();
            while (crew.goesOn()) {
              for (int i = 0; i < 100; i++) {
                cache.free(pin, cache.tryAlloc(pin));
              }
              pin.renew();
            }
          }
        });
    Crew.await(pinned);

    for (int i = 0; i < 50; i++) {
      cache.shrink();
    }

    crew.stop();
    crew.join();
    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void ownersOfPinsAndOthersShareACache() throws InterruptedException {
    var ownership = new Ownership(allocator, MAX);
    for (int i = 0; i < 2; i++) {
      crew.start(
          () -> {
            long[] mine = new long[50];
            while (crew.goesOn()) {
              try (Pin pin = allocator.pin()) {
                for (int k = 0; k < mine.length; k++) {
                  mine[k] = cache.tryAlloc(pin);
                }
                pin.renew();
                for (long object : mine) {
                  Ownership.Owned owned = ownership.take(object, 100, object);
                  ownership.give(owned);
                  cache.free(pin, object);
                }
              }
            }
          });
    }
    crew.start(
        () -> {
          while (crew.goesOn()) {
            long object = cache.alloc();
            ownership.give(ownership.take(object, 100, 1));
            cache.free(object);
          }
        });
    crew.start(
        () -> {
          while (crew.goesOn()) {
            cache.shrink();
          }
        });

    crew.runFor(Duration.ofSeconds(1));

    assertEquals(0, cache.stats().usedObjects());
  }
}
