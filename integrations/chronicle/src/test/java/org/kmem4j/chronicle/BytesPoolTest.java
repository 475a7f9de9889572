package org.kmem4j.chronicle;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.VanillaBytes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.OwnedCache;

class BytesPoolTest extends PoolFixture {
  private BytesView view;

  @BeforeEach
  void makeView() {
    view = new BytesView();
  }

  @AfterEach
  void closeView() {
    view.close();
  }

  @Test
  void anAcquiredObjectIsWrittenAndReadInSequenceAndByOffset() {
    BytesPool pool = new BytesPool(cache());

    assertTrue(pool.tryAcquire(view));
    Bytes<Void> bytes = view.bytes();
    bytes.writeLong(42).writeUtf8("GBP/USD");
    bytes.writeInt(60, 7);

    assertEquals(42, bytes.readLong());
    assertEquals("GBP/USD", bytes.readUtf8());
    assertEquals(7, bytes.readInt(60));
    assertEquals(BYTES, bytes.capacity());
    assertSame(bytes, view.bytes());
    pool.release(view);
  }

  @Test
  void aKeptAddressIsViewedReadyToBeReadToTheEnd() {
    BytesPool pool = new BytesPool(cache());
    pool.acquire(view).bytes().writeLong(42);
    long kept = view.address();

    pool.acquire(view).bytes().writeLong(43);
    long other = view.address();

    assertEquals(42, pool.view(view, kept).bytes().readLong());
    assertEquals(BYTES - 8, view.bytes().readRemaining());
    assertEquals(43, pool.view(view, other).bytes().readLong());
    pool.release(kept);
    pool.release(view);
    pool.release(0);
  }

  @Test
  void whatWasWrittenUnderASmallerOrLargerObjectDoesNotMoveTheLimits() {
    BytesPool large = new BytesPool(allocator.createCache("large", 256));
    BytesPool small = new BytesPool(allocator.createCache("small", 16));

    large.acquire(view).bytes().writePosition(256);
    long kept = view.address();
    small.acquire(view);

    assertEquals(0, view.bytes().writePosition());
    assertEquals(16, view.bytes().writeLimit());
    assertThrows(BufferOverflowException.class, () -> view.bytes().writeLong(16, 1));
    small.release(view);
    large.release(kept);
  }

  @Test
  void aWriteBeyondTheObjectThrowsAndLeavesTheNeighboursAlone() {
    BytesPool pool = new BytesPool(cache());
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < 3 * 63; i++) { // some slabs full: each has both neighbours
      objects.add(pool.acquire(view).address());
    }
    objects.sort(null);
    int middle = neighbour(objects);
    objects.forEach(PoolFixture::guard);
    pool.view(view, objects.get(middle)).bytes().clear();

    Bytes<Void> bytes = view.bytes();
    byte[] array = new byte[BYTES + 1];
    String text = "x".repeat(BYTES + 1);
    Bytes<byte[]> heap = Bytes.wrapForRead(array);
    BytesStore<?, Void> direct = BytesStore.nativeStoreWithFixedCapacity(BYTES + 1);
    List<Executable> attempts =
        List.of(
            () -> bytes.writeByte(BYTES, (byte) 1),
            () -> bytes.writeShort(BYTES - 1, (short) 1),
            () -> bytes.writeInt(BYTES - 3, 1),
            () -> bytes.writeLong(BYTES - 7, 1),
            () -> bytes.writeLong(Long.MAX_VALUE - 3, 1),
            () -> bytes.writeDouble(BYTES - 1, 1),
            () -> bytes.writeOrderedLong(BYTES, 1),
            () -> bytes.writeVolatileLong(BYTES, 1),
            () -> bytes.compareAndSwapLong(BYTES, 0, 1),
            () -> bytes.addAndGetLong(BYTES, 1),
            () -> bytes.writePosition(BYTES - 4).writeLong(1),
            () -> bytes.writePosition(BYTES - 4).writeUtf8("hello"),
            () -> bytes.writePosition(BYTES - 4).write8bit("hello"),
            () -> bytes.writePosition(BYTES - 4).append("hello"),
            () -> bytes.writePosition(BYTES - 4).append8bit("hello"),
            () -> bytes.writePosition(BYTES - 4).appendUtf8("héllo"),
            () -> bytes.writePosition(BYTES - 4).append(1234567),
            () -> bytes.writePosition(BYTES - 1).append(1.25),
            () -> bytes.writePosition(BYTES).writeStopBit(1),
            () -> bytes.writePosition(0).write(array),
            () -> bytes.write(0, array, 0, BYTES + 1),
            () -> bytes.write(1, ByteBuffer.allocate(BYTES), 0, BYTES),
            () -> bytes.write(1, ByteBuffer.allocateDirect(BYTES), 0, BYTES),
            () -> bytes.writePosition(0).write(heap, 0L, BYTES + 1L),
            () -> bytes.writePosition(0).write(direct, 0L, BYTES + 1L),
            () -> bytes.write(1, direct, 0, BYTES),
            () -> bytes.writeUtf8(BYTES - 2, "hello"),
            () -> bytes.write8bit(BYTES - 5, "hello", 0, 5), // with its length: 6 bytes
            () -> bytes.write8bit(BYTES - 5L, Bytes.from("hello")),
            () -> ((VanillaBytes<Void>) bytes).write(BYTES - 2L, text, 0, 5),
            () -> bytes.writePosition(0).append(text),
            () -> bytes.nativeWrite(objects.get(0), 1, BYTES),
            () -> bytes.ensureCapacity(BYTES + 1),
            () -> bytes.writeLimit(BYTES + 1),
            () -> bytes.writePosition(BYTES + 1),
            () -> bytes.writeSkip(BYTES + 1));

    assertAll(
        attempts.stream()
            .map(
                attempt ->
                    () -> {
                      Throwable thrown = assertThrows(Throwable.class, attempt);
                      assertTrue(isOverflow(thrown), thrown::toString);
                    }));

    objects.remove(middle);
    objects.forEach(PoolFixture::assertUntouched);
    heap.releaseLast();
    direct.releaseLast();
    objects.forEach(pool::release);
    pool.release(view);
  }

  /** Some methods of Chronicle wrap the exception or throw one of their own. */
  private static boolean isOverflow(Throwable thrown) {
    return thrown instanceof BufferOverflowException
        || thrown instanceof BufferUnderflowException // read-modify-write reads first
        || thrown instanceof IndexOutOfBoundsException
        || thrown instanceof IllegalArgumentException;
  }

  /** Index of an object that has another right before and right after it. */
  private static int neighbour(List<Long> sorted) {
    for (int i = 1; i < sorted.size() - 1; i++) {
      if (sorted.get(i) - sorted.get(i - 1) == BYTES
          && sorted.get(i + 1) - sorted.get(i) == BYTES) {
        return i;
      }
    }
    throw new AssertionError("no three objects in a row");
  }

  @Test
  void aReleasedViewPointsNowhereAndItsUseThrows() {
    BytesPool pool = new BytesPool(cache());
    pool.acquire(view);
    guard(view.address());
    view.bytes().readLimit(BYTES);
    Bytes<Void> bytes = view.bytes();

    pool.release(view);

    assertPointsNowhere(bytes);
    assertEquals(0, view.address());
  }

  @Test
  void aNewViewPointsNowhere() {
    assertPointsNowhere(view.bytes());
    assertEquals(0, view.address());
  }

  private static void assertPointsNowhere(Bytes<Void> bytes) {
    assertAll(
        () -> assertEquals(0, bytes.capacity()),
        () -> assertEquals(0, bytes.realCapacity()),
        () -> assertEquals(0, bytes.writeLimit()),
        () -> assertEquals(0, bytes.readRemaining()),
        () -> assertEquals(-1, bytes.readUnsignedByte()),
        () -> assertEquals(-1, bytes.peekUnsignedByte(0)),
        () -> assertFalse(bytes.toString().contains("Z"), "the guard byte"),
        () -> assertThrows(BufferUnderflowException.class, bytes::readByte),
        () -> assertThrows(BufferUnderflowException.class, bytes::readLong),
        () -> assertThrows(BufferUnderflowException.class, () -> bytes.readByte(0)),
        () -> assertThrows(BufferUnderflowException.class, () -> bytes.readLong(0)),
        () -> assertThrows(BufferUnderflowException.class, () -> bytes.readLong(8)),
        () -> assertThrows(BufferUnderflowException.class, () -> bytes.readVolatileLong(0)),
        () -> assertThrows(BufferUnderflowException.class, () -> bytes.readLimit(8)),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.writeByte((byte) 1)),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.writeLong(1)),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.writeLong(0, 1)),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.writeUtf8("x")),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.write(new byte[1])),
        () -> assertThrows(BufferUnderflowException.class, () -> bytes.addAndGetLong(0, 1)),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.compareAndSwapLong(0, 0, 1)),
        () -> assertThrows(BufferOverflowException.class, () -> bytes.writeLimit(8)),
        () -> assertThrows(IllegalStateException.class, () -> bytes.bytesStore().readLong(0)),
        () -> assertThrows(IllegalStateException.class, () -> bytes.bytesStore().writeLong(0, 1)),
        () -> assertThrows(IllegalStateException.class, () -> bytes.read(new byte[8])),
        () -> assertThrows(RuntimeException.class, () -> bytes.addressForRead(0)),
        () -> assertThrows(RuntimeException.class, () -> bytes.addressForWrite(0)));
  }

  @Test
  void releasingAViewTwiceThrows() {
    BytesPool pool = new BytesPool(cache());
    pool.release(pool.acquire(view));

    var thrown = assertThrows(IllegalStateException.class, () -> pool.release(view));

    assertEquals("the view points nowhere: it was released already", thrown.getMessage());
  }

  @Test
  void releasingIntoAnotherPoolThrowsAndTheViewStays() {
    BytesPool pool = new BytesPool(cache());
    BytesPool other = new BytesPool(allocator.createCache("other", 128));
    pool.acquire(view).bytes().writeLong(42);

    assertThrows(IllegalArgumentException.class, () -> other.release(view));

    assertEquals(42, view.bytes().readLong());
    pool.release(view);
  }

  @Test
  void aDebuggedPoolCatchesKeptAddressesAndSecondViews() {
    BytesPool pool = new BytesPool(debugCache());
    try (BytesView second = new BytesView()) {
      long kept = pool.acquire(view).address();
      pool.view(second, kept).bytes().readLong();

      pool.release(view);

      assertThrows(IllegalStateException.class, () -> second.bytes().readLong());
      assertThrows(IllegalStateException.class, () -> second.bytes().writeLong(0, 1));
      assertThrows(IllegalStateException.class, () -> pool.release(second));
      assertThrows(IllegalStateException.class, () -> pool.view(view, kept));
      assertThrows(RuntimeException.class, () -> pool.release(kept));
    }
  }

  @Test
  void aDebuggedPoolCatchesAViewOfTheObjectsLastLife() {
    BytesPool pool = new BytesPool(debugCache());
    try (BytesView second = new BytesView()) {
      long kept = pool.acquire(view).address();
      pool.view(second, kept);
      pool.release(view);
      List<Long> objects = new ArrayList<>();
      do { // until the same object comes again
        objects.add(pool.acquire(view).address());
      } while (view.address() != kept);

      assertThrows(IllegalStateException.class, () -> second.bytes().readLong(0));
      assertThrows(IllegalStateException.class, () -> pool.release(second));
      assertNotEquals(0, view.address());
      objects.forEach(pool::release);
    }
  }

  @Test
  void aRefusalLeavesTheViewAsItWas() {
    try (SlabAllocator tight =
        SlabAllocator.builder().max(64 << 10).maxOrder(0).onClose(report -> {}).build()) {
      BytesPool pool = new BytesPool(tight.createCache("tight", 2048));
      long last = 0;
      while (pool.tryAcquire(view)) {
        last = view.address();
      }

      assertNotEquals(0, last);
      assertEquals(last, view.address());
      assertThrows(OutOfNativeMemoryException.class, () -> pool.acquire(view));
      assertFalse(pool.tryPrewarm(1000));
      assertThrows(OutOfNativeMemoryException.class, () -> pool.prewarm(1000));
      assertEquals(last, view.address());
    }
  }

  @Test
  void anAccountPaysForItsObjects() {
    AtomicLong paid = new AtomicLong();
    BytesPool pool = new BytesPool(cache());
    BytesPool theirs = pool.in(new CountingAccount(paid));

    theirs.acquire(view);

    assertTrue(paid.get() > 0);
    assertSame(theirs.cache(), pool.in(theirs.cache().account()).cache());
    pool.release(view); // any child may free
  }

  private record CountingAccount(AtomicLong pages) implements Account {
    @Override
    public long address() {
      return 4096;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long count) {
      pages.addAndGet(count);
      return true;
    }

    @Override
    public void uncharge(OwnedCache cache, long count) {
      pages.addAndGet(-count);
    }
  }

  @Test
  void aPrewarmedPoolHasObjects() {
    BytesPool pool = new BytesPool(cache());

    pool.prewarm(100);

    assertTrue(pool.tryPrewarm(100));
    assertTrue(pool.cache().stats().freeObjects() >= 100);
  }

  @Test
  void aViewHopsThreads() throws Exception {
    BytesPool pool = new BytesPool(cache());
    pool.acquire(view).bytes().writeLong(42);

    try (ExecutorService other = Executors.newSingleThreadExecutor()) {
      other.submit(() -> view.bytes().writeLong(43)).get(20, SECONDS);
      other.submit(() -> pool.release(view)).get(20, SECONDS);
    }

    pool.acquire(view).bytes().writeLong(44);
    pool.release(view);
  }

  @Test
  void threadsPassAddressesAndReleaseEachOthersObjects() throws Exception {
    BytesPool pool = new BytesPool(cache());
    BlockingQueue<Long> passed = new ArrayBlockingQueue<>(256);
    int threads = 4;
    int each = 20_000;

    ExecutorService executor = Executors.newFixedThreadPool(2 * threads);
    try {
      List<Future<Long>> sums = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        sums.add(executor.submit(sender(pool, passed, each)));
        sums.add(executor.submit(receiver(pool, passed, each)));
      }
      long sum = 0;
      for (Future<Long> part : sums) {
        sum += part.get(20, SECONDS);
      }

      assertEquals(0, sum, "sent less received");
    } finally {
      executor.shutdownNow(); // interrupts whoever waits for one that has failed
    }
  }

  private static Callable<Long> sender(BytesPool pool, BlockingQueue<Long> queue, int count) {
    return () -> {
      long sent = 0;
      try (BytesView mine = new BytesView()) {
        for (long i = 0; i < count; i++) {
          Bytes<Void> bytes = pool.acquire(mine).bytes();
          while (bytes.writeRemaining() > 0) {
            bytes.writeLong(i ^ mine.address());
          }
          sent += i;
          queue.put(mine.address());
        }
      }
      return sent;
    };
  }

  private static Callable<Long> receiver(BytesPool pool, BlockingQueue<Long> queue, int count) {
    return () -> {
      long received = 0;
      try (BytesView mine = new BytesView()) {
        for (int i = 0; i < count; i++) {
          long address = queue.take();
          Bytes<Void> bytes = pool.view(mine, address).bytes();
          long value = bytes.readLong(0);
          while (bytes.readRemaining() > 0) {
            assertEquals(value, bytes.readLong());
          }
          received += value ^ address;
          pool.release(mine);
        }
      }
      return -received;
    };
  }

  @Test
  void textAllocatesNothingEither() {
    BytesPool pool = new BytesPool(cache());
    String text = new String("GBP/USD".toCharArray());

    long heapBytes =
        heapBytesPerCycle(
            () -> {
              pool.acquire(view).bytes().append8bit(text).writeUtf8(text).append(1.25);
              pool.release(view);
            });

    assertEquals(0, heapBytes);
  }

  @Test
  void theSteadyStateAllocatesNothingOnTheJavaHeap() {
    BytesPool pool = new BytesPool(cache());

    long heapBytes =
        heapBytesPerCycle(
            () -> {
              pool.tryAcquire(view);
              view.bytes().writeLong(42).writeInt(7);
              long kept = view.address();
              pool.view(view, kept).bytes().readLong();
              pool.release(view);
            });

    assertEquals(0, heapBytes);
  }

  @Test
  void afterTheAllocatorIsClosedAViewReadsZeroesAndCannotBeReleased() {
    SlabAllocator other = SlabAllocator.builder().max(1 << 20).onClose(report -> {}).build();
    BytesPool pool = new BytesPool(other.createCache("other", BYTES));
    pool.acquire(view).bytes().writeLong(42);

    other.close();

    assertEquals(0, view.bytes().readLong(0));
    assertThrows(IllegalStateException.class, () -> pool.release(view));
    try (BytesView fresh = new BytesView()) {
      assertThrows(IllegalStateException.class, () -> pool.tryAcquire(fresh));
      assertThrows(IllegalStateException.class, () -> pool.acquire(fresh));
    }
  }

  @Test
  void aClosedViewTakesNoObject() {
    BytesPool pool = new BytesPool(cache());

    view.close();
    view.close();

    assertThrows(IllegalStateException.class, () -> pool.tryAcquire(view));
    assertThrows(IllegalStateException.class, () -> pool.acquire(view));
    assertThrows(IllegalStateException.class, () -> pool.view(view, 4096));
    assertThrows(IllegalStateException.class, () -> pool.release(view));
    assertEquals(0, allocator.live().objects().size());
  }
}
