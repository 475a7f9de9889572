package org.kmem4j.memcg.counter;

import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;
import org.kmem4j.sync.SpinLock;
import org.kmem4j.sync.StackProbe;

/**
 * {@code struct page_counter}: the pages charged to one group and to all below it, and its limits.
 * What is charged here is charged to every ancestor as well. Any thread may call any method; none
 * makes garbage.
 *
 * <p><b>Two phases.</b> A counter that adds first and looks afterwards lets a request that will be
 * refused stand in the way of one that fits. So the usage word holds two numbers: pages
 * <em>committed</em>, and pages <em>pending</em>, of requests that have not been granted at all
 * levels yet. From the leaf to the root, a request of {@code n} pages
 *
 * <ul>
 *   <li>takes them as pending, if {@code committed + pending + n <= max};
 *   <li>gives back what it holds below and is refused, if {@code committed + n > max};
 *   <li>waits otherwise, for then it depends on others' pending pages.
 * </ul>
 *
 * <p>Holding them at all levels it commits, which cannot fail. Only a granted request ever commits,
 * and only committed pages refuse: two requests that fit never refuse each other.
 *
 * <p><b>Nobody waits for ever.</b> A request waits at a level for those that hold pending pages
 * there. It holds pending pages itself at lower levels only, so whoever waits for it waits at a
 * lower level: along a chain of waiters the level rises, there is no cycle, and the last of the
 * chain is between taking and committing or giving back, a few instructions that wait for nothing.
 * One request that waits has always let another go on. With the root alone in question this is a
 * plain CAS loop.
 *
 * <p><b>Limits.</b> A request reads {@code max} again after its pages are pending; {@link #setMax}
 * stores, then reads the word, pending pages included. Both pairs are of volatile accesses: either
 * the request sees the new limit and gives its pages back, or the setter counts them. So {@code
 * max} is enforced at once, and committing needs no further look.
 */
public final class PageCounter {
  private static final Struct PAGE_COUNTER =
      Struct.named("page_counter", "Pages charged to one group and to all below it.");

  static final long USAGE = PAGE_COUNTER.word("usage", "pages charged; changed by CAS and add");
  static final Bits COMMITTED = PAGE_COUNTER.bits("committed", 35, "of requests granted");
  static final Bits PENDING = PAGE_COUNTER.bits("pending", 29, "of requests under way");
  private static final long PEAK =
      PAGE_COUNTER.word("peak", "most pages committed, since it was reset");
  private static final long FAILURES = PAGE_COUNTER.word("failures", "requests refused here");

  // Each request reads these and few write them, so they keep away from the line above.
  static {
    PAGE_COUNTER.nextLine();
  }

  private static final long LIMIT = PAGE_COUNTER.word("max", "pages above which it refuses");
  private static final long HIGH = PAGE_COUNTER.word("high", "pages above which it reclaims");
  private static final long LOW = PAGE_COUNTER.word("low", "pages protected while others have any");
  private static final long MIN = PAGE_COUNTER.word("min", "pages protected always");
  private static final long HOLDS = PAGE_COUNTER.word("holds", "who forbids charging ahead");

  /** Bytes of the struct. */
  public static final long SIZE = PAGE_COUNTER.end(64);

  /** No limit: more pages than an address space has. */
  public static final long MAX = (1L << COMMITTED.width()) - 1;

  /** The largest request; 1 TiB. Larger ones are refused whatever the limits. */
  public static final long MAX_REQUEST = (1L << PENDING.width() - 1) - 1;

  private static final long MAX_PENDING = (1L << PENDING.width()) - 1;

  private final long address;
  private final PageCounter parent;

  /**
   * Makes a counter of nothing, without limits.
   *
   * @param address of {@link #SIZE} bytes, a multiple of 64
   * @param parent null for the root
   */
  public PageCounter(long address, PageCounter parent) {
    assert (address & 63) == 0 : "address=" + address;
    this.address = address;
    this.parent = parent;
    Memory.fill(address, SIZE, (byte) 0);
    setHigh(MAX);
    setMax(MAX);
  }

  /** Where the struct lies. */
  public long address() {
    return address;
  }

  /** The counter of the group above, or null. */
  public PageCounter parent() {
    return parent;
  }

  /** Whether what is charged here counts there too. */
  @SuppressWarnings("ReferenceEquality") // it is that very counter or not
  public boolean isWithin(PageCounter top) {
    PageCounter level = this;
    while (level != null && level != top) {
      level = level.parent;
    }
    return level != null;
  }

  /**
   * Charges pages here and to every ancestor, or nowhere. May wait for a request of another thread
   * that is half done.
   *
   * @return null, or the lowest counter that has no room
   */
  public PageCounter tryCharge(long pages) {
    assert pages > 0 : "pages=" + pages;
    if (pages > MAX_REQUEST) {
      Memory.getAndAddLong(address + FAILURES, 1);
      return this;
    }
    StackProbe.probe(); // pages left pending would block everyone
    PageCounter refused = this;
    while (refused != null && refused.take(pages)) {
      refused = refused.parent;
    }
    settle(refused, pages);
    return refused;
  }

  /** Takes charged pages off again, here and from every ancestor. */
  public void uncharge(long pages) {
    assert pages > 0 : "pages=" + pages;
    for (PageCounter level = this; level != null; level = level.parent) {
      level.subtract(pages);
    }
  }

  /**
   * Charges pages before they are needed, if {@code margin} more would fit at every level and no
   * level is {@link #hold held}. Neither waits nor counts as a failure.
   */
  boolean tryChargeAhead(long pages, long margin) {
    PageCounter refused = this;
    while (refused != null && refused.takeAhead(pages, margin)) {
      refused = refused.parent;
    }
    settle(refused, pages);
    return refused == null;
  }

  /**
   * Forbids charging ahead here and below until {@link #unhold}; holds are counted. What was begun
   * before may go on until a {@link Stock#drain} has waited for it.
   */
  public void hold() {
    Memory.getAndAddLong(address + HOLDS, 1);
  }

  /** Ends one hold. */
  public void unhold() {
    Memory.getAndAddLong(address + HOLDS, -1);
  }

  /** The second phase, at all levels below the one that refused, or at all. */
  @SuppressWarnings("ReferenceEquality") // it is that very counter or not
  private void settle(PageCounter refused, long pages) {
    for (PageCounter level = this; level != refused; level = level.parent) {
      if (refused == null) {
        level.commit(pages);
      } else {
        level.giveBack(pages);
      }
    }
  }

  /** Makes pages pending at this level, waiting for room that is itself pending. */
  private boolean take(long pages) {
    int round = 0;
    while (true) {
      long word = Memory.getLongOpaque(address + USAGE);
      long free = max() - committed(word);
      if (pages > free) {
        Memory.getAndAddLong(address + FAILURES, 1);
        return false;
      }
      if (pages > Math.min(free, MAX_PENDING) - pending(word)) {
        SpinLock.pause(round++);
      } else if (casPending(word, pages)) {
        return true;
      }
    }
  }

  private boolean takeAhead(long pages, long margin) {
    while (Memory.getLongVolatile(address + HOLDS) == 0) {
      long word = Memory.getLongOpaque(address + USAGE);
      long free = Math.min(max() - committed(word), MAX_PENDING) - pending(word);
      if (pages + margin > free) {
        return false;
      }
      if (casPending(word, pages)) {
        return true;
      }
    }
    return false;
  }

  /** Makes pages pending, if the word is still the same and they fit. */
  private boolean casPending(long word, long pages) {
    if (!Memory.casLong(address + USAGE, word, word + (pages << PENDING.shift()))) {
      return false;
    }
    if (pages <= max() - committed(word) - pending(word)) { // Pairs with setMax.
      return true;
    }
    giveBack(pages);
    return false;
  }

  private void giveBack(long pages) {
    Memory.getAndAddLong(address + USAGE, -(pages << PENDING.shift()));
  }

  private void commit(long pages) {
    long delta = pages - (pages << PENDING.shift());
    raisePeak(committed(Memory.getAndAddLong(address + USAGE, delta) + delta));
  }

  private void raisePeak(long committed) {
    long peak = peak();
    while (committed > peak && !Memory.casLong(address + PEAK, peak, committed)) {
      peak = peak();
    }
  }

  private void subtract(long pages) {
    while (true) {
      long word = Memory.getLongOpaque(address + USAGE);
      long committed = committed(word);
      assert pages <= committed : "pages=" + pages + ", usage=" + committed;
      if (Memory.casLong(address + USAGE, word, word - Math.min(pages, committed))) {
        return;
      }
    }
  }

  private static long committed(long word) {
    return word & MAX;
  }

  private static long pending(long word) {
    return word >>> PENDING.shift();
  }

  /** Pages charged here and below. */
  public long usage() {
    return committed(Memory.getLongVolatile(address + USAGE));
  }

  /** The highest usage so far, or since {@link #resetPeak}. */
  public long peak() {
    return Memory.getLongOpaque(address + PEAK);
  }

  /**
   * Begins the peak anew, from what is charged now.
   *
   * @return the highest usage until now
   */
  public long resetPeak() {
    long highest = Memory.getAndSetLong(address + PEAK, usage());
    raisePeak(usage()); // of a charge that raised it between the two
    return highest;
  }

  /** Requests that this level refused. */
  public long failCount() {
    return Memory.getLongOpaque(address + FAILURES);
  }

  public long max() {
    return Memory.getLongVolatile(address + LIMIT);
  }

  /**
   * Sets the limit, which holds from now on, even below what is in use: then the caller reclaims.
   *
   * @return pages charged, with those of requests under way that may not have seen the new limit
   */
  public long setMax(long pages) {
    Memory.putLongVolatile(address + LIMIT, limit(pages));
    long word = Memory.getLongVolatile(address + USAGE); // Pairs with casPending.
    return committed(word) + pending(word);
  }

  public long high() {
    return Memory.getLongOpaque(address + HIGH);
  }

  public void setHigh(long pages) {
    Memory.putLongVolatile(address + HIGH, limit(pages));
  }

  public long low() {
    return Memory.getLongOpaque(address + LOW);
  }

  public void setLow(long pages) {
    Memory.putLongVolatile(address + LOW, limit(pages));
  }

  public long min() {
    return Memory.getLongOpaque(address + MIN);
  }

  public void setMin(long pages) {
    Memory.putLongVolatile(address + MIN, limit(pages));
  }

  private static long limit(long pages) {
    assert pages >= 0 : "pages=" + pages;
    return Math.min(pages, MAX);
  }

  /** The struct's section of {@code native-layout.md}. */
  static String toMarkdown() {
    return PAGE_COUNTER.toMarkdown();
  }

  @Override
  public String toString() {
    return "usage=" + usage() + ", max=" + (max() == MAX ? "max" : max());
  }
}
