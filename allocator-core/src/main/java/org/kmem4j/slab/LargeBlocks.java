package org.kmem4j.slab;

import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.Struct;
import org.kmem4j.sync.StackProbe;

/**
 * {@code struct large}: the pseudo-cache of all large blocks of one account. A block is a run of
 * whole pages; its owner word, beside its map entry, holds this struct's address, so that all
 * blocks of an account change hands by one store, as the slabs of a cache do.
 */
final class LargeBlocks extends OwnedCache {
  private static final Struct LARGE =
      Struct.named("large", "All large blocks of one account. Its address is stable.");

  static final long MEMCG = LARGE.word("memcg", "the one word that says who pays; 0 for nobody");
  static final long ID = LARGE.word("id", "number of the pseudo-cache; constant");
  static final long SIZE = LARGE.end(64);
  static final String LAYOUT = LARGE.toMarkdown();

  private final Runnable hide;
  private final AtomicLong blocks;
  private final AtomicLong pages;

  /**
   * @param account who pays, or null
   * @param hide makes the account's allocation by size find no large blocks any more
   */
  LargeBlocks(Slabs slabs, Account account, Runnable hide) {
    this.blocks = new AtomicLong(); // before there is anything that could be lost
    this.pages = new AtomicLong();
    super(slabs, SIZE, account);
    this.hide = hide;
    Memory.putLong(address + ID, link());
  }

  static long pagesFor(long bytes) {
    return (bytes + Os.PAGE_BYTES - 1) >>> Os.PAGE_SHIFT;
  }

  /** Takes a block, in a slow operation of this, or says who refused. */
  long tryAllocate(long bytes) {
    long count = pagesFor(bytes);
    if (count > slabs.pages().ceilingPages()) {
      return NO_PAGES;
    }
    if (!tryCharge(count)) {
      return NO_CHARGE;
    }
    long block = 0;
    try {
      block = slabs.pages().tryAllocateLarge((int) count, address);
    } finally {
      if (block == 0) { // refused, or it threw: nothing may remain
        uncharge(count);
      }
    }
    if (block == 0) {
      return NO_PAGES;
    }
    if (slabs.settings().hardening().initOnAlloc()) {
      Memory.fill(block, count << Os.PAGE_SHIFT, (byte) 0);
    }
    addReferences(1);
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
    int id = (int) Memory.getLong(Memory.getLong(ownerWord) + ID);
    LargeBlocks owner = (LargeBlocks) Slabs.numbered(id);
    if (slabs.settings().hardening().initOnFree()) {
      Memory.fill(block, (long) count << Os.PAGE_SHIFT, (byte) 0);
    }
    slabs.pages().freeLarge(block, count);
    owner.blocks.decrementAndGet();
    owner.pages.addAndGet(-count);
    owner.uncharge(count);
    owner.dropReferences(1); // last, for it may be the last
    return true;
  }

  long blocks() {
    return blocks.get();
  }

  @Override
  public String name() {
    return "large";
  }

  @Override
  public long pages() {
    return pages.get();
  }

  @Override
  public long leastPages() {
    return 1;
  }

  @Override
  public long usedObjects() {
    return blocks.get();
  }

  @Override
  public long bytesPerObject() {
    long count = blocks.get();
    return count == 0 ? 0 : (pages.get() << Os.PAGE_SHIFT) / count;
  }

  @Override
  public void unlinkFronts() {}

  @Override
  public void dropEmpty() {}

  @Override
  long holdings() {
    return blocks.get();
  }

  @Override
  void hide() {
    hide.run();
  }

  @Override
  void drain() {}

  @Override
  long structBytes() {
    return SIZE;
  }

  /**
   * Compares the books of all owners with the blocks that exist.
   *
   * @param found blocks and pages by the value of their owner word
   */
  static void validate(Slabs slabs, Map<Long, long[]> found) {
    long owners = 0;
    for (LargeBlocks owner : slabs.large()) {
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
    SlabValidator.check(
        owners == found.size(), "%d of %d owners of large blocks exist", owners, found.size());
  }

  @Override
  public String toString() {
    return "large blocks" + (account == null ? "" : " of " + account);
  }
}
