package org.kmem4j.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Free blocks against a plain set of pages. The pages themselves are never touched. */
final class BuddyTest {
  private static final int REGIONS = 4;
  private static final int PAGES = REGIONS << Buddy.MAX_ORDER;
  private static final int NONE = -1;

  private final PageMap map = new PageMap(1L << 40, PAGES);
  private final Buddy buddy = new Buddy(map);

  private record Block(int page, int order) {}

  @BeforeEach
  void openAllRegions() {
    map.open(0, REGIONS);
    buddy.putRun(0, PAGES);
  }

  @AfterEach
  void validate() {
    buddy.validate(PAGES, new BitSet());
    map.unmap();
  }

  @Test
  void aBlockIsSplitAndItsUpperHalvesStayFree() {
    int page = buddy.take(0);

    assertEquals(PAGES - 1, buddy.freePages());
    for (int order = 0; order < Buddy.MAX_ORDER; order++) {
      assertEquals(order, map.freeOrder(page ^ (1 << order)));
    }
  }

  @Test
  void freeBuddiesMergeUpToAWholeRegion() {
    int page = buddy.take(0);

    buddy.put(page, 0);

    assertEquals(Buddy.MAX_ORDER, map.freeOrder(page & -(1 << Buddy.MAX_ORDER)));
    assertEquals(PAGES, buddy.freePages());
  }

  @Test
  void blocksOfTheLargestOrderDoNotMerge() {
    int first = buddy.take(Buddy.MAX_ORDER);
    int second = buddy.take(Buddy.MAX_ORDER);
    buddy.put(first, Buddy.MAX_ORDER);

    buddy.put(second, Buddy.MAX_ORDER);

    assertEquals(Buddy.MAX_ORDER, map.freeOrder(first));
    assertEquals(Buddy.MAX_ORDER, map.freeOrder(second));
  }

  @Test
  void blocksWithMemoryArePreferred() {
    int page = buddy.take(3);
    map.setBacked(page, 3, true);
    buddy.put(page, 3);
    assertEquals(8, buddy.freeBackedPages());

    int again = buddy.take(3);

    assertEquals(page, again);
    assertEquals(0, buddy.freeBackedPages());
    buddy.put(again, 3);
  }

  @Test
  void onlyAWholeFreeRegionIsTakenExactly() {
    int page = buddy.take(0);
    int region = page & -(1 << Buddy.MAX_ORDER);
    int other = (region + (1 << Buddy.MAX_ORDER)) % PAGES;

    assertFalse(buddy.takeExactly(region));
    assertTrue(buddy.takeExactly(other));

    assertEquals(PAGES - 1 - (1 << Buddy.MAX_ORDER), buddy.freePages());
  }

  @Test
  void theValidatorSeesABlockOnTwoLists() {
    int page = buddy.take(0);
    buddy.put(page, 0);
    int head = page & -(1 << Buddy.MAX_ORDER);
    int next = map.next(head);

    map.setNext(head, head);

    assertThrows(AssertionError.class, () -> buddy.validate(PAGES, new BitSet()));
    map.setNext(head, next);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whateverIsTakenAndGivenBackAgreesWithASetOfPages(long seed) {
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    BitSet free = new BitSet();
    free.set(0, PAGES);
    List<Block> taken = new ArrayList<>();
    for (int step = 0; step < 20_000; step++) {
      if (random.nextInt(100) < (step / 2000 % 2 == 0 ? 60 : 40)) {
        int order = Math.min(random.nextInt(10), random.nextInt(10));
        int page = buddy.take(order);
        if (page == NONE) {
          assertFalse(hasBlock(free, order), "order " + order + " was refused in step " + step);
        } else {
          assertTrue(free.nextClearBit(page) >= page + (1 << order), "taken twice: " + page);
          assertEquals(0, page & ((1 << order) - 1), "alignment");
          free.clear(page, page + (1 << order));
          map.setBacked(page, order, random.nextBoolean() || map.countBacked(page, order) > 0);
          taken.add(new Block(page, order));
        }
      } else if (!taken.isEmpty()) {
        Block block = taken.remove(random.nextInt(taken.size()));
        buddy.put(block.page, block.order);
        free.set(block.page, block.page + (1 << block.order));
      }
      if (step % 500 == 0) {
        BitSet seen = new BitSet();
        buddy.validate(PAGES, seen);
        assertEquals(free, seen, "step " + step);
      }
    }

    taken.forEach(block -> buddy.put(block.page, block.order));

    for (int region = 0; region < REGIONS; region++) {
      assertEquals(Buddy.MAX_ORDER, map.freeOrder(region << Buddy.MAX_ORDER));
    }
  }

  private static boolean hasBlock(BitSet free, int order) {
    for (int page = 0; page < PAGES; page += 1 << order) {
      if (free.nextClearBit(page) >= page + (1 << order)) {
        return true;
      }
    }
    return false;
  }

  @ParameterizedTest
  @ValueSource(longs = {4, 5})
  void runsOfAnyLengthComeBackWhole(long seed) {
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    for (int region = 0; region < REGIONS; region++) {
      assertTrue(buddy.takeExactly(region << Buddy.MAX_ORDER));
    }
    List<int[]> runs = new ArrayList<>();
    for (int page = 0; page < PAGES; ) {
      int length = Math.min(1 + random.nextInt(700), PAGES - page);
      runs.add(new int[] {page, length});
      page += length;
    }
    java.util.Collections.shuffle(runs, random);

    for (int[] run : runs) {
      buddy.putRun(run[0], run[1]);
    }

    assertEquals(PAGES, buddy.freePages());
    for (int region = 0; region < REGIONS; region++) {
      assertEquals(Buddy.MAX_ORDER, map.freeOrder(region << Buddy.MAX_ORDER));
    }
  }
}
