package org.kmem4j.page;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memory.Os;

/** Entries of pages near and far, at their border, and of addresses that are no page's. */
final class PageMapTest {
  private static final int REGION = 1 << Buddy.MAX_ORDER;
  private static final int NEAR = (1 << 30) / Os.PAGE_BYTES;
  private static final int PAGES = NEAR + 3 * REGION;
  private static final long BASE = 1L << 40;
  private static final int CACHE = 4711;

  private final PageMap map = new PageMap(BASE, PAGES);

  @AfterEach
  void unmap() {
    map.unmap();
  }

  private void openAroundTheBorder() {
    map.open(NEAR / REGION - 1, 3);
  }

  @ParameterizedTest
  @ValueSource(ints = {NEAR - REGION, NEAR - 8, NEAR, NEAR + 8, NEAR + 2 * REGION - 8})
  void aSlabsPagesNameItsCacheOnBothSidesOfTheBorder(int page) {
    openAroundTheBorder();
    map.markSlab(page, 3, CACHE);

    for (int i = 0; i < 8; i++) {
      long address = map.addressOf(page + i) + 100L * i;
      assertEquals(PageMap.slabEntry(3, CACHE), map.entry(address));
      assertEquals(map.addressOf(page), map.slabOf(address));
    }
    assertEquals(0, map.entry(map.addressOf(page - 1)));
    assertEquals(0, map.entry(map.addressOf(page + 8)));
    assertEquals(3, map.slabOrder(page + 7));

    map.clear(page, 8);
    assertEquals(0, map.entry(map.addressOf(page)));
  }

  @ParameterizedTest
  @ValueSource(ints = {NEAR - REGION, NEAR + REGION})
  void nothingIsKnownOfAnyPageWhenAllIsForgotten(int page) {
    openAroundTheBorder();
    map.markSlab(page, 0, CACHE);

    map.clearAll();

    assertEquals(0, map.entry(map.addressOf(page)));
  }

  @Test
  void aRegionThatWasNeverOpenedIsNobodys() {
    assertEquals(0, map.entry(BASE));
    assertEquals(0, map.entry(map.addressOf(NEAR)));
    assertEquals(0, map.entry(map.addressOf(PAGES - 1)));
  }

  /** Its page number has the same low bits as one of ours, or is below the first. */
  @Test
  void anAddressFarAwayIsOfNoPage() {
    openAroundTheBorder();
    map.markSlab(NEAR - 1, 0, CACHE);
    map.markSlab(NEAR, 0, CACHE);

    for (int page = NEAR - 1; page <= NEAR; page++) {
      long ours = map.addressOf(page);
      for (int bit = 44; bit < Long.SIZE; bit++) {
        assertEquals(0, map.entry(ours + (1L << bit)), "bit " + bit);
      }
    }
    assertEquals(0, map.entry(BASE - 1));
    assertEquals(0, map.entry(map.addressOf(PAGES)));
    assertEquals(0, map.entry(0));
    assertEquals(0, map.entry(-1));
  }
}
