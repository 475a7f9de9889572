package org.kmem4j.page;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.Struct;

/**
 * What each page of the reservation is: one entry of four bytes per page, dense, because every free
 * by address reads it; one frame of 16 bytes per page for links and owners; one bit per page that
 * says whether the system has given memory for it.
 *
 * <p>The entries are Java arrays, never replaced before the end: reading them costs the
 * just-in-time compiler a tenth of what a read of native memory does, and there is one in every
 * free. Those of the first gigabyte lie in one array, which saves a load and a compare; those
 * behind it in one array per region, made when the region is opened. Frames and bits are native.
 *
 * <p>A slab's entries are written by whoever creates or releases the slab, and read by whoever
 * holds an object of it, who got the object later. The entries of free blocks and the bits belong
 * to the page allocator's lock. A large block's length is CASed to 0: who succeeds frees the block.
 */
public final class PageMap {
  /**
   * The low eight bits of an entry say what the page is; the rest is the number of the slab's
   * cache. A page of a slab of order {@code o} is of kind {@code o + 1}; heads are aligned to their
   * size.
   */
  private static final int KIND_BITS = 8;

  private static final int KIND_MASK = (1 << KIND_BITS) - 1;
  private static final int LAST_SLAB = 10;

  private static final int LARGE_HEAD = 0x10;
  private static final int LARGE_REST = 0x20;

  /** Head of a free block; its order is in the low bits. */
  private static final int FREE_HEAD = 0x40;

  private static final int ORDER_BITS = 0xf;
  private static final int REGION_SHIFT = Buddy.MAX_ORDER;
  private static final int REGION_MASK = (1 << REGION_SHIFT) - 1;

  /** The pages of the first gigabyte. */
  private static final int NEAR_PAGES = 1 << 18;

  /** Stands for every region that was never opened; never written. */
  private static final int[] NO_PAGES = new int[1 << REGION_SHIFT];

  private static final Struct FRAME = Struct.named("frame", "Sixteen bytes for each 4 KiB page.");

  /** For the head of a free block; guarded by the page allocator's lock. */
  private static final long NEXT =
      FRAME.half(
          "next", "next free block: page number, or -1; of a large block half its owner word");

  private static final long PREV =
      FRAME.half("prev", "previous free block, likewise; of a large block the other half");
  private static final long PAGES =
      FRAME.word("pages", "length of a large block in pages; CASed to 0 by who frees it");

  /** Shares the links' eight bytes: a block is never both free and large. */
  private static final long OWNER = NEXT;

  private static final long FRAME_BYTES = FRAME.end(16);

  static final String FRAME_LAYOUT = FRAME.toMarkdown();

  private final long base;
  private final long bytes;

  /** Entries of the first pages: all of them, in most programs. */
  private final int[] near;

  /** Entries by region, of which those of the near pages are not used. */
  private final int[][] far;

  private final long frames;
  private final long backed;

  PageMap(long base, int pages) {
    this.base = base;
    this.bytes = (long) pages << Os.PAGE_SHIFT;
    this.near = new int[Math.min(pages, NEAR_PAGES)];
    this.far = new int[pages >> REGION_SHIFT][];
    Arrays.fill(far, NO_PAGES);
    this.frames = mapTable(pages * FRAME_BYTES, "kmem4j page frames");
    long bits = 0;
    try {
      bits = mapTable(pages / 8, "kmem4j backed pages");
    } finally {
      if (bits == 0) {
        Os.unmap(frames, roundToPages(pages * FRAME_BYTES));
      }
    }
    this.backed = bits;
  }

  private static long mapTable(long bytes, String name) {
    long table = Os.reserve(roundToPages(bytes), Os.PAGE_BYTES, name);
    Os.tryHugePages(table, roundToPages(bytes), false);
    return table;
  }

  private static long roundToPages(long bytes) {
    return (bytes + Os.PAGE_BYTES - 1) & -Os.PAGE_BYTES;
  }

  void unmap() {
    int pages = (int) (bytes >>> Os.PAGE_SHIFT);
    try {
      Os.unmap(frames, roundToPages(pages * FRAME_BYTES));
    } finally {
      Os.unmap(backed, roundToPages(pages / 8));
    }
  }

  /**
   * The entry of the page that an address lies in; 0 outside. Reads no page: ask for any address.
   */
  public int entry(long address) {
    long page = (address - base) >>> Os.PAGE_SHIFT; // huge below the base
    int[] some = near;
    return page < some.length ? some[(int) page] : farEntry(page);
  }

  private int farEntry(long page) {
    int[][] regions = far;
    return page >>> REGION_SHIFT < regions.length
        ? regions[(int) (page >>> REGION_SHIFT)][(int) page & REGION_MASK]
        : 0;
  }

  /** The entry of every page of the slabs of one order and one cache. */
  public static int slabEntry(int order, int cacheId) {
    return cacheId << KIND_BITS | order + 1;
  }

  /** Whether an entry is that of a slab's page. */
  public static boolean isSlab(int entry) {
    return Integer.compareUnsigned((entry & KIND_MASK) - 1, LAST_SLAB) < 0;
  }

  /** The head of the slab that an address lies in, by the address's entry. */
  public static long head(long address, int entry) {
    return address & (-2048L << (entry & KIND_MASK));
  }

  /** Order of the slab that an entry belongs to. */
  public static int order(int entry) {
    return (entry & KIND_MASK) - 1;
  }

  /** Number of the cache that the slab of an entry belongs to. */
  public static int cacheId(int entry) {
    return entry >>> KIND_BITS;
  }

  /** The head of the slab that an address lies in, or 0 if it lies in none. */
  public long slabOf(long address) {
    int entry = entry(address);
    return isSlab(entry) ? head(address, entry) : 0;
  }

  /** Whether an address lies in the reservation. */
  public boolean contains(long address) {
    return Long.compareUnsigned(address - base, bytes) < 0;
  }

  /** Base address of the reservation. */
  public long base() {
    return base;
  }

  long addressOf(int page) {
    return base + ((long) page << Os.PAGE_SHIFT);
  }

  int pageOf(long address) {
    return (int) ((address - base) >>> Os.PAGE_SHIFT);
  }

  /** Makes the entries of regions that are being opened. */
  void open(int region, int count) {
    int page = region << REGION_SHIFT;
    int pages = count << REGION_SHIFT;
    openTable(frames, page * FRAME_BYTES, pages * FRAME_BYTES);
    openTable(backed, page / 8, pages / 8);
    for (int i = Math.max(region, near.length >> REGION_SHIFT); i < region + count; i++) {
      far[i] = new int[1 << REGION_SHIFT];
    }
  }

  /** Makes a part of a table accessible; what was so stays so. */
  private static void openTable(long table, long from, long length) {
    long start = from & -Os.PAGE_BYTES;
    Os.protect(table + start, roundToPages(from + length - start), true);
  }

  /** The whole entry of a page. */
  int kind(int page) {
    return page < near.length ? near[page] : far[page >> REGION_SHIFT][page & REGION_MASK];
  }

  private void setKind(int page, int kind) {
    if (page < near.length) {
      near[page] = kind;
    } else {
      far[page >> REGION_SHIFT][page & REGION_MASK] = kind;
    }
  }

  private void setKinds(int page, int pages, int kind) {
    for (int i = page; i < page + pages; i++) {
      setKind(i, kind);
    }
  }

  /** Order of the slab that a page is part of, or -1. */
  int slabOrder(int page) {
    int entry = kind(page);
    return isSlab(entry) ? (entry & KIND_MASK) - 1 : -1;
  }

  void markSlab(int page, int order, int cacheId) {
    setKinds(page, 1 << order, slabEntry(order, cacheId));
  }

  /** Forgets what pages were: they are in the hands of the allocator, on no list. */
  void clear(int page, int pages) {
    setKinds(page, pages, 0);
  }

  /** Forgets everything: no page is anything any more. */
  void clearAll() {
    Arrays.fill(near, 0);
    Arrays.fill(far, NO_PAGES);
  }

  void markFree(int page, int order) {
    setKind(page, FREE_HEAD | order);
  }

  /** Order of the free block that a page heads, or -1. */
  int freeOrder(int page) {
    int kind = kind(page);
    return (kind & FREE_HEAD) != 0 ? kind & ORDER_BITS : -1;
  }

  void markLarge(int page, int pages, long owner) {
    setKinds(page + 1, pages - 1, LARGE_REST);
    long frame = frames + page * FRAME_BYTES;
    Memory.putLong(frame + OWNER, owner);
    Memory.putLong(frame + PAGES, pages);
    VarHandle.releaseFence(); // the head comes last: who sees it sees the frame
    setKind(page, LARGE_HEAD);
  }

  boolean isLargeHead(int page) {
    return kind(page) == LARGE_HEAD;
  }

  boolean isLargeRest(int page) {
    return kind(page) == LARGE_REST;
  }

  /** Makes the caller the one who frees a large block. False if somebody else is. */
  boolean takeLarge(int page, int pages) {
    return Memory.casLong(frames + page * FRAME_BYTES + PAGES, pages, 0);
  }

  /** Address of the word that names a large block's owner. */
  long ownerWord(int page) {
    return frames + page * FRAME_BYTES + OWNER;
  }

  /** Value of a large block's owner word. */
  long owner(int page) {
    return Memory.getLong(ownerWord(page));
  }

  int largePages(int page) {
    return (int) Memory.getLong(frames + page * FRAME_BYTES + PAGES);
  }

  int next(int page) {
    return Memory.getInt(frames + page * FRAME_BYTES + NEXT);
  }

  void setNext(int page, int next) {
    Memory.putInt(frames + page * FRAME_BYTES + NEXT, next);
  }

  int prev(int page) {
    return Memory.getInt(frames + page * FRAME_BYTES + PREV);
  }

  void setPrev(int page, int prev) {
    Memory.putInt(frames + page * FRAME_BYTES + PREV, prev);
  }

  /** How many pages of an aligned block of 2^order pages have memory. */
  int countBacked(int page, int order) {
    if (order < 6) {
      return Long.bitCount(Memory.getLong(bitWord(page)) & bitMask(page, order));
    }
    int count = 0;
    for (int i = 0; i < 1 << order; i += 64) {
      count += Long.bitCount(Memory.getLong(bitWord(page + i)));
    }
    return count;
  }

  /** Notes for an aligned block of 2^order pages that they have memory, or that they have none. */
  void setBacked(int page, int order, boolean value) {
    if (order < 6) {
      long word = bitWord(page);
      long mask = bitMask(page, order);
      long bits = Memory.getLong(word);
      Memory.putLong(word, value ? bits | mask : bits & ~mask);
    } else {
      Memory.fill(bitWord(page), 1L << (order - 3), (byte) (value ? -1 : 0));
    }
  }

  private long bitWord(int page) {
    return backed + ((page >>> 6) << 3);
  }

  private static long bitMask(int page, int order) {
    return ((1L << (1 << order)) - 1) << (page & 63);
  }
}
