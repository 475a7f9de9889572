package org.kmem4j.page;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * The walk over every page, at rest: each accessible page is part of exactly one free block, slab
 * or large block, or lies in the list of one thread; and the books agree. Used once, under the page
 * allocator's lock.
 */
final class PageValidator {
  private final PageMap map;
  private final int pages;
  private final BitSet refused;

  /** Pages of free blocks, as the buddy's lists say; the others are found on the way. */
  private final BitSet free = new BitSet();

  private final BitSet inLists = new BitSet();
  private final List<PageRun> runs = new ArrayList<>();
  private long inUse;

  /**
   * @param pages how many pages are accessible
   * @param refused regions among them that are not
   */
  PageValidator(PageMap map, int pages, BitSet refused) {
    this.map = map;
    this.pages = pages;
    this.refused = refused;
  }

  static void check(boolean condition, String sentence, Object... values) {
    if (!condition) {
      throw new AssertionError(String.format(sentence, values));
    }
  }

  /** Notes a page that lies in a thread's list. */
  void addListed(long address) {
    int page = map.pageOf(address);
    check(map.contains(address) && page < pages, "a thread's list holds 0x%x, no page", address);
    check(!inLists.get(page), "page %d lies in two lists of threads", page);
    inLists.set(page);
  }

  /** Walks the buddy's lists, then all pages, then compares the sums. */
  List<PageRun> run(Buddy buddy, long mapped, long peak, long ceiling) {
    buddy.validate(pages, free);
    for (int page = 0; page < pages; ) {
      page +=
          isRefused(page)
              ? 1
              : free.get(page) ? walkFree(page) : inLists.get(page) ? walkListed(page) : walk(page);
    }
    long backed = 0;
    for (int page = 0; page < pages; page++) {
      backed += isRefused(page) ? 0 : map.countBacked(page, 0);
    }
    check(backed == mapped, "%d pages have memory, booked as mapped are %d", backed, mapped);
    check(
        inUse + buddy.freeBackedPages() == mapped,
        "%d pages in use and %d free ones with memory, booked as mapped are %d",
        inUse,
        buddy.freeBackedPages(),
        mapped);
    check(mapped <= peak && peak <= ceiling, "mapped=%d, peak=%d, max=%d", mapped, peak, ceiling);
    return runs;
  }

  private boolean isRefused(int page) {
    return refused.get(page >> Buddy.MAX_ORDER);
  }

  private int walkFree(int page) {
    int order = map.freeOrder(page);
    check(order >= 0, "page %d is part of a free block and something else", page);
    for (int i = page; i < page + (1 << order); i++) {
      check(i == page || map.kind(i) == 0, "page %d of free block %d is marked", i, page);
      check(!inLists.get(i), "page %d is free and in a thread's list", i);
    }
    return 1 << order;
  }

  private int walkListed(int page) {
    check(map.kind(page) == 0, "page %d is in a thread's list and something else", page);
    return use(page, 1);
  }

  private int walk(int page) {
    int order = map.slabOrder(page);
    if (order >= 0) {
      return walkSlab(page, order);
    }
    check(map.freeOrder(page) < 0, "page %d heads a free block that is on no list", page);
    check(map.isLargeHead(page), "page %d is lost: no slab, free block or large block", page);
    int length = map.largePages(page);
    check(length > 0 && page + length <= pages, "large block %d has %d pages", page, length);
    for (int i = page + 1; i < page + length; i++) {
      check(map.isLargeRest(i), "page %d is no part of the large block of %d", i, page);
    }
    runs.add(new PageRun(map.addressOf(page), length, -1, map.owner(page)));
    return use(page, length);
  }

  private int walkSlab(int page, int order) {
    int count = 1 << order;
    check((page & (count - 1)) == 0, "page %d heads a slab of order %d", page, order);
    for (int i = page; i < page + count; i++) {
      check(map.kind(i) == map.kind(page), "page %d is no part of the slab at %d", i, page);
    }
    int cache = PageMap.cacheId(map.kind(page));
    runs.add(new PageRun(map.addressOf(page), count, cache, 0));
    return use(page, count);
  }

  private int use(int page, int count) {
    for (int i = page; i < page + count; i++) {
      check(!free.get(i), "page %d is free and in use", i);
      check(i == page || !inLists.get(i), "page %d is in use and in a thread's list", i);
      check(map.countBacked(i, 0) == 1, "page %d is in use, booked as without memory", i);
    }
    inUse += count;
    return count;
  }
}
