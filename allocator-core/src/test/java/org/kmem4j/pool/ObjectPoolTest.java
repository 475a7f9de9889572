package org.kmem4j.pool;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Pin;

/** Objects seen through flyweights: a view shows one object until that is released. */
final class ObjectPoolTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private static final class Order extends Flyweight {
    static final int BYTES = 24;

    long id() {
      return getLong(0);
    }

    Order id(long id) {
      putLong(0, id);
      return this;
    }
  }

  private static final class Limited implements Account {
    private final long max;
    private long usage;

    Limited(long max) {
      this.max = max;
    }

    @Override
    public long address() {
      return 0x40;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      if (usage + pages > max) {
        return false;
      }
      usage += pages;
      return true;
    }

    @Override
    public Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
      if (attempt > 0) {
        throw new OutOfNativeMemoryException("limited", pages, usage, max, null);
      }
      return null;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {
      usage -= pages;
    }
  }

  private SlabAllocator allocator;
  private ObjectPool<Order> orders;

  @BeforeEach
  void open() {
    allocator = allocators.open();
    orders = allocator.pool("order", Order.BYTES);
  }

  private ObjectPool<Order> debugging() {
    return new ObjectPool<>(
        allocator.createCache(CacheOptions.of("debugged", Order.BYTES).debug(Debug.ALL)));
  }

  // ------------------------------------------------------------------ views

  @Test
  void aViewPointsNowhereUntilItAcquires() {
    Order order = new Order();

    assertEquals(0, order.address());
    assertEquals(0, order.capacity());
    assertThrows(IndexOutOfBoundsException.class, order::id);
    assertThrows(IllegalStateException.class, () -> orders.release(order));
  }

  @Test
  void anAcquiredViewShowsItsObjectAndNoByteMore() {
    Order order = new Order();

    assertTrue(orders.tryAcquire(order));

    order.id(4711);
    assertAll(
        () -> assertNotEquals(0, order.address()),
        () -> assertEquals(4711, order.id()),
        () -> assertEquals(Order.BYTES, order.capacity()),
        () -> assertThrows(IndexOutOfBoundsException.class, () -> order.putLong(17, 1)),
        () -> assertThrows(IndexOutOfBoundsException.class, () -> order.getByte(-1)));
  }

  @Test
  void afterItsReleaseAViewThrows() {
    Order order = orders.acquire(new Order());

    orders.release(order);

    assertAll(
        () -> assertEquals(0, order.address()),
        () -> assertThrows(IndexOutOfBoundsException.class, order::id),
        () -> assertThrows(IndexOutOfBoundsException.class, () -> order.id(1)),
        () -> assertThrows(IllegalStateException.class, () -> orders.release(order)));
    assertEquals(0, allocator.stats().usedObjects());
  }

  @Test
  void underAPinObjectsAreAcquiredAndReleasedAsWithoutOne() {
    Order order = new Order();
    try (Pin pin = allocator.pin()) {
      for (int i = 0; i < 1000; i++) { // through slow paths too
        assertTrue(orders.tryAcquire(pin, order));
        order.id(i);
      }
      assertEquals(999, order.id());

      orders.release(pin, order);

      assertAll(
          () -> assertEquals(0, order.address()),
          () -> assertThrows(IndexOutOfBoundsException.class, order::id),
          () -> assertThrows(IllegalStateException.class, () -> orders.release(pin, order)));
    }
    assertEquals(999, allocator.stats().usedObjects());
  }

  @Test
  void underAPinARefusalLeavesTheViewAsItWas() {
    ObjectPool<Order> limited = orders.in(new Limited(1));
    Order order = new Order();
    try (Pin pin = allocator.pin()) {
      while (limited.tryAcquire(pin, order)) {
        order.id(4711);
      }
    }

    assertNotEquals(0, order.address());
    assertEquals(4711, order.id());
  }

  @Test
  void underAPinAllViewsOfADebuggedObjectEndWithItsRelease() {
    ObjectPool<Order> debugged = debugging();
    Order order = new Order();
    try (Pin pin = allocator.pin()) {
      assertTrue(debugged.tryAcquire(pin, order));
      Order other = debugged.view(new Order(), order.address());

      debugged.release(pin, order);

      assertEquals(0, other.address());
    }
  }

  @Test
  void anAddressIsAllThatNeedsKeeping() {
    Order order = new Order();
    List<Long> book = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      assertSame(order, orders.acquire(order));
      book.add(order.id(i).address());
    }

    for (int i = 0; i < 1000; i++) {
      assertEquals(i, orders.view(order, book.get(i)).id());
    }
    book.forEach(orders::release);

    assertEquals(0, allocator.stats().usedObjects());
  }

  @Test
  void releasingNullDoesNothing() {
    orders.release(0);

    assertThrows(NullPointerException.class, () -> orders.release(null));
  }

  @Test
  void aMissingViewIsFoundBeforeAnObjectIsTaken() {
    assertThrows(NullPointerException.class, () -> orders.tryAcquire(null));
    assertThrows(NullPointerException.class, () -> orders.acquire(null));

    assertEquals(0, allocator.stats().usedObjects());
  }

  @Test
  void whatIsNoObjectOfThePoolIsNotReleased() {
    long foreign = allocator.createCache("other", Order.BYTES).alloc();
    Order order = orders.acquire(new Order());

    assertAll(
        () -> assertThrows(IllegalArgumentException.class, () -> orders.release(foreign)),
        () -> assertThrows(IllegalArgumentException.class, () -> orders.release(123)),
        () ->
            assertThrows(
                IllegalArgumentException.class, () -> orders.release(order.address() + 8)));
    assertNotEquals(0, order.address());
  }

  // ------------------------------------------------------------------ limits

  @Test
  void aRefusalLeavesTheViewAsItWas() {
    ObjectPool<Order> limited = orders.in(new Limited(1));
    Order order = new Order();
    long last = 0;
    while (limited.tryAcquire(order)) {
      last = order.address();
    }

    assertEquals(last, order.address());
    assertThrows(OutOfNativeMemoryException.class, () -> limited.acquire(order));
    assertFalse(limited.tryPrewarm(1000));
    assertThrows(OutOfNativeMemoryException.class, () -> limited.prewarm(1000));
    limited.release(order);
    assertTrue(limited.tryAcquire(order));
  }

  @Test
  void objectsOutliveTheHandleThatTookThem() {
    ObjectPool<Order> mine = orders.in(new Limited(10));
    Order order = mine.acquire(new Order()).id(7);
    long address = order.address();

    assertEquals(7, orders.view(new Order(), address).id());

    orders.release(order);
    assertEquals(0, allocator.stats().usedObjects());
  }

  @Test
  void whatIsPrewarmedIsThere() {
    orders.prewarm(1000);

    assertTrue(orders.cache().stats().freeObjects() >= 1000);
    assertTrue(orders.tryPrewarm(10));
  }

  // ------------------------------------------------------------------ debugging

  @Test
  void withDebuggingEveryViewEndsWithItsObject() {
    ObjectPool<Order> pool = debugging();
    Order first = pool.acquire(new Order());
    Order second = pool.view(new Order(), first.address());
    Order third = pool.view(new Order(), first.address());
    Order other = pool.acquire(new Order());

    pool.release(second);

    assertAll(
        () -> assertThrows(IndexOutOfBoundsException.class, first::id),
        () -> assertThrows(IndexOutOfBoundsException.class, second::id),
        () -> assertThrows(IndexOutOfBoundsException.class, third::id),
        () -> assertThrows(IllegalStateException.class, () -> pool.release(first)),
        () -> assertNotEquals(0, other.address()));
    pool.release(other);
  }

  @Test
  void withDebuggingReleaseByAddressEndsTheViewsToo() {
    ObjectPool<Order> pool = debugging();
    Order order = pool.acquire(new Order());

    pool.release(order.address());

    assertThrows(IndexOutOfBoundsException.class, order::id);
  }

  @Test
  void withDebuggingAViewThatMovedOnIsLeftAlone() {
    ObjectPool<Order> pool = debugging();
    Order order = pool.acquire(new Order());
    long first = order.address();
    pool.acquire(order).id(2);

    pool.release(first);

    assertEquals(2, order.id());
    pool.release(order);
  }

  @Test
  void withDebuggingAKeptAddressIsCaught() {
    ObjectPool<Order> pool = debugging();
    Order order = pool.acquire(new Order());
    long kept = order.address();
    pool.release(order);

    var viewed = assertThrows(IllegalStateException.class, () -> pool.view(new Order(), kept));
    assertThrows(IllegalArgumentException.class, () -> pool.release(kept));
    assertThrows(IllegalArgumentException.class, () -> pool.view(new Order(), kept + 1));

    assertTrue(viewed.getMessage().contains("\"debugged\" was released"), viewed.getMessage());
    assertTrue(viewed.getMessage().contains(Long.toHexString(kept)), viewed.getMessage());
  }

  @Test
  void theGenerationTellsAnObjectFromItsSuccessor() {
    ObjectPool<Order> pool = debugging();
    Order order = pool.acquire(new Order());
    long kept = order.address();
    int generation = pool.cache().generation(kept);
    pool.release(order);

    pool.acquire(order);

    assertEquals(kept, order.address());
    assertNotEquals(generation, pool.cache().generation(kept));
  }

  @Test
  void theChildOfADebuggedPoolKnowsTheSameViews() {
    ObjectPool<Order> pool = debugging();
    ObjectPool<Order> child = pool.in(new Limited(100));
    Order first = child.acquire(new Order());
    Order second = pool.view(new Order(), first.address());

    child.release(first);

    assertThrows(IndexOutOfBoundsException.class, second::id);
  }
}
