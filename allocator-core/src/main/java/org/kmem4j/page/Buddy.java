package org.kmem4j.page;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Free blocks of 2^order pages, order 0 to {@value #MAX_ORDER}, aligned to their size; two free
 * halves of a block merge. Blocks with memory behind any of their pages are kept apart from those
 * without, and preferred. Guarded by the page allocator's lock.
 *
 * <p>Invariant: a page is covered by at most one free block, and no block is free beside its free
 * buddy, below the largest order.
 */
final class Buddy {
  static final int MAX_ORDER = 9;

  private static final int NONE = -1;

  private final PageMap map;

  /** Heads of the lists, by order: blocks with some memory, and blocks without. */
  private final int[] backed = new int[MAX_ORDER + 1];

  private final int[] clean = new int[MAX_ORDER + 1];

  private long freePages;
  private long freeBackedPages;

  Buddy(PageMap map) {
    this.map = map;
    Arrays.fill(backed, NONE);
    Arrays.fill(clean, NONE);
  }

  long freePages() {
    return freePages;
  }

  /** Free pages that still have memory: what could be given back. */
  long freeBackedPages() {
    return freeBackedPages;
  }

  /** Takes a block, splitting a larger one if need be. Negative if there is none. */
  int take(int order) {
    int page = take(backed, order);
    return page != NONE ? page : take(clean, order);
  }

  private int take(int[] lists, int order) {
    for (int at = order; at <= MAX_ORDER; at++) {
      if (lists[at] != NONE) {
        return take(lists[at], at, order);
      }
    }
    return NONE;
  }

  private int take(int page, int from, int order) {
    remove(page, from);
    for (int at = from - 1; at >= order; at--) {
      insert(page + (1 << at), at); // the upper half stays free
    }
    return page;
  }

  /** Takes the free block of the largest order that begins at a page; false if there is none. */
  boolean takeExactly(int page) {
    if (map.freeOrder(page) != MAX_ORDER) {
      return false;
    }
    remove(page, MAX_ORDER);
    return true;
  }

  /** The largest order of which a free block has memory, or negative if none has. */
  int backedOrder() {
    int order = MAX_ORDER;
    while (order >= 0 && backed[order] == NONE) {
      order--;
    }
    return order;
  }

  /** Takes a block that has memory, of an order that {@link #backedOrder} gave. */
  int takeBacked(int order) {
    int page = backed[order];
    remove(page, order);
    return page;
  }

  /**
   * Puts one half of a block that was taken back.
   *
   * @param order of the halves
   * @return the other half, which has memory if the block has
   */
  int halve(int page, int order) {
    int upper = page + (1 << order);
    boolean keepUpper = map.countBacked(upper, order) > 0;
    put(keepUpper ? page : upper, order);
    return keepUpper ? upper : page;
  }

  /** Gives a block back; it merges with its free buddy, and so on upwards. */
  void put(int page, int order) {
    while (order < MAX_ORDER && map.freeOrder(page ^ (1 << order)) == order) {
      remove(page ^ (1 << order), order);
      page &= ~(1 << order);
      order++;
    }
    insert(page, order);
  }

  /** Gives back any run of pages, cut into the largest aligned blocks. */
  void putRun(int page, int pages) {
    while (pages > 0) {
      int order = Math.min(MAX_ORDER, Integer.numberOfTrailingZeros(page));
      order = Math.min(order, 31 - Integer.numberOfLeadingZeros(pages));
      put(page, order);
      page += 1 << order;
      pages -= 1 << order;
    }
  }

  private void insert(int page, int order) {
    int memory = map.countBacked(page, order);
    int[] lists = memory > 0 ? backed : clean;
    int head = lists[order];
    map.setNext(page, head);
    map.setPrev(page, NONE);
    if (head != NONE) {
      map.setPrev(head, page);
    }
    lists[order] = page;
    map.markFree(page, order);
    freePages += 1L << order;
    freeBackedPages += memory;
  }

  private void remove(int page, int order) {
    int next = map.next(page);
    int prev = map.prev(page);
    if (next != NONE) {
      map.setPrev(next, prev);
    }
    int memory = map.countBacked(page, order);
    if (prev != NONE) {
      map.setNext(prev, next);
    } else if (memory > 0) {
      backed[order] = next;
    } else {
      clean[order] = next;
    }
    map.clear(page, 1);
    freePages -= 1L << order;
    freeBackedPages -= memory;
  }

  /**
   * Walks all lists and compares the sums.
   *
   * @param pages how many pages are accessible
   * @param seen receives every page of every free block
   */
  void validate(int pages, BitSet seen) {
    long memory = 0;
    for (int order = 0; order <= MAX_ORDER; order++) {
      long below = memory;
      memory += validate(clean[order], order, pages, seen);
      PageValidator.check(memory == below, "a clean block of order %d has memory", order);
      memory += validate(backed[order], order, pages, seen);
    }
    PageValidator.check(
        seen.cardinality() == freePages && memory == freeBackedPages,
        "counted %d free pages, %d of them with memory; booked %d and %d",
        seen.cardinality(),
        memory,
        freePages,
        freeBackedPages);
  }

  private long validate(int head, int order, int pages, BitSet seen) {
    long memory = 0;
    int previous = NONE;
    for (int page = head; page != NONE; page = map.next(page)) {
      PageValidator.check(
          page >= 0 && page < pages && (page & ((1 << order) - 1)) == 0,
          "the list of order %d leads to page %d",
          order,
          page);
      PageValidator.check(
          map.freeOrder(page) == order && map.prev(page) == previous,
          "page %d does not fit the list of free blocks of order %d",
          page,
          order);
      PageValidator.check(!seen.get(page), "page %d is on two lists of free blocks", page);
      PageValidator.check(
          order == MAX_ORDER || map.freeOrder(page ^ (1 << order)) != order,
          "page %d and its buddy of order %d are free, and were not merged",
          page,
          order);
      seen.set(page, page + (1 << order));
      memory += map.countBacked(page, order);
      previous = page;
    }
    return memory;
  }
}
