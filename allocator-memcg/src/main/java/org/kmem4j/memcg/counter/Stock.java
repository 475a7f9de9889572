package org.kmem4j.memcg.counter;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.Struct;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Slot;
import org.kmem4j.sync.SpinLock;
import org.kmem4j.sync.StackProbe;

/**
 * Pages that threads have charged ahead of need, so that most charges are one CAS of a word that no
 * other thread wants. Each thread slot stocks pages of a few groups. Virtual threads have no slot:
 * they charge what they need.
 *
 * <p>An entry is one word: group and pages. Its owner consumes and tops up by CAS, a drainer takes
 * it whole by {@code getAndSet}; whoever removes an entry uncharges its pages and puts its css
 * reference, of which each entry holds exactly one, however many pages it has. Only the owner
 * installs entries. An entry without pages stays, for it will be topped up.
 *
 * <p><b>The window.</b> An owner that charges ahead has pages in hand which are in no entry yet.
 * Meanwhile its window word is set. Owner: set the window; see the group online and no level held;
 * charge, install; clear the window. Drainer: end what the owner looks at (online, or {@link
 * PageCounter#hold}); read the window and wait until it is clear; take entries. All these are
 * volatile accesses, so either the owner sees the end, or the drainer sees the window. Hence after
 * a drain that followed the end of "online", or of "not held", nothing of the subtree is stocked,
 * and nothing will be. An owner in its window waits for pending pages of others at most, and
 * whoever has pending pages waits for no window and no drain: no cycle.
 *
 * <p><b>Refusals.</b> A stock never takes the last {@link #BATCH} pages below a limit: near it each
 * request is charged exactly, and requests for single pages do not meet each other's batches. Pages
 * that a drainer has taken and not yet uncharged are nobody's; a request that was refused beside a
 * running drain waits for its end and tries again. What others have stocked counts as charged, so
 * it may refuse {@link #tryCharge}. Whoever insists holds the level that refused, drains it, tries
 * again and ends the hold: then pages in use alone can refuse it.
 */
public final class Stock {
  /** Pages charged at once, and the most that an entry holds. */
  public static final int BATCH = 64;

  static final int ENTRIES = 7;

  private static final Struct STOCK =
      Struct.named("stock", "Pages that one thread slot has charged ahead, by group.");
  private static final long ENTRY = STOCK.word("entry0", "changed by CAS; 0 if empty");
  private static final Bits PAGES = STOCK.bits("pages", 8, "charged and not used");
  private static final Bits ID = STOCK.bits("id", 31, "index and generation of the group");

  static {
    for (int i = 1; i < ENTRIES; i++) {
      STOCK.word("entry" + i, "another");
    }
  }

  private static final long END = ENTRY + ENTRIES * 8L;
  private static final long WINDOW = STOCK.word("window", "1 while pages are on their way to it");
  private static final long SIZE = STOCK.end(64);

  private static final long BYTES = PerThread.MAX_SLOTS * SIZE;

  private final IntFunction<? extends Chargeable> groups;

  /** One struct per slot, by its index. Zeroes at first, and touched only by slots in use. */
  private final long base = Os.map(BYTES, "kmem4j stock");

  /** One drainer at a time. */
  private final SpinLock draining = new SpinLock();

  /** Drains begun and ended: odd while one is running. Written under the lock. */
  private final AtomicLong drains = new AtomicLong();

  /**
   * Makes an empty stock.
   *
   * @param groups finds a group by its {@link Chargeable#stockId}; null if that was released
   */
  public Stock(IntFunction<? extends Chargeable> groups) {
    this.groups = groups;
  }

  /**
   * Charges pages, out of the calling thread's stock if it can. Never drains.
   *
   * @return null, or the counter that has no room
   */
  public PageCounter tryCharge(Chargeable group, long pages) {
    Slot mine = PerThread.current();
    return mine != null && consume(line(mine.index()), group.stockId(), pages)
        ? null
        : tryChargeSlow(group, pages);
  }

  /** Takes pages that the calling thread has in stock; false if it has not that many. */
  public boolean tryConsume(Chargeable group, long pages) {
    Slot mine = PerThread.current();
    return mine != null && consume(line(mine.index()), group.stockId(), pages);
  }

  /** Whether the calling thread has pages in stock. */
  public boolean hasPages(Chargeable group, long pages) {
    Slot mine = PerThread.existing(); // not current: what it cannot see would be refused
    long at = mine == null ? 0 : find(line(mine.index()), group.stockId());
    return at != 0 && PAGES.get(Memory.getLongOpaque(at)) >= pages;
  }

  private PageCounter tryChargeSlow(Chargeable group, long pages) {
    Slot mine = pages < BATCH ? PerThread.find() : null;
    if (mine != null) {
      long line = line(mine.index());
      if (consume(line, group.stockId(), pages) || chargeAhead(line, group, pages)) {
        return null;
      }
    }
    return tryChargeExactly(group.counter(), pages);
  }

  /** Tries again after a drain that was running, for it had pages in hand. */
  private PageCounter tryChargeExactly(PageCounter counter, long pages) {
    long before = drains.get();
    PageCounter refused = counter.tryCharge(pages);
    if (refused == null || isEnded(before) && drains.get() == before) {
      return refused;
    }
    long now = drains.get();
    for (int round = 0; !isEnded(now) && drains.get() == now; round++) {
      SpinLock.pause(round);
    }
    return counter.tryCharge(pages);
  }

  private static boolean isEnded(long drains) {
    return (drains & 1) == 0;
  }

  /** Takes charged pages off, into the stock if the calling thread has one of that group. */
  public void uncharge(Chargeable group, long pages) {
    Slot mine = PerThread.current();
    long excess =
        mine == null ? pages : topUp(line(mine.index()), group.stockId(), pages, BATCH / 2);
    if (excess > 0) {
      group.counter().uncharge(excess);
    }
  }

  /**
   * Takes from all threads, dead ones too, what they have stocked of {@code top} and the groups
   * below it, and uncharges it. Waits for a drain that is running.
   *
   * @return pages uncharged
   */
  public long drain(PageCounter top) {
    StackProbe.probe();
    draining.lock();
    drains.incrementAndGet();
    try {
      long pages = 0;
      int slots = PerThread.slotCount();
      for (int i = 0; i < slots; i++) {
        pages += drain(line(i), top);
      }
      return pages;
    } finally {
      drains.incrementAndGet();
      draining.unlock();
    }
  }

  private long drain(long line, PageCounter top) {
    for (int round = 0; Memory.getLongVolatile(line + WINDOW) != 0; round++) {
      SpinLock.pause(round);
    }
    long pages = 0;
    for (long at = line + ENTRY; at < line + END; at += 8) {
      if (isWithin(Memory.getLongOpaque(at), top)) {
        pages += release(Memory.getAndSetLong(at, 0)); // by now perhaps another group's: no harm
      }
    }
    return pages;
  }

  /** Whether an entry, which may be gone by now, is of the subtree. */
  private boolean isWithin(long entry, PageCounter top) {
    Chargeable group = entry == 0 ? null : groups.apply(ID.get(entry));
    return group != null && group.counter().isWithin(top);
  }

  /** Undoes an entry that the caller has removed. */
  private long release(long entry) {
    if (entry == 0) {
      return 0;
    }
    Chargeable group = groups.apply(ID.get(entry)); // not released: the entry's reference is ours
    long pages = PAGES.get(entry);
    if (pages > 0) {
      group.counter().uncharge(pages);
    }
    group.put();
    return pages;
  }

  /** Pages of one group that lie in stocks; a sum over words that change meanwhile. */
  public long pages(Chargeable group) {
    long pages = 0;
    int slots = PerThread.slotCount();
    for (int i = 0; i < slots; i++) {
      long at = find(line(i), group.stockId());
      pages += at == 0 ? 0 : PAGES.get(Memory.getLongOpaque(at));
    }
    return pages;
  }

  /** Slots that have an entry of one group, with pages or without: each holds a reference. */
  public long entries(Chargeable group) {
    long entries = 0;
    int slots = PerThread.slotCount();
    for (int i = 0; i < slots; i++) {
      entries += find(line(i), group.stockId()) == 0 ? 0 : 1;
    }
    return entries;
  }

  /** Takes pages out of an entry. */
  private static boolean consume(long line, int id, long pages) {
    long at = find(line, id);
    if (at == 0) {
      return false;
    }
    while (true) {
      long entry = Memory.getLongOpaque(at);
      if (ID.get(entry) != id || PAGES.get(entry) < pages) {
        return false;
      }
      if (Memory.casLong(at, entry, entry - pages)) {
        return true;
      }
    }
  }

  /**
   * Puts charged pages into an entry.
   *
   * @param rest what is left of it if it were to hold more than a batch
   * @return pages that remain the caller's: all, or the excess
   */
  private static long topUp(long line, int id, long pages, int rest) {
    long at = pages > BATCH ? 0 : find(line, id);
    if (at == 0) {
      return pages;
    }
    while (true) {
      long entry = Memory.getLongOpaque(at);
      if (ID.get(entry) != id) {
        return pages;
      }
      long sum = PAGES.get(entry) + pages;
      long kept = sum <= BATCH ? sum : rest;
      if (Memory.casLong(at, entry, PAGES.set(entry, (int) kept))) {
        return sum - kept;
      }
    }
  }

  /** The slot's entry of a group, or 0. Only the slot's thread installs, so for it 0 is certain. */
  private static long find(long line, int id) {
    for (long at = line + ENTRY; at < line + END; at += 8) {
      if (ID.get(Memory.getLongOpaque(at)) == id) {
        return at;
      }
    }
    return 0;
  }

  /** Charges a batch, of which the caller gets its pages and the stock the rest. */
  private boolean chargeAhead(long line, Chargeable group, long pages) {
    StackProbe.probe(); // an open window would block every drain
    Memory.putLongVolatile(line + WINDOW, 1);
    try {
      if (!group.isOnline() || !group.counter().tryChargeAhead(BATCH, BATCH)) {
        return false;
      }
      install(line, group, (int) (BATCH - pages));
      return true;
    } finally {
      Memory.putLongRelease(line + WINDOW, 0); // what was installed is visible to a drainer
    }
  }

  private void install(long line, Chargeable group, int pages) {
    int id = group.stockId();
    if (topUp(line, id, pages, BATCH) == 0) {
      return;
    }
    if (group.tryGet()) {
      long entry = ID.set(pages, id);
      release(Memory.getAndSetLong(victim(line), entry));
    } else {
      group.counter().uncharge(pages);
    }
  }

  /** An empty entry, or else a random one: any order would have a pattern that always misses. */
  private static long victim(long line) {
    long empty = find(line, 0);
    return empty != 0 ? empty : line + ENTRY + 8L * ThreadLocalRandom.current().nextInt(ENTRIES);
  }

  private long line(int slot) {
    return Memory.known(base + slot * SIZE);
  }

  /** Unmaps the stock. A later call of any method kills the process. */
  public void unmap() {
    Os.unmap(base, BYTES);
  }

  /** The struct's section of {@code native-layout.md}. */
  static String toMarkdown() {
    return STOCK.toMarkdown();
  }
}
