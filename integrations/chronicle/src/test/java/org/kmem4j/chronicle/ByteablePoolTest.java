package org.kmem4j.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.openhft.chronicle.bytes.Byteable;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.ref.BinaryIntReference;
import net.openhft.chronicle.bytes.ref.BinaryLongArrayReference;
import net.openhft.chronicle.bytes.ref.BinaryLongReference;
import net.openhft.chronicle.bytes.ref.BinaryTwoLongReference;
import net.openhft.chronicle.bytes.ref.UncheckedLongReference;
import net.openhft.chronicle.core.UnsafeMemory;
import net.openhft.chronicle.core.io.AbstractReferenceCounted;
import net.openhft.chronicle.core.io.ClosedIllegalStateException;
import org.junit.jupiter.api.Test;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.KmemCache;

class ByteablePoolTest extends PoolFixture {
  /** What a user writes: two fields, checks nothing, counts no references. */
  private static class Order implements Byteable {
    private BytesStore<?, ?> store;
    private long offset;

    @Override
    @SuppressWarnings("rawtypes")
    public void bytesStore(BytesStore bytesStore, long from, long length) {
      store = bytesStore;
      offset = from;
    }

    @Override
    public BytesStore<?, ?> bytesStore() {
      return store;
    }

    @Override
    public long offset() {
      return offset;
    }

    @Override
    public long maxSize() {
      return 16;
    }

    long id() {
      return store.readLong(offset);
    }

    Order id(long id) {
      store.writeLong(offset, id);
      return this;
    }

    Order price(double price) {
      store.writeDouble(offset + 8, price);
      return this;
    }
  }

  @Test
  void aReferenceIsPointedAtObjectAfterObject() {
    ByteablePool<BinaryLongReference> pool = new ByteablePool<>(cache());
    try (BinaryLongReference counter = new BinaryLongReference()) {
      assertTrue(pool.tryAcquire(counter));
      counter.setValue(1);
      long first = pool.address(counter);
      pool.acquire(counter).setValue(10);
      long second = pool.address(counter);

      assertEquals(2, pool.view(counter, first).addAtomicValue(1));
      assertEquals(10, pool.view(counter, second).getVolatileValue());
      assertEquals(second, counter.address());
      pool.release(counter);
      pool.release(first);
    }
  }

  @Test
  void referencesOfOtherSizesWorkToo() {
    ByteablePool<Byteable> pool = new ByteablePool<>(cache());
    try (BinaryIntReference number = new BinaryIntReference();
        BinaryTwoLongReference pair = new BinaryTwoLongReference()) {
      pool.acquire(number);
      pool.acquire(pair);

      number.setValue(7);
      pair.setValue2(2);

      assertEquals(7, number.getValue());
      assertEquals(2, pair.getValue2());
      pool.release(number);
      pool.release(pair);
    }
  }

  @Test
  void anArrayReferenceNeedsACacheThatPreparesItsObjects() {
    KmemCache prepared =
        allocator.createCache(
            CacheOptions.of("array", BYTES)
                .constructor(object -> UnsafeMemory.INSTANCE.setMemory(object, BYTES, (byte) 0)));
    ByteablePool<BinaryLongArrayReference> pool = new ByteablePool<>(prepared);
    try (BinaryLongArrayReference array = new BinaryLongArrayReference(4)) {
      for (int i = 0; i < 3; i++) {
        pool.acquire(array).setValueAt(3, 42);

        assertEquals(4, array.getCapacity());
        assertEquals(42, array.getValueAt(3));
        pool.release(array);
      }
    }
  }

  @Test
  void aReleasedReferenceThrows() {
    ByteablePool<BinaryLongReference> pool = new ByteablePool<>(cache());
    try (BinaryLongReference counter = new BinaryLongReference()) {
      pool.acquire(counter).setValue(42);

      pool.release(counter);

      assertEquals(0, pool.address(counter));
      assertThrows(IllegalStateException.class, counter::getValue);
      assertThrows(IllegalStateException.class, counter::getVolatileValue);
      assertThrows(IllegalStateException.class, () -> counter.setValue(1));
      assertThrows(IllegalStateException.class, () -> counter.setOrderedValue(1));
      assertThrows(IllegalStateException.class, () -> counter.addAtomicValue(1));
      assertThrows(IllegalStateException.class, () -> counter.compareAndSwapValue(42, 1));
      assertThrows(RuntimeException.class, counter::address);
      assertFalse(counter.toString().contains("42"));
    }
  }

  @Test
  void aReleasedFlyweightOfTheUserThrows() {
    ByteablePool<Order> pool = new ByteablePool<>(cache());
    Order order = pool.acquire(new Order()).id(42).price(1.5);
    assertEquals(42, order.id());

    pool.release(order);

    assertEquals(0, pool.address(order));
    assertThrows(IllegalStateException.class, order::id);
    assertThrows(IllegalStateException.class, () -> order.id(1));
  }

  @Test
  void aReleasedReferenceThatKeepsItsAddressSeesNothingOfOurs() {
    ByteablePool<UncheckedLongReference> pool = new ByteablePool<>(cache());
    try (UncheckedLongReference raw = new UncheckedLongReference()) {
      pool.acquire(raw).setValue(42);
      long kept = pool.address(raw);

      pool.release(raw);
      raw.setValue(-1);

      assertNotEquals(-1, UnsafeMemory.INSTANCE.readLong(kept));
      assertNotEquals(42, raw.getValue());
    }
  }

  @Test
  void aFlyweightLargerThanTheObjectsIsRefusedAndNoObjectIsLost() {
    ByteablePool<Byteable> pool = new ByteablePool<>(allocator.createCache("small", 8));

    var thrown = assertThrows(IllegalArgumentException.class, () -> pool.tryAcquire(new Order()));

    assertEquals("maxSize=16, objectBytes=8", thrown.getMessage());
    assertThrows(IllegalArgumentException.class, () -> pool.acquire(new Order()));
    assertThrows(IllegalArgumentException.class, () -> pool.view(new Order(), 4096));
  }

  @Test
  void aFlyweightThatCannotBeMappedLosesNoObject() {
    ByteablePool<Byteable> pool = new ByteablePool<>(cache());
    BinaryLongReference closed = new BinaryLongReference();
    closed.close();
    Order forgetful =
        new Order() {
          @Override
          public BytesStore<?, ?> bytesStore() {
            return null;
          }
        };

    assertThrows(ClosedIllegalStateException.class, () -> pool.acquire(closed));
    assertThrows(IllegalArgumentException.class, () -> pool.tryAcquire(forgetful));

    assertTrue(allocator.live().isEmpty());
  }

  @Test
  void releasingAFlyweightTwiceOrBeforeAcquireThrows() {
    ByteablePool<Order> pool = new ByteablePool<>(cache());
    Order order = new Order();
    assertThrows(IllegalStateException.class, () -> pool.release(order));

    pool.release(pool.acquire(order));

    assertThrows(IllegalStateException.class, () -> pool.release(order));
  }

  @Test
  void aFlyweightMappedByHandOntoAnothersStoreIsNotTheHolder() {
    ByteablePool<Order> pool = new ByteablePool<>(cache());
    Order first = pool.acquire(new Order()).id(1);
    Order second = new Order();
    second.bytesStore(first.bytesStore(), 16, 16);

    assertThrows(IllegalStateException.class, () -> pool.release(second));
    pool.acquire(second).id(2);

    assertNotSame(first.bytesStore(), second.bytesStore());
    assertEquals(1, first.id());
    pool.release(first);
    pool.release(second);
  }

  @Test
  void theStoreOfAFlyweightIsMadeOnce() {
    ByteablePool<Order> pool = new ByteablePool<>(cache());
    Order order = pool.acquire(new Order());
    BytesStore<?, ?> store = order.bytesStore();
    pool.release(order);

    pool.acquire(order);

    assertSame(store, order.bytesStore());
    assertEquals(1, store.refCount());
    pool.release(order);
  }

  @Test
  void aDebuggedPoolCatchesKeptAddressesAndSecondViews() {
    ByteablePool<Order> pool = new ByteablePool<>(debugCache());
    Order first = pool.acquire(new Order()).id(42);
    long kept = pool.address(first);
    Order second = pool.view(new Order(), kept);
    assertEquals(42, second.id());

    pool.release(first);

    assertThrows(IllegalStateException.class, second::id);
    assertThrows(IllegalStateException.class, () -> pool.release(second));
    assertThrows(IllegalStateException.class, () -> pool.view(first, kept));
  }

  @Test
  void theSteadyStateAllocatesNothingOnTheJavaHeap() {
    AbstractReferenceCounted.disableReferenceTracing();
    ByteablePool<Byteable> pool = new ByteablePool<>(cache());
    Order order = new Order();
    BinaryLongReference counter = new BinaryLongReference();

    long heapBytes =
        heapBytesPerCycle(
            () -> {
              pool.tryAcquire(order);
              order.id(42);
              pool.tryAcquire(counter);
              counter.addAtomicValue(order.id());
              pool.view(counter, pool.address(counter));
              pool.release(order);
              pool.release(counter);
            });

    assertEquals(0, heapBytes);
    counter.close();
    AbstractReferenceCounted.enableReferenceTracing();
  }
}
