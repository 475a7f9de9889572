package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.sync.Sheaf;

/** A barn holds as much as swings, and gives up what nobody needs any more. */
final class BarnTest {
  private static final int LEAST = 8;
  private static final int MOST = 128;

  @RegisterExtension private final Allocators allocators = new Allocators();

  private final Barn barn = new Barn(LEAST, MOST);

  /** Leaves full sheaves until there is no room; returns how many. */
  private int fill() {
    int count = 0;
    while (barn.putFull(new Sheaf(2))) {
      count++;
    }
    return count;
  }

  private int clear() {
    int count = 0;
    while (barn.takeFull() != null) {
      count++;
    }
    return count;
  }

  private void grow() {
    for (int room = LEAST; room < MOST; room *= 2) {
      fill();
      clear();
      barn.grow();
    }
  }

  @Test
  void itGrowsWhenAFullSheafFindsNoRoom() {
    grow();

    assertEquals(MOST, fill());
  }

  @Test
  void ofFullSheavesThatNobodyNeedsHalfIsTakenOut() {
    grow();
    fill();
    assertEquals(0, barn.unneeded(), "they were put there since");

    assertEquals((MOST - LEAST) / 2, barn.unneeded());
  }

  @Test
  void ofEmptySheavesThatNobodyNeedsHalfIsTakenOut() {
    grow();
    for (int i = 0; i < 100; i++) {
      assertTrue(barn.putEmpty(new Sheaf(2)));
    }
    assertEquals(0, barn.unneededEmpty(), "they were put there since");
    for (int i = 0; i < 20; i++) {
      barn.takeEmpty();
    }

    assertEquals((80 - LEAST) / 2, barn.unneededEmpty());
    assertEquals((80 - LEAST) / 4, barn.unneededEmpty());
  }

  @Test
  void roomThatNobodyNeedsIsGivenUpByHalves() {
    grow();
    for (int i = 0; i < 20; i++) {
      barn.putFull(new Sheaf(2));
      barn.takeFull();
      barn.unneeded(); // one at a time is little
    }

    assertEquals(LEAST, fill());
  }

  @Test
  void roomThatIsNeededNowAndThenIsKept() {
    grow();
    for (int i = 0; i < 20; i++) {
      assertEquals(MOST, fill());
      clear();
      barn.unneeded();
    }
  }

  @Test
  void whatIsClosedGetsNoRoom() {
    barn.close();
    barn.unneeded();

    assertFalse(barn.putFull(new Sheaf(2)));
    assertFalse(barn.putEmpty(new Sheaf(2)));
  }

  /** Sheaves count in the budget as if they were full. */
  @Test
  void aCacheThatTricklesAfterABurstGivesTheBudgetBack() {
    SlabAllocator allocator = allocators.open(b -> b.frontBudget(8 << 20));
    KmemCache cache = allocator.createCache("burst", 64);
    List<Long> objects = new ArrayList<>();
    for (int round = 0; round < 8; round++) {
      for (int i = 0; i < 20_000; i++) {
        objects.add(cache.alloc());
      }
      if (round < 7) {
        objects.forEach(cache::free);
        objects.clear();
      }
    }
    long afterwards = allocator.stats().frontBytes();

    for (int tick = 0; tick < 20; tick++) {
      for (int i = 0; i < 200; i++) { // some slow paths, so that the cache is not idle
        cache.free(objects.removeLast());
      }
      cache.trimIfIdle(100);
    }

    assertTrue(afterwards > 512 << 10, "of the burst: " + afterwards);
    assertTrue(allocator.stats().frontBytes() < 256 << 10, allocator.stats()::toString);
    objects.forEach(cache::free);
  }
}
