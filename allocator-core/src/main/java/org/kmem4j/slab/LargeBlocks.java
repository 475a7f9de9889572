package org.kmem4j.slab;

import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.Struct;
import org.kmem4j.sync.StackProbe;

/**
 * {@code struct large}: the pseudo-cache of all large blocks of one account. A block is a run of
 * whole pages; its owner word, beside its map entry, holds this struct's address, so that all
 * blocks of an account change hands by one store, as the slabs of a cache do.
 */
final class LargeBlocks {
  private static final Struct LARGE =
      Struct.named("large", "All large blocks of one account. Its address is stable.");

  static final long MEMCG = LARGE.word("memcg", "the one word that says who pays; 0 for nobody");
  static final long ID = LARGE.word("id", "number of the pseudo-cache; constant");
  static final long SIZE = LARGE.end(64);
  static final String LAYOUT = LARGE.toMarkdown();

  private static final int MAX = 1 << 17;
  private static final AtomicReferenceArray<LargeBlocks> ALL = new AtomicReferenceArray<>(MAX);
  private static final java.util.BitSet IDS = new java.util.BitSet();

  private final Slabs slabs;
  private final Account account;
  private final long address;
  private final int id;
  private final AtomicLong blocks = new AtomicLong();
  private final AtomicLong pages = new AtomicLong();

  LargeBlocks(Slabs slabs, Account account) {
    this.slabs = slabs;
    this.account = account;
    this.address = slabs.metadata().tryAllocate(SIZE);
    synchronized (IDS) {
      this.id = IDS.nextClearBit(0);
      if (address == 0 || id == MAX) {
        throw new IllegalStateException("too many accounts: at most " + MAX);
      }
      IDS.set(id);
    }
    Memory.putLong(address + MEMCG, account == null ? 0 : account.address());
    Memory.putLong(address + ID, id);
    ALL.set(id, this);
  }

  static long pagesFor(long bytes) {
    return (bytes + Os.PAGE_BYTES - 1) >>> Os.PAGE_SHIFT;
  }

  /** Takes a block; 0 if the ceiling, the account or the system refuses. */
  long tryAllocate(long bytes, boolean mayWait) {
    long count = pagesFor(bytes);
    if (count > slabs.pages().ceilingPages()) {
      return 0;
    }
    StackProbe.probe();
    if (account != null) {
      if (mayWait) {
        account.charge(count);
      } else if (!account.tryCharge(count)) {
        return 0;
      }
    }
    long block = slabs.pages().tryAllocateLarge((int) count, address);
    if (block == 0) {
      if (account != null) {
        account.uncharge(count);
      }
      return 0;
    }
    blocks.incrementAndGet();
    pages.addAndGet(count);
    return block;
  }

  /**
   * Frees the large block that begins at an address.
   *
   * @return false if none does, or another caller was faster
   */
  static boolean free(Slabs slabs, long block) {
    StackProbe.probe();
    int count = slabs.pages().takeLarge(block);
    if (count == 0) {
      return false;
    }
    // Only now: of a block that somebody else is freeing the word may be anything.
    long ownerWord = slabs.pages().ownerOfLarge(block);
    LargeBlocks owner = ALL.get((int) Memory.getLong(Memory.getLong(ownerWord) + ID));
    slabs.pages().freeLarge(block, count);
    owner.blocks.decrementAndGet();
    owner.pages.addAndGet(-count);
    if (owner.account != null) {
      owner.account.uncharge(count);
    }
    return true;
  }

  long blocks() {
    return blocks.get();
  }

  long pages() {
    return pages.get();
  }

  void forget() {
    ALL.set(id, null);
    synchronized (IDS) {
      IDS.clear(id);
    }
  }

  /**
   * Compares the books of all owners with the blocks that exist.
   *
   * @param found blocks and pages by the value of their owner word
   */
  static void validate(Slabs slabs, Map<Long, long[]> found) {
    long owners = 0;
    for (int i = 0; i < MAX; i++) {
      LargeBlocks owner = ALL.get(i);
      if (owner != null && owner.slabs == slabs) {
        long[] sums = found.getOrDefault(owner.address, new long[2]);
        SlabValidator.check(
            sums[0] == owner.blocks() && sums[1] == owner.pages(),
            "%d large blocks of %d pages, booked %d and %d",
            sums[0],
            sums[1],
            owner.blocks(),
            owner.pages());
        owners += found.containsKey(owner.address) ? 1 : 0;
      }
    }
    SlabValidator.check(
        owners == found.size(), "%d of %d owners of large blocks exist", owners, found.size());
  }
}
