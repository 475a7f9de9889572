package org.kmem4j.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.Deferred;
import org.kmem4j.sync.Linked;
import org.kmem4j.sync.PerThread;

/** Whoever takes a large block frees it, and of several who try one does. */
class LargeBlockTest {
  private static final int PAGES = 3;

  /** Taken between two meetings: more chances to meet at one block than meetings alone give. */
  private static final int BLOCKS = 64;

  private static final int ROUNDS = 2000;

  private final Linked link = new Linked();
  private final PageAllocator pages =
      new PageAllocator(new PageSettings(64 << 20, PageSettings.NEVER, false, false, false), link);
  private final Crew crew = new Crew();
  private final AtomicInteger arrived = new AtomicInteger();

  @AfterEach
  void validateAndEnd() {
    pages.validate();
    pages.deactivate();
    pages.drainLists(Long.MAX_VALUE, new Deferred());
    pages.unmap();
    PerThread.giveLink(link.endLink());
  }

  /** Step by step what two threads do that have both seen the block, and its length. */
  @Test
  void ofTwoWhoHaveSeenItsLengthOneTakesABlock() {
    long block = pages.tryAllocateLarge(PAGES, 0);
    int page = pages.map().pageOf(block);

    boolean first = pages.map().takeLarge(page, PAGES);
    boolean second = pages.map().takeLarge(page, PAGES);

    assertTrue(first);
    assertFalse(second, "taken twice");
    pages.freeLarge(block, PAGES);
  }

  @Test
  void ofTwoWhoTakeABlockAtTheSameTimeOneSucceeds() throws InterruptedException {
    long[] blocks = new long[BLOCKS];
    BitSet[] taken = {new BitSet(BLOCKS), new BitSet(BLOCKS)};
    for (int i = 0; i < taken.length; i++) {
      int me = i;
      crew.start(
          () -> {
            for (int round = 0; round < ROUNDS && crew.goesOn(); round++) {
              if (me == 0) {
                for (int k = 0; k < BLOCKS; k++) {
                  blocks[k] = pages.tryAllocateLarge(PAGES, 0);
                }
              }
              taken[me].clear();
              meet(6 * round + 2);
              for (int k = 0; k < BLOCKS; k++) {
                if (pages.takeLarge(blocks[k]) != 0) {
                  taken[me].set(k);
                }
              }
              meet(6 * round + 4);
              if (me == 0) {
                assertEachIsTakenOnce(taken[0], taken[1], round);
                for (long block : blocks) {
                  pages.freeLarge(block, PAGES);
                }
              }
              meet(6 * round + 6);
            }
          });
    }

    crew.join();
  }

  private static void assertEachIsTakenOnce(BitSet mine, BitSet theirs, int round) {
    assertFalse(mine.intersects(theirs), "a block was taken twice, round " + round);
    assertEquals(BLOCKS, mine.cardinality() + theirs.cardinality(), "taken, round " + round);
  }

  /** Both go on at the same time, to a few nanoseconds. */
  private void meet(int number) {
    arrived.incrementAndGet();
    while (arrived.get() < number && crew.goesOn()) {
      Thread.onSpinWait();
    }
  }
}
