package org.kmem4j.page;

import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.OsException;
import org.kmem4j.sync.AllFronts;
import org.kmem4j.sync.Deferred;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.Linked;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.Slot;
import org.kmem4j.sync.SpinLock;

/**
 * Pages of one reservation: runs of 2^order pages for slabs, runs of any length for large blocks.
 * Any thread may call any method.
 *
 * <p>The reservation is one range of address space, divided into regions of 2 MiB, the largest
 * block of the {@link Buddy}. Regions become accessible one after the other as they are first
 * needed and stay so to the end; memory that lies idle is given back inside them.
 *
 * <p><b>Books</b>, in pages, under the lock: {@code mapped = in use + free with memory}, and never
 * above the ceiling. "In use" includes the pages in per-thread lists.
 *
 * <p>Single pages go through a per-thread list. Nothing else here is per thread. No system call is
 * made under the lock: blocks are taken out, worked on, and put back.
 */
public final class PageAllocator {
  public static final int MAX_ORDER = Buddy.MAX_ORDER;

  private static final int REGION_PAGES = 1 << MAX_ORDER;
  private static final int LIST_CAPACITY = 30;
  private static final int NONE = -1;
  private static final int DECAY_STEPS = 8;

  /** The largest ceiling. */
  private static final long MAX_BYTES = 4L << 40;

  /** Pages that an int numbers, in whole regions. */
  private static final long MAX_PAGES = Integer.MAX_VALUE - REGION_PAGES + 1L;

  /** Pages that may be given back for others before the first decay time has passed. */
  private static final int FIRST_TRADEABLE_PAGES = 1 << 14;

  /** Free pages that are never worth a system call. */
  private static final int MIN_SLACK_PAGES = 64;

  private final PageMap map;
  private final PageSettings settings;
  private final int regions;
  private final int ceilingPages;
  private final SpinLock lock = new SpinLock();

  /** Link of the per-thread lists, and whether there may be any. */
  private final Linked lists;

  private final AllFronts inThreads;

  private volatile boolean listsAllowed = true;

  private final BooleanSupplier mayKeepLists = () -> listsAllowed;

  // Guarded by the lock.
  private final Buddy buddy;
  private int frontier; // regions below it are accessible, but for those that were refused
  private final BitSet refused; // regions below the frontier; each is tried again, and no other
  private int mappedPages;
  private int peakPages;
  private long tradeable; // pages that may yet be given back before the peak rises
  private long tradeableSince;
  private final long[] idle = new long[DECAY_STEPS];
  private int idleStep;
  private long idleMin;
  private long nextDecay;

  private final AtomicLong decommits = new AtomicLong();

  /**
   * Reserves address space.
   *
   * @param lists under which the threads keep their lists of free pages
   */
  public PageAllocator(PageSettings settings, Linked lists) {
    this.settings = settings;
    long ceiling = settings.maxBytes() >>> Os.PAGE_SHIFT;
    // Twice the ceiling: whoever fragments the range still finds room for a long run.
    long pages = roundUp(2 * Math.max(ceiling, REGION_PAGES), REGION_PAGES);
    pages = Math.min(pages, MAX_PAGES); // one region less than twice the largest ceiling
    if (settings.maxBytes() > MAX_BYTES) {
      throw new IllegalArgumentException(
          "kmem4j.max="
              + settings.maxBytes()
              + " is too large; accepted: at most 4 TiB ("
              + MAX_BYTES
              + ")");
    }
    this.ceilingPages = (int) ceiling;
    this.regions = (int) (pages / REGION_PAGES);
    long bytes = pages << Os.PAGE_SHIFT;
    PageMap reserved = reserve(bytes);
    boolean done = false;
    try {
      this.buddy = new Buddy(reserved);
      this.refused = new BitSet(regions); // so that noting one takes no memory
      this.inThreads = new AllFronts(lists, list -> emptyList(list, 0));
      done = true;
    } finally { // there may be no room on the Java heap
      if (!done) {
        unmap(reserved, bytes);
      }
    }
    this.map = reserved;
    this.lists = lists;
    this.tradeable = settings.tradesFreePages() ? FIRST_TRADEABLE_PAGES : 0;
    this.tradeableSince = System.nanoTime();
    this.nextDecay = System.nanoTime() + stepNanos();
  }

  private static PageMap reserve(long bytes) {
    long base = Os.reserve(bytes, (long) REGION_PAGES << Os.PAGE_SHIFT, "kmem4j pages");
    PageMap map = null;
    try {
      map = new PageMap(base, (int) (bytes >>> Os.PAGE_SHIFT));
    } finally {
      if (map == null) {
        Os.unmap(base, bytes);
      }
    }
    return map;
  }

  private static long roundUp(long value, long step) {
    return (value + step - 1) / step * step;
  }

  public PageMap map() {
    return map;
  }

  /** How many pages may be mapped. */
  public int ceilingPages() {
    return ceilingPages;
  }

  /**
   * Takes 2^order pages for a slab; their contents are undefined.
   *
   * @param cacheId number of the slab's cache, for the map
   * @param slot the caller's slot, or null if it has none or its slot is a stripe
   * @return the address, a multiple of the block's size, or 0 if the ceiling or the system refuses
   */
  public long tryAllocate(int order, int cacheId, Slot slot) {
    assert order >= 0 && order <= MAX_ORDER : "order=" + order;
    int page = NONE;
    if (order == 0 && slot != null) {
      long address = Front.pop(slot, lists);
      page = address != 0 ? map.pageOf(address) : refillList(slot);
    }
    if (page == NONE) {
      page = takeBlock(order);
    }
    if (page == NONE) {
      return 0;
    }
    map.markSlab(page, order, cacheId);
    return map.addressOf(page);
  }

  /** Takes back what {@link #tryAllocate} gave. */
  public void free(long address, int order, Slot slot) {
    int page = map.pageOf(address);
    assert map.slabOrder(page) == order : "order=" + order;
    map.clear(page, 1 << order);
    if (order > 0
        || slot == null
        || !Front.push(slot, lists, address) && !flushList(slot, address)) {
      putBlock(page, order);
    }
  }

  /** Fills the caller's list with a batch of single pages and returns one more, or NONE. */
  private int refillList(Slot slot) {
    Sheaf list = Front.detach(slot, lists);
    if (list == Front.BUSY) {
      return NONE;
    }
    try {
      if (list == null) {
        list = new Sheaf(LIST_CAPACITY);
      }
      int page = takeBlock(0);
      // A page that the thread never uses is memory that nobody has: a few, not a full list.
      for (int i = 0; page != NONE && i < LIST_CAPACITY / 4; i++) {
        int another = takeBackedPage();
        if (another == NONE) {
          break;
        }
        list.push(map.addressOf(another));
      }
      return page;
    } finally {
      attachList(slot, list);
    }
  }

  /** Gives half of the caller's full list back, and the page too unless it now fits. */
  private boolean flushList(Slot slot, long address) {
    Sheaf list = Front.detach(slot, lists);
    if (list == Front.BUSY) {
      return false;
    }
    try {
      if (list == null) {
        list = new Sheaf(LIST_CAPACITY);
      }
      emptyList(list, LIST_CAPACITY / 2);
      list.push(address);
      return true;
    } catch (OutOfMemoryError e) {
      return false; // no room on the Java heap for a list: the page goes where it came from
    } finally {
      attachList(slot, list);
    }
  }

  private void attachList(Slot slot, Sheaf list) {
    if (!Front.attach(slot, lists, list, mayKeepLists) && list != null) {
      emptyList(list, 0);
    }
  }

  private void emptyList(Sheaf list, int keep) {
    lock.lock();
    try {
      while (list.count() > keep) {
        buddy.put(map.pageOf(list.pop()), 0);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes back the pages in all per-thread lists, those of parked threads too. Waits for a grace
   * period, at most {@code maxNanos}; when it does not end in time, the pages come back later.
   */
  public void drainLists(long maxNanos, Deferred deferred) {
    inThreads.unlink(deferred);
    deferred.finish(maxNanos);
  }

  /** Takes a block from the buddy, in a new region if need be, and books its memory. */
  private int takeBlock(int order) {
    while (true) {
      lock.lock();
      try {
        int page = buddy.take(order);
        if (page != NONE) {
          if (book(page, order)) {
            return page;
          }
          buddy.put(page, order);
        }
      } finally {
        lock.unlock();
      }
      if (!makeRoom(1 << order) || !hasFree(order) && openRegions(1) == NONE) {
        return NONE;
      }
    }
  }

  private boolean hasFree(int order) {
    lock.lock();
    try {
      int page = buddy.take(order);
      if (page != NONE) {
        buddy.put(page, order);
      }
      return page != NONE;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a free page only if it has memory already. */
  private int takeBackedPage() {
    lock.lock();
    try {
      if (buddy.freeBackedPages() == 0) {
        return NONE;
      }
      int page = buddy.take(0);
      if (page != NONE && !book(page, 0)) {
        buddy.put(page, 0);
        return NONE;
      }
      return page;
    } finally {
      lock.unlock();
    }
  }

  private void putBlock(int page, int order) {
    lock.lock();
    try {
      buddy.put(page, order);
    } finally {
      lock.unlock();
    }
  }

  /** Books the memory that a block taken from the buddy is going to have; false at the ceiling. */
  private boolean book(int page, int order) {
    int more = (1 << order) - map.countBacked(page, order);
    if (!fits(more)) {
      return false;
    }
    if (more > 0) {
      map.setBacked(page, order, true);
      mappedPages += more;
      peakPages = Math.max(peakPages, mappedPages);
    }
    return true;
  }

  /**
   * Whether more pages may be mapped: not above the ceiling, and not above the peak so far while an
   * eighth of all that is mapped lies free in pieces that are too small. Such pieces are given back
   * first, so that the peak follows what is used; but within a decay time no more than half of what
   * is mapped, so that a program which swings between sizes gets the memory it swings through.
   */
  private boolean fits(int pages) {
    long wanted = (long) mappedPages + pages;
    return wanted <= ceilingPages
        && (pages == 0
            || wanted <= peakPages
            || tradeable <= 0
            || buddy.freeBackedPages() <= mappedPages / 8 + MIN_SLACK_PAGES);
  }

  /** Gives free memory back until {@code pages} more fit. */
  private boolean makeRoom(int pages) {
    renewTradeable();
    while (true) {
      lock.lock();
      try {
        if (fits(pages)) {
          return true;
        }
      } finally {
        lock.unlock();
      }
      long given = giveBack(Math.max(pages, MIN_SLACK_PAGES));
      if (given == 0) {
        return false;
      }
      lock.lock();
      try {
        tradeable -= given;
      } finally {
        lock.unlock();
      }
    }
  }

  private void renewTradeable() {
    long now = System.nanoTime();
    lock.lock();
    try {
      if (settings.tradesFreePages() && now - tradeableSince >= settings.decayNanos()) {
        tradeableSince = now;
        tradeable = mappedPages / 2;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes regions accessible.
   *
   * @return the first of {@code count} adjacent regions, which are free from now on; NONE if the
   *     range ends or the system refuses
   */
  private int openRegions(int count) {
    boolean touched = settings.preTouch() || settings.lockInMemory();
    if (touched && !makeRoom(count * REGION_PAGES)) {
      return NONE;
    }
    int first;
    lock.lock();
    try {
      first = count == 1 ? refused.nextSetBit(0) : NONE;
      if (first != NONE) {
        refused.clear(first);
      } else if (frontier + count > regions) {
        return NONE;
      } else {
        first = frontier;
        frontier += count;
      }
    } finally {
      lock.unlock();
    }
    boolean open = false;
    try {
      open = open(first, count);
    } finally { // whatever it throws
      lock.lock();
      try {
        for (int region = first; open && region < first + count; region++) {
          boolean booked = touched && book(region * REGION_PAGES, MAX_ORDER);
          assert booked == touched || mappedPages + REGION_PAGES > ceilingPages;
          buddy.put(region * REGION_PAGES, MAX_ORDER);
        }
        if (!open) {
          giveUp(first, count);
        }
      } finally {
        lock.unlock();
      }
    }
    return open ? first : NONE;
  }

  /** Leaves regions that were refused for a later attempt. Guarded by the lock. */
  private void giveUp(int first, int count) {
    if (frontier == first + count) {
      frontier = first;
    } else { // somebody went further meanwhile
      refused.set(first, first + count);
    }
  }

  private boolean open(int region, int count) {
    long address = map.addressOf(region * REGION_PAGES);
    long bytes = (long) count * REGION_PAGES << Os.PAGE_SHIFT;
    try {
      Os.protect(address, bytes, true);
      map.open(region, count);
      Os.tryHugePages(address, bytes, settings.hugePages());
      if (settings.preTouch()) {
        for (long at = 0; at < bytes; at += Os.PAGE_BYTES) {
          Memory.putLong(address + at, 0);
        }
      }
      if (settings.lockInMemory()) {
        Os.lock(address, bytes);
      }
      lastRefusal = null; // what it said before explains no refusal to come
      return true;
    } catch (OsException e) {
      lastRefusal = e;
      return false;
    }
  }

  private volatile OsException lastRefusal;

  /** What the system said when it last refused memory, or null if it has given some since. */
  public OsException lastRefusal() {
    return lastRefusal;
  }

  /**
   * Takes a large block: whole pages in one run, of which the caller may use every byte.
   *
   * @param owner the value of the block's owner word
   * @return the address, or 0 if the ceiling or the system refuses
   */
  public long tryAllocateLarge(int pages, long owner) {
    int page = pages <= REGION_PAGES ? takeShortRun(pages) : takeLongRun(pages);
    if (page == NONE) {
      return 0;
    }
    map.markLarge(page, pages, owner);
    return map.addressOf(page);
  }

  /** Takes the smallest block that fits and gives its tail back. */
  private int takeShortRun(int pages) {
    int order = 32 - Integer.numberOfLeadingZeros(pages - 1);
    while (true) {
      lock.lock();
      try {
        int page = buddy.take(order);
        if (page != NONE) {
          if (bookRun(page, pages)) {
            buddy.putRun(page + pages, (1 << order) - pages);
            return page;
          }
          buddy.put(page, order);
        }
      } finally {
        lock.unlock();
      }
      if (!makeRoom(pages) || !hasFree(order) && openRegions(1) == NONE) {
        return NONE;
      }
    }
  }

  /** Takes adjacent regions: free ones if there are enough in a row, else new ones. */
  private int takeLongRun(int pages) {
    int count = (pages + REGION_PAGES - 1) / REGION_PAGES;
    while (true) {
      lock.lock();
      try {
        int first = findFreeRegions(count);
        if (first != NONE) {
          for (int region = first; region < first + count; region++) {
            buddy.takeExactly(region * REGION_PAGES);
          }
          int page = first * REGION_PAGES;
          if (bookRun(page, pages)) {
            buddy.putRun(page + pages, count * REGION_PAGES - pages);
            return page;
          }
          buddy.putRun(page, count * REGION_PAGES);
        } else if (frontier + count > regions) {
          return NONE;
        }
      } finally {
        lock.unlock();
      }
      if (!makeRoom(pages) || !hasFreeRegions(count) && openRegions(count) == NONE) {
        return NONE;
      }
    }
  }

  private boolean hasFreeRegions(int count) {
    lock.lock();
    try {
      return findFreeRegions(count) != NONE;
    } finally {
      lock.unlock();
    }
  }

  private int findFreeRegions(int count) {
    int run = 0;
    for (int region = 0; region < frontier; region++) {
      run = map.freeOrder(region * REGION_PAGES) == MAX_ORDER ? run + 1 : 0;
      if (run == count) {
        return region - count + 1;
      }
    }
    return NONE;
  }

  /** Books a run that need not be a block; all or nothing. */
  private boolean bookRun(int page, int pages) {
    int more = 0;
    for (int at = 0; at < pages; at += 1 << alignedOrder(page + at, pages - at)) {
      int order = alignedOrder(page + at, pages - at);
      more += (1 << order) - map.countBacked(page + at, order);
    }
    if (!fits(more)) {
      return false;
    }
    for (int at = 0; at < pages; at += 1 << alignedOrder(page + at, pages - at)) {
      map.setBacked(page + at, alignedOrder(page + at, pages - at), true);
    }
    mappedPages += more;
    peakPages = Math.max(peakPages, mappedPages);
    return true;
  }

  private static int alignedOrder(int page, int pages) {
    int order = Math.min(MAX_ORDER, Integer.numberOfTrailingZeros(page));
    return Math.min(order, 31 - Integer.numberOfLeadingZeros(pages));
  }

  /** Address of a large block's owner word, or 0 if no large block begins at the address. */
  public long ownerOfLarge(long address) {
    return isHead(address) ? map.ownerWord(map.pageOf(address)) : 0;
  }

  /** Length in pages of the large block that begins at an address, or 0. */
  public int largePages(long address) {
    return isHead(address) ? map.largePages(map.pageOf(address)) : 0;
  }

  private boolean isHead(long address) {
    return map.contains(address)
        && (address & (Os.PAGE_BYTES - 1)) == 0
        && map.isLargeHead(map.pageOf(address));
  }

  /** First byte of the large block that an address lies in, or 0. */
  public long largeAround(long address) {
    if (!map.contains(address)) {
      return 0;
    }
    int page = map.pageOf(address);
    while (page > 0 && map.isLargeRest(page)) {
      page--;
    }
    return map.isLargeHead(page) ? map.addressOf(page) : 0;
  }

  /**
   * Makes the caller the one who frees a large block. Of several callers one succeeds, and calls
   * {@link #freeLarge}; its owner word may be read until then.
   *
   * @return its length in pages, or 0 if no large block begins at the address
   */
  public int takeLarge(long address) {
    if (!isHead(address)) {
      return 0;
    }
    int page = map.pageOf(address);
    int pages = map.largePages(page);
    return pages != 0 && map.takeLarge(page, pages) ? pages : 0;
  }

  /** Gives a large block back that {@link #takeLarge} made the caller's. */
  public void freeLarge(long address, int pages) {
    int page = map.pageOf(address);
    map.clear(page, pages);
    lock.lock();
    try {
      buddy.putRun(page, pages);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives idle memory back: as many pages as have lain free through the whole decay time.
   *
   * @return pages given back
   */
  public long decay(long now) {
    if (settings.decayNanos() == PageSettings.NEVER) {
      return 0;
    }
    long release;
    lock.lock();
    try {
      idleMin = Math.min(idleMin, buddy.freeBackedPages());
      if (now - nextDecay < 0) {
        return 0;
      }
      nextDecay += stepNanos();
      if (now - nextDecay >= 0) { // nobody called for a while
        nextDecay = now + stepNanos();
      }
      idle[idleStep] = idleMin;
      idleStep = (idleStep + 1) % DECAY_STEPS;
      idleMin = buddy.freeBackedPages();
      release = Long.MAX_VALUE;
      for (long pages : idle) {
        release = Math.min(release, pages);
      }
      for (int i = 0; i < DECAY_STEPS; i++) {
        idle[i] -= release;
      }
      idleMin -= release;
    } finally {
      lock.unlock();
    }
    return release > 0 ? giveBack(release, true) : 0;
  }

  /** The last step of a decay time is the one in which the pages became free. */
  private long stepNanos() {
    return settings.decayNanos() / (DECAY_STEPS + 2);
  }

  /**
   * Gives free memory back to the system now, in whole free blocks, the largest first: it may be up
   * to a region more than was asked for, in fewer system calls.
   *
   * @return how many pages
   */
  public long giveBack(long pages) {
    return giveBack(pages, false);
  }

  /** The same; {@code exactly} splits the last block, so that it is no page more. */
  private long giveBack(long pages, boolean exactly) {
    long given = 0;
    while (given < pages) {
      int page;
      int order;
      int memory;
      lock.lock();
      try {
        order = buddy.backedOrder();
        if (order < 0) {
          break;
        }
        page = buddy.takeBacked(order);
        memory = map.countBacked(page, order);
        while (exactly && memory > pages - given) {
          order--;
          page = buddy.halve(page, order);
          memory = map.countBacked(page, order);
        }
      } finally {
        lock.unlock();
      }
      boolean done = false;
      try {
        done = decommit(page, order);
      } finally { // whatever it throws
        lock.lock();
        try {
          if (done) {
            map.setBacked(page, order, false);
            mappedPages -= memory;
            given += memory;
          }
          buddy.put(page, order);
        } finally {
          lock.unlock();
        }
      }
      if (!done) {
        break;
      }
    }
    return given;
  }

  private boolean decommit(int page, int order) {
    if (settings.lockInMemory()) {
      return false; // the kernel refuses to drop locked pages
    }
    try {
      Os.decommit(map.addressOf(page), (long) Os.PAGE_BYTES << order);
      decommits.incrementAndGet();
      return true;
    } catch (OsException e) {
      lastRefusal = e;
      return false;
    }
  }

  /** Forbids per-thread lists; those that exist are drained by {@link #drainLists}. */
  public void deactivate() {
    listsAllowed = false;
  }

  /** Gives all memory back: every late access reads zeroes. The books are void. */
  public void clear() {
    map.clearAll();
    lock.lock();
    try {
      mappedPages = 0;
    } finally {
      lock.unlock();
    }
    Os.zero(map.base(), (long) regions * REGION_PAGES << Os.PAGE_SHIFT, "kmem4j closed");
  }

  /** Gives the address space back. A late access kills the process. */
  public void unmap() {
    unmap(map, (long) regions * REGION_PAGES << Os.PAGE_SHIFT);
  }

  private static void unmap(PageMap map, long bytes) {
    try {
      Os.unmap(map.base(), bytes);
    } finally {
      map.unmap();
    }
  }

  /** The books at one moment. */
  public PageStats stats() {
    long inLists = inThreads.peekCount();
    lock.lock();
    try {
      return new PageStats(
          mappedPages,
          peakPages,
          buddy.freeBackedPages() + inLists,
          ceilingPages,
          (long) frontier * REGION_PAGES,
          decommits.get());
    } finally {
      lock.unlock();
    }
  }

  /** Bytes of the range that are in memory, asked of the system page by page. */
  public long residentBytes() {
    int open;
    lock.lock();
    try {
      open = frontier;
    } finally {
      lock.unlock();
    }
    return open == 0
        ? 0
        : Os.residentBytes(map.base(), (long) open * REGION_PAGES << Os.PAGE_SHIFT);
  }

  /**
   * Walks over every page, at rest.
   *
   * @return what is in use
   * @throws AssertionError if something is wrong: it says what
   */
  public List<PageRun> validate() {
    lock.lock();
    try {
      var validator = new PageValidator(map, frontier * REGION_PAGES, refused);
      inThreads.peek().forEach(list -> addListed(list, validator));
      return validator.run(buddy, mappedPages, peakPages, ceilingPages);
    } finally {
      lock.unlock();
    }
  }

  private static void addListed(Sheaf list, PageValidator validator) {
    for (int i = 0; i < list.count(); i++) {
      validator.addListed(list.get(i));
    }
  }
}
