package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SheafTest {

  @Test
  void aSheafIsAStack() {
    Sheaf sheaf = new Sheaf(3);
    assertTrue(sheaf.isEmpty());

    sheaf.push(10);
    sheaf.push(20);
    sheaf.push(30);

    assertTrue(sheaf.isFull());
    assertEquals(30, sheaf.pop());
    assertEquals(20, sheaf.pop());
    assertEquals(1, sheaf.count());
    assertEquals(10, sheaf.get(0));
  }

  @Test
  void aSheafWithoutRoomIsBothEmptyAndFull() {
    Sheaf none = new Sheaf(0);

    assertTrue(none.isEmpty());
    assertTrue(none.isFull());
  }

  @Test
  void capacitiesGrowByStepsUpToTheLimit() {
    int capacity = Sheaf.capacityUpTo(1);
    int steps = 0;
    for (; capacity < 510; steps++) {
      int next = new Sheaf(capacity).grownCapacity(510);
      assertTrue(next > capacity, "capacity=" + capacity);
      assertEquals(next, Sheaf.capacityUpTo(next), "each step is a capacity of its own");
      capacity = next;
    }

    assertTrue(steps <= 8, "steps=" + steps);
    assertEquals(62, new Sheaf(30).grownCapacity(62));
    assertEquals(40, new Sheaf(30).grownCapacity(40), "the limit");
    assertEquals(62, Sheaf.capacityUpTo(100));
    assertEquals(510, Sheaf.capacityUpTo(10_000));
  }

  @Test
  void movingLeavesNothingBehind() {
    Sheaf small = new Sheaf(2);
    Sheaf spare = new Sheaf(2);
    small.setSpare(spare);
    small.push(1);
    small.push(2);
    Sheaf larger = new Sheaf(6);

    small.moveTo(larger);

    assertEquals(2, larger.count());
    assertEquals(2, larger.pop());
    assertEquals(1, larger.pop());
    assertSame(spare, larger.spare());
    assertTrue(small.isEmpty());
    assertNull(small.spare());
  }

  @Test
  void sortingOrdersByAddressWhateverTheOrderWas() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int run = 0; run < 2000; run++) {
      int count = random.nextInt(128);
      Sheaf sheaf = new Sheaf(128);
      long[] expected = random.longs(count, 0, 1L << 47).toArray();
      if (run % 3 == 0) {
        Arrays.sort(expected, 0, count / 2); // as sheaves are: half sorted
      }
      for (long object : expected) {
        sheaf.push(object);
      }

      sheaf.sort();

      Arrays.sort(expected);
      long[] sorted = new long[sheaf.count()];
      for (int i = 0; i < sorted.length; i++) {
        sorted[i] = sheaf.get(i);
      }
      assertArrayEquals(expected, sorted, "seed=" + seed + ", run=" + run);
    }
  }

  @Test
  void whatItCostsGrowsWithItsCapacity() {
    assertEquals(8 * 62, Sheaf.heapBytes(62) - Sheaf.heapBytes(0));
    assertFalse(Sheaf.heapBytes(0) <= 0);
  }
}
