package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;

/** What threads hold that never come back, or that have died, is not lost. */
class ParkedThreadsTest {
  private static final int OBJECTS = 200;

  private final SlabAllocator allocator = SlabAllocator.builder().max(16 << 20).build();
  private final KmemCache cache = allocator.createCache("parked", 128);
  private final Crew crew = new Crew();

  @AfterEach
  void theAllocatorIsSound() {
    allocator.validate();
    assertEquals(0, cache.stats().usedObjects());
    allocator.close();
  }

  /** Leaves two filled sheaves, and an object that another thread frees. */
  private void fillSheaves() {
    long[] objects = new long[OBJECTS];
    cache.allocBulk(objects, 0, OBJECTS);
    cache.freeBulk(objects, 0, OBJECTS);
  }

  @Test
  void eightParkedThreadsAndOneInNativeCodeGiveAllTheyHold() throws InterruptedException {
    int threads = 9;
    var filled = new CountDownLatch(threads);
    for (int i = 0; i < threads; i++) {
      boolean inNativeCode = i == 0;
      Thread parked =
          new Thread(
              () -> {
                fillSheaves();
                filled.countDown();
                if (inNativeCode) {
                  sleepInNativeCode();
                }
                while (true) {
                  LockSupport.park();
                }
              });
      parked.setDaemon(true); // never ends
      parked.start();
    }
    Crew.await(filled);
    assertTrue(cache.stats().cachedObjects() >= 9 * 30, "cached: " + cache.stats());

    long given = cache.shrink();

    assertNotEquals(0, given);
    assertEquals(0, cache.stats().cachedObjects());
    assertEquals(0, cache.stats().pages());
  }

  @SuppressWarnings("restricted") // the test has native access, as all tests here
  private static void sleepInNativeCode() {
    MethodHandle sleep =
        Linker.nativeLinker()
            .downcallHandle(
                Linker.nativeLinker().defaultLookup().findOrThrow("sleep"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    try {
      int left = (int) sleep.invokeExact(3600);
      assertEquals(0, left);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatTheDeadHeldComesBack() throws InterruptedException {
    for (int i = 0; i < 20; i++) {
      crew.start(this::fillSheaves);
    }
    crew.join();
    assertNotEquals(0, cache.stats().cachedObjects());

    cache.shrink();

    assertEquals(0, cache.stats().cachedObjects());
    assertEquals(0, cache.stats().pages());
  }

  @Test
  void whatTheDeadHeldIsUsedByThoseWhoComeAfterThem() throws InterruptedException {
    for (int i = 0; i < 500; i++) {
      crew.start(this::fillSheaves);
      crew.join();
    }

    long pages = cache.stats().pages();
    assertTrue(pages <= 20 * 8, "500 threads, one after the other, left " + pages + " pages");
  }

  @Test
  void anAllocationAtTheCeilingTakesWhatOthersHold() throws InterruptedException {
    KmemCache hoard = allocator.createCache("hoard", 2000);
    var filled = new CountDownLatch(4);
    var release = new CountDownLatch(1);
    for (int i = 0; i < 4; i++) {
      crew.start(
          () -> {
            long[] objects = new long[100];
            hoard.allocBulk(objects, 0, objects.length);
            hoard.freeBulk(objects, 0, objects.length);
            filled.countDown();
            Crew.await(release);
          });
    }
    Crew.await(filled);
    assertNotEquals(0, hoard.stats().cachedObjects());

    long held = 0;
    long last = 0;
    try {
      while (true) { // objects linked through their first word
        long object = cache.alloc();
        Memory.putLong(object, last);
        last = object;
        held++;
      }
    } catch (OutOfNativeMemoryException e) {
      assertEquals(0, hoard.stats().cachedObjects(), e.getMessage());
    }

    assertTrue(held * 128 > (15 << 20), "objects: " + held);
    while (last != 0) {
      long next = Memory.getLong(last);
      cache.free(last);
      last = next;
    }
    release.countDown();
    crew.join();
  }
}
