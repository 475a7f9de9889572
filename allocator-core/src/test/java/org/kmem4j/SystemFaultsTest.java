package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.OsException;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;

/** System calls that fail, each wherever it is made: nothing is lost by that. */
final class SystemFaultsTest {
  private static final int ENOMEM = 12;
  private static final int EINVAL = 22;

  /** What the JVM maps meanwhile; an allocator's tables are larger. */
  private static final long NOISE_BYTES = 16 << 20;

  private static final int COUNT = 3000; // of 1000 bytes: two regions

  @RegisterExtension private final Allocators allocators = new Allocators();

  private final long[] objects = new long[COUNT];

  @AfterEach
  void nothingFailsAnyMore() {
    Os.injectFaults(null);
  }

  /** Lets the calls of one name fail from the n-th on, so many times. */
  private static AtomicInteger fail(String name, int from, int times) {
    var calls = new AtomicInteger();
    Os.injectFaults(
        call -> {
          int number = call.equals(name) ? calls.incrementAndGet() : 0;
          return number >= from && number - from < times ? ENOMEM : 0;
        });
    return calls;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6})
  void aRegionThatCouldNotBeOpenedIsOpenedLater(int call) {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 1000);
    fail("mprotect", call, 1);

    boolean taken = cache.tryAllocBulk(objects, 0, COUNT);

    assertEquals(taken ? COUNT : 0, allocator.stats().usedObjects());
    allocator.validate();
    if (!taken) {
      cache.allocBulk(objects, 0, COUNT);
    }
    cache.freeBulk(objects, 0, COUNT);
  }

  /** While the system thinks about one region, another thread opens the next. */
  @Test
  void aRegionThatWasRefusedIsNotLostThoughAnotherWasOpenedMeanwhile() {
    SlabAllocator allocator = SlabAllocator.builder().max(4 << 20).build(); // of 8 MiB reserved
    long[] meanwhile = new long[1];
    Os.injectFaults(
        call -> {
          if (!call.equals("mprotect")) {
            return 0;
          }
          Os.injectFaults(null);
          meanwhile[0] = allocator.alloc(1 << 20);
          return ENOMEM;
        });

    assertEquals(0, allocator.tryAlloc(1 << 20));
    assertNotEquals(0, meanwhile[0]);

    allocator.validate();
    long[] blocks = new long[3];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = allocator.alloc(1 << 20);
      allocator.validate();
    }
    assertTrue(
        Stream.of(0, 1, 2).anyMatch(i -> allocator.describe(blocks[i]).region() == 0),
        "the region that was refused serves");
    for (long block : blocks) {
      allocator.free(block);
    }
    allocator.free(meanwhile[0]);
    allocator.validate();
    allocator.close();
  }

  @Test
  void memoryThatTheSystemDoesNotTakeBackStaysOurs() {
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 1000);
    cache.allocBulk(objects, 0, COUNT);
    cache.freeBulk(objects, 0, COUNT);
    long mapped = allocator.stats().mappedBytes();
    fail("madvise", 1, Integer.MAX_VALUE);

    assertEquals(0, allocator.trim());

    assertEquals(mapped, allocator.stats().mappedBytes());
    allocator.validate();
    Os.injectFaults(null);
    assertEquals(mapped, allocator.trim());
    assertEquals(0, allocator.stats().mappedBytes());
  }

  @Test
  void aRefusedBarrierIsTriedAgain() {
    assumeTrue(Os.MEMBARRIER && !Boolean.getBoolean("kmem4j.rcu.fence"));
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 1000);
    cache.allocBulk(objects, 0, COUNT);
    cache.freeBulk(objects, 0, COUNT);
    AtomicInteger calls = fail("membarrier", 1, 5);

    cache.shrink();

    assertTrue(calls.get() > 5, "barriers: " + calls);
    assertEquals(0, cache.stats().pages());
  }

  @Test
  void whileTheBarrierIsRefusedABoundedWaitEndsAndAnUnboundedOneSaysWhy() {
    assumeTrue(Os.MEMBARRIER && !Boolean.getBoolean("kmem4j.rcu.fence"));
    SlabAllocator allocator = allocators.open();
    KmemCache cache = allocator.createCache("c", 1000);
    cache.allocBulk(objects, 0, COUNT);
    cache.freeBulk(objects, 0, COUNT);
    fail("membarrier", 1, Integer.MAX_VALUE);

    assertFalse(Rcu.synchronize(1_000_000));
    var refused = assertThrows(OsException.class, cache::shrink);

    String text = refused.getMessage();
    assertTrue(text.startsWith("membarrier(PRIVATE_EXPEDITED, injected) failed: errno 12"), text);
    allocator.validate();
    assertEquals(0, allocator.stats().usedObjects());
    Os.injectFaults(null);
    cache.shrink();
    assertEquals(0, cache.stats().pages());
  }

  /** Whatever call it is that fails while an allocator is opened. */
  @ParameterizedTest
  @ValueSource(strings = {"mmap", "munmap"})
  void anAllocatorThatCannotBeOpenedLeavesNothingBehind(String name) throws IOException {
    long before = Allocators.addressSpace();
    boolean opened = false;

    for (int call = 1; !opened; call++) {
      fail(name, call, 1);
      try {
        SlabAllocator allocator = SlabAllocator.builder().max(16L << 30).build();
        Os.injectFaults(null);
        opened = true;
        allocator.close();
        allocator.unmap();
      } catch (OsException e) {
        Os.injectFaults(null);
        int refused = call;
        assertAll(
            () -> assertTrue(e.getMessage().startsWith(name + '('), e::getMessage),
            () -> assertEquals(before, Allocators.addressSpace(), NOISE_BYTES, "call " + refused));
      }
    }

    assertEquals(before, Allocators.addressSpace(), NOISE_BYTES);
  }

  @Test
  void anAllocatorThatGetsNoNumbersLeavesNothingBehind() throws IOException {
    SlabAllocator.builder().max(64 << 20).build().close(); // what the first one loads
    for (int left : new int[] {0, 1, 2, 10}) {
      openWithNumbers(left);
    }
  }

  private static void openWithNumbers(int left) throws IOException {
    Deque<Integer> numbers = takeAllNumbers();
    for (int i = 0; i < left; i++) {
      PerThread.giveLink(numbers.pop());
    }
    long before = Allocators.addressSpace();

    assertThrows(RuntimeException.class, SlabAllocator.builder().max(16L << 30)::build);

    long after = Allocators.addressSpace();
    Deque<Integer> leftNow = takeAllNumbers();
    numbers.forEach(PerThread::giveLink);
    leftNow.forEach(PerThread::giveLink);
    assertEquals(before, after, NOISE_BYTES);
    assertEquals(left, leftNow.size());
  }

  private static Deque<Integer> takeAllNumbers() {
    Deque<Integer> taken = new ArrayDeque<>();
    for (int link = PerThread.takeLink(); link != 0; link = PerThread.takeLink()) {
      taken.push(link);
    }
    return taken;
  }

  /** Whatever call it is that fails while an allocator is closed and unmapped. */
  @ParameterizedTest
  @ValueSource(strings = {"mmap", "munmap", "madvise", "mprotect"})
  void anAllocatorEndsThoughTheSystemRefusesACall(String name) {
    boolean refused = true;
    for (int call = 1; refused; call++) {
      AtomicInteger reports = new AtomicInteger();
      SlabAllocator allocator =
          SlabAllocator.builder().max(64 << 20).onClose(r -> reports.incrementAndGet()).build();
      KmemCache cache = allocator.createCache("c", 1000);
      cache.allocBulk(objects, 0, COUNT);
      Memory.putLong(objects[0], 4711);
      cache.freeBulk(objects, 1, COUNT - 1); // what is cached waits for a grace period
      AtomicInteger calls = fail(name, call, 1);

      assertDoesNotThrow(allocator::close, "what has another way has not failed");

      assertEquals(1, reports.get());
      assertEquals(0, Memory.getLong(objects[0]));
      try {
        allocator.unmap();
      } catch (OsException e) {
        assertTrue(e.getMessage().startsWith(name + '('), e::getMessage);
      }
      assertThrows(IllegalStateException.class, allocator::stats);
      allocator.close();
      allocator.unmap();
      refused = calls.get() >= call;
    }
  }

  @Test
  void memoryThatIsLockedIsGivenBackByANewMapping() {
    SlabAllocator allocator = allocators.open();
    long object = allocator.createCache("c", 1000).alloc();
    Memory.putLong(object, 4711);
    Os.injectFaults(call -> call.equals("madvise") ? EINVAL : 0); // as for what is locked

    allocator.close();

    assertEquals(0, Memory.getLong(object));
  }

  @Test
  void memoryThatTheSystemNeverTakesBackIsToldOfWhenAllElseIsDone() {
    AtomicInteger reports = new AtomicInteger();
    SlabAllocator allocator = allocators.open(b -> b.onClose(r -> reports.incrementAndGet()));
    allocator.createCache("c", 1000).allocBulk(objects, 0, COUNT);
    Os.injectFaults(call -> call.equals("madvise") || call.equals("mmap") ? ENOMEM : 0);

    var error = assertThrows(OsException.class, allocator::close);

    assertTrue(error.getMessage().contains("errno 12"), error.getMessage());
    assertEquals(1, reports.get());
    allocator.unmap();
  }

  @Test
  void anAllocatorEndsThoughTheBarrierIsRefusedForLong() {
    assumeTrue(Os.MEMBARRIER && !Boolean.getBoolean("kmem4j.rcu.fence"));
    AtomicInteger reports = new AtomicInteger();
    SlabAllocator allocator = allocators.open(b -> b.onClose(r -> reports.incrementAndGet()));
    KmemCache cache = allocator.createCache("c", 1000);
    cache.allocBulk(objects, 0, COUNT);
    cache.freeBulk(objects, 0, COUNT);
    fail("membarrier", 1, Integer.MAX_VALUE);

    var refused = assertThrows(OsException.class, allocator::close);

    assertTrue(refused.getMessage().startsWith("membarrier("), refused.getMessage());
    assertEquals(1, reports.get());
    assertThrows(IllegalStateException.class, cache::tryAlloc);
    allocator.unmap();
  }
}
