package org.kmem4j.page;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.Deferred;
import org.kmem4j.sync.Linked;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Slot;

/** Pages: what is handed out is aligned, one's own, and below the ceiling; what lies idle goes. */
final class PageAllocatorTest {
  private static final int REGION_PAGES = 1 << PageAllocator.MAX_ORDER;
  private static final long MIB = 1 << 20;
  private static final long DECAY = 9_000_000_000L;
  private static final long STEP = DECAY / 9 + 1;
  private static final int CACHE = 77;

  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);
  private PageAllocator pages;
  private Linked link;

  private PageAllocator open(long maxBytes) {
    return open(new PageSettings(maxBytes, DECAY, false, false, false));
  }

  private PageAllocator open(PageSettings settings) {
    link = new Linked();
    pages = new PageAllocator(settings, link);
    return pages;
  }

  @AfterEach
  void validateAndEnd() throws InterruptedException {
    release.countDown();
    crew.join();
    pages.validate();
    pages.deactivate();
    drain();
    pages.unmap();
    PerThread.giveLink(link.endLink());
  }

  private void drain() {
    pages.drainLists(Long.MAX_VALUE, new Deferred());
  }

  private long take(int order) {
    return take(order, null);
  }

  private long take(int order, Slot slot) {
    return pages.tryAllocate(order, CACHE, slot);
  }

  // ------------------------------------------------------------------ blocks

  @Test
  void theSlabsPagesAreInTheMapAndTheirsAlone() {
    open(MIB);

    long slab = take(2);

    assertAll(
        () -> assertEquals(slab, pages.map().slabOf(slab)),
        () -> assertEquals(slab, pages.map().slabOf(slab + 16383)),
        () -> assertEquals(0, pages.map().slabOf(slab + 16384)),
        () -> assertEquals(0, pages.map().slabOf(slab - 1)),
        () -> assertEquals(CACHE, PageMap.cacheId(pages.map().entry(slab + 5000))));
  }

  @Test
  void anAddressThatIsNotOursIsInNoSlab() {
    open(MIB);
    long base = pages.map().base();

    for (long address : new long[] {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, base - 1, 4096}) {
      assertEquals(0, pages.map().slabOf(address));
      assertFalse(pages.map().contains(address));
      assertEquals(0, pages.largeAround(address));
      assertEquals(0, pages.takeLarge(address));
    }
  }

  @Test
  void theCeilingIsReachedAndNeverPassed() {
    open(MIB);
    List<Long> taken = new ArrayList<>();
    for (long page = take(0); page != 0; page = take(0)) {
      taken.add(page);
    }

    assertEquals(256, taken.size());
    assertEquals(256, pages.stats().mapped());
    assertEquals(0, pages.tryAllocateLarge(1, 1));

    pages.free(taken.removeLast(), 0, null);
    assertNotEquals(0, take(0), "what was freed can be had again");
  }

  @Test
  void freePagesAreGivenBackWhereTheCeilingNeedsThemForALargerBlock() {
    open(MIB);
    List<Long> taken = new ArrayList<>();
    for (long page = take(0); page != 0; page = take(0)) {
      taken.add(page);
    }
    for (int i = 0; i < taken.size(); i += 2) {
      pages.free(taken.get(i), 0, null);
    }

    long block = take(4);

    assertNotEquals(0, block, "128 single pages lie free, in no block of sixteen");
    assertEquals(256 - 128 + 16, pages.stats().mapped() - pages.stats().freeBacked());
    assertTrue(pages.stats().mapped() <= 256);
  }

  @Test
  void singlePagesComeFromTheThreadsOwnListAndGoBackToIt() {
    open(MIB);
    Slot slot = PerThread.find();
    List<Long> taken = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      taken.add(take(0, slot));
    }

    taken.forEach(page -> pages.free(page, 0, slot));
    pages.validate();

    assertEquals(60, pages.stats().freeBacked());
    assertEquals(60, pages.stats().mapped());
    assertTrue(taken.contains(take(0, slot)));
    assertEquals(taken.getLast(), take(0, slot), "the latest, after the one beside the array");
  }

  @Test
  void theListOfAParkedThreadIsDrainedWithoutIt() throws InterruptedException {
    open(MIB);
    CountDownLatch filled = new CountDownLatch(1);
    crew.start(
        () -> {
          Slot slot = PerThread.find();
          pages.free(take(0, slot), 0, slot);
          filled.countDown();
          Crew.await(release);
        });
    Crew.await(filled);

    drain();

    assertEquals(1, pages.giveBack(Long.MAX_VALUE));
    assertEquals(0, pages.stats().mapped());
  }

  @Test
  void aListThatWaitsForAGracePeriodIsFreeMemoryToo() throws InterruptedException {
    open(MIB);
    CountDownLatch inside = new CountDownLatch(1);
    crew.start(
        () -> {
          Slot slot = PerThread.find();
          pages.free(take(0, slot), 0, slot);
          Rcu.enter(slot);
          inside.countDown();
          try {
            Crew.await(release);
          } finally {
            Rcu.exit(slot);
          }
        });
    Crew.await(inside);
    Deferred deferred = new Deferred();

    pages.drainLists(0, deferred);

    assertEquals(1, deferred.size());
    assertEquals(1, pages.stats().freeBacked());
    pages.validate();
    release.countDown();
    deferred.finish(Long.MAX_VALUE);
    assertEquals(1, pages.stats().freeBacked());
    assertEquals(1, pages.giveBack(Long.MAX_VALUE));
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13})
  void randomUseAgreesWithAMapOfRuns(long seed) {
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    open(24 * MIB);
    Slot slot = PerThread.find();
    TreeMap<Long, Integer> live = new TreeMap<>(); // pages, or -1 - order for a slab
    for (int step = 0; step < 6000; step++) {
      boolean grow = random.nextInt(100) < (step / 1000 % 2 == 0 ? 58 : 44);
      if (grow) {
        boolean large = random.nextInt(4) == 0;
        int order = Math.min(random.nextInt(10), random.nextInt(10));
        int count = large ? 1 + random.nextInt(random.nextInt(10) == 0 ? 1600 : 40) : 1 << order;
        Slot mine = random.nextBoolean() ? slot : null;
        long at = large ? pages.tryAllocateLarge(count, step) : take(order, mine);
        if (at != 0) {
          assertTrue(large || at % ((long) Os.PAGE_BYTES << order) == 0, "alignment");
          assertNoOverlap(live, at, count);
          live.put(at, large ? count : -1 - order);
          fill(at, count);
        }
      } else if (!live.isEmpty()) {
        Long key = live.ceilingKey(randomKey(random, live));
        key = key == null ? live.firstKey() : key;
        int what = live.remove(key);
        int count = what > 0 ? what : 1 << -1 - what;
        check(key, count);
        if (what > 0) {
          assertEquals(what, pages.takeLarge(key));
          pages.freeLarge(key, what);
        } else {
          pages.free(key, -1 - what, random.nextBoolean() ? slot : null);
        }
      }
      if (random.nextInt(200) == 0) {
        pages.giveBack(random.nextInt(300));
      }
      if (step % 300 == 0) {
        assertEquals(live.size(), pages.validate().size());
      }
      assertTrue(pages.stats().mapped() <= pages.stats().ceiling());
    }

    for (Map.Entry<Long, Integer> run : live.entrySet()) {
      if (run.getValue() > 0) {
        assertEquals(run.getValue(), pages.takeLarge(run.getKey()));
        pages.freeLarge(run.getKey(), run.getValue());
      } else {
        pages.free(run.getKey(), -1 - run.getValue(), null);
      }
    }
    drain();

    assertEquals(0, pages.validate().size());
    pages.giveBack(Long.MAX_VALUE);
    assertEquals(0, pages.stats().mapped());
  }

  private static Long randomKey(Random random, TreeMap<Long, Integer> live) {
    long first = live.firstKey();
    return first + (long) (random.nextDouble() * (live.lastKey() - first));
  }

  private static void assertNoOverlap(TreeMap<Long, Integer> live, long at, int count) {
    Map.Entry<Long, Integer> before = live.floorEntry(at);
    if (before != null) {
      int pages = before.getValue() > 0 ? before.getValue() : 1 << -1 - before.getValue();
      assertTrue(before.getKey() + (long) pages * Os.PAGE_BYTES <= at);
    }
    Long after = live.ceilingKey(at);
    assertTrue(after == null || at + (long) count * Os.PAGE_BYTES <= after);
  }

  /** Marks the first and last word of each page. */
  private static void fill(long at, int count) {
    for (int i = 0; i < count; i++) {
      Memory.putLong(at + (long) i * Os.PAGE_BYTES, at + i);
      Memory.putLong(at + (long) i * Os.PAGE_BYTES + Os.PAGE_BYTES - 8, ~at - i);
    }
  }

  private static void check(long at, int count) {
    for (int i = 0; i < count; i++) {
      assertEquals(at + i, Memory.getLong(at + (long) i * Os.PAGE_BYTES));
      assertEquals(~at - i, Memory.getLong(at + (long) i * Os.PAGE_BYTES + Os.PAGE_BYTES - 8));
    }
  }

  // ------------------------------------------------------------------ large blocks

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8, 9, 511, 512, 513, 1024, 1500})
  void aLargeBlockHasExactlyItsPages(int count) {
    open(16 * MIB);

    long block = pages.tryAllocateLarge(count, 42);

    fill(block, count);
    check(block, count);
    assertAll(
        () -> assertEquals(count, pages.stats().mapped(), "its tail is nobody's"),
        () -> assertEquals(count, pages.largePages(block)),
        () -> assertEquals(42, Memory.getLong(pages.ownerOfLarge(block))),
        () -> assertEquals(block, pages.largeAround(block + (long) count * Os.PAGE_BYTES - 1)),
        () -> assertEquals(0, pages.largeAround(block + (long) count * Os.PAGE_BYTES)),
        () -> assertEquals(0, pages.largePages(block + 8)),
        () -> assertEquals(0, pages.largePages(block + Os.PAGE_BYTES)));
  }

  @Test
  void theTailOfARunServesOthers() {
    open(16 * MIB);
    long block = pages.tryAllocateLarge(5, 1);

    List<Long> next = List.of(take(0), take(1));

    assertEquals(block + 5 * Os.PAGE_BYTES, next.get(0));
    assertEquals(block + 6 * Os.PAGE_BYTES, next.get(1));
    assertEquals(512, pages.stats().opened());
  }

  @Test
  void theOwnerWordChangesHandsByOneStore() {
    open(MIB);
    long block = pages.tryAllocateLarge(3, 42);

    Memory.putLong(pages.ownerOfLarge(block), 43);

    assertEquals(43, pages.validate().getFirst().ownerWord());
  }

  @Test
  void freeingALargeBlockTwiceIsRefused() {
    open(MIB);
    long block = pages.tryAllocateLarge(3, 1);
    assertEquals(3, pages.takeLarge(block));
    pages.freeLarge(block, 3);

    assertEquals(0, pages.takeLarge(block));
    assertEquals(0, pages.ownerOfLarge(block));
  }

  // ------------------------------------------------------------------ giving back

  @Test
  void whatLiesFreeThroughTheDecayTimeIsGivenBack() {
    open(4 * MIB);
    long now = System.nanoTime();
    pages.free(take(5), 5, null);

    for (int i = 1; i <= 8; i++) {
      assertEquals(0, pages.decay(now + i * STEP), "tick " + i);
    }
    assertEquals(32, pages.decay(now + 9 * STEP));

    assertEquals(0, pages.stats().mapped());
    assertEquals(1, pages.stats().decommits());
  }

  @Test
  void whatWasUsedMeanwhileIsKept() {
    open(4 * MIB);
    long now = System.nanoTime();
    List<Long> blocks = List.of(take(4), take(4), take(4));
    pages.free(blocks.getFirst(), 4, null);
    pages.free(blocks.getLast(), 4, null);
    pages.decay(now + STEP);
    pages.decay(now + 2 * STEP);

    long used = take(4);
    pages.decay(now + 3 * STEP);
    pages.free(used, 4, null);
    long given = 0;
    for (int i = 4; i <= 9; i++) {
      given += pages.decay(now + i * STEP);
    }

    assertEquals(16, given);
    assertEquals(16, pages.stats().freeBacked());
  }

  @Test
  void ofABlockThatWasPartlyUsedTheIdlePagesAreGivenBackAndNotOneMore() {
    open(4 * MIB);
    long now = System.nanoTime();
    long block = take(9);
    pages.free(block, 9, null);
    pages.decay(now + STEP);

    long used = pages.tryAllocateLarge(201, 1);
    pages.decay(now + 2 * STEP);
    assertEquals(201, pages.takeLarge(used));
    pages.freeLarge(used, 201);
    long given = 0;
    for (int i = 3; i <= 9; i++) {
      given += pages.decay(now + i * STEP);
    }

    assertEquals(REGION_PAGES - 201, given);
    assertEquals(201, pages.stats().freeBacked(), "they were used in between");
    assertEquals(201, pages.stats().mapped());
  }

  @Test
  void decayBetweenTicksDoesNothing() {
    open(4 * MIB);
    long now = System.nanoTime();
    pages.free(take(5), 5, null);

    for (int i = 0; i < 100; i++) {
      assertEquals(0, pages.decay(now));
    }

    assertEquals(32, pages.stats().mapped());
  }

  @Test
  void whatIsGivenBackReadsAsZeroAndIsNotInMemory() {
    open(4 * MIB);
    long block = take(3);
    fill(block, 8);
    pages.free(block, 3, null);
    assertEquals(8 * Os.PAGE_BYTES, pages.residentBytes());

    assertEquals(8, pages.giveBack(Long.MAX_VALUE));

    assertEquals(0, pages.residentBytes());
    assertEquals(block, take(3));
    assertEquals(0, Memory.getLong(block));
  }

  @Test
  void whoNeverGivesBackDoesNot() {
    open(new PageSettings(4 * MIB, PageSettings.NEVER, false, false, false));
    long now = System.nanoTime();
    pages.free(take(5), 5, null);

    for (int i = 1; i <= 30; i++) {
      assertEquals(0, pages.decay(now + i * STEP));
    }

    assertEquals(32, pages.stats().freeBacked());
  }

  @Test
  void aPreTouchedRegionIsInMemoryAtOnce() {
    open(new PageSettings(4 * MIB, DECAY, true, false, false));

    take(0);

    assertEquals(REGION_PAGES, pages.stats().mapped());
    assertEquals(2 * MIB, pages.residentBytes());
  }

  @Test
  void preTouchingRespectsTheCeiling() {
    open(new PageSettings(3 * MIB, DECAY, true, false, false));
    int taken = 0;
    while (take(0) != 0) {
      taken++;
    }

    assertTrue(taken >= REGION_PAGES, "at least the first region: " + taken);
    assertTrue(pages.stats().mapped() <= 3 * MIB / Os.PAGE_BYTES);
  }

  @Test
  void hugePagesMayBeAskedFor() {
    open(new PageSettings(4 * MIB, DECAY, false, false, true));

    long block = take(9);

    fill(block, REGION_PAGES);
    check(block, REGION_PAGES);
  }

  @Test
  void lockedMemoryIsNeverGivenBackOrItsRefusalIsExplained() {
    open(new PageSettings(4 * MIB, DECAY, false, true, false));

    long page = take(0);

    if (page == 0) {
      String why = pages.lastRefusal().getMessage();
      assertTrue(why.contains("mlock") && why.contains("ulimit -l"), why);
      assertEquals(0, pages.stats().mapped(), "a refusal leaves no trace");
    } else {
      pages.free(page, 0, null);
      assertEquals(0, pages.giveBack(Long.MAX_VALUE));
      assertEquals(REGION_PAGES, pages.stats().mapped());
    }
  }

  // ------------------------------------------------------------------ limits, and the controls

  @Test
  void theLargestCeilingIsFourTebibytes() {
    open(4L << 40);

    long block = pages.tryAllocateLarge(700, 1);

    fill(block, 700);
    check(block, 700);
    assertEquals(1 << 30, pages.stats().ceiling());
    assertEquals(0, pages.tryAllocateLarge(1 << 30, 1), "700 pages of it are taken");
  }

  @Test
  void aCeilingBeyondThatIsRefusedWithTheLargest() {
    open(MIB);

    var refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> new PageAllocator(new PageSettings(1L << 50, DECAY, false, false, false), link));

    assertEquals(
        "kmem4j.max=1125899906842624 is too large; accepted: at most 4 TiB (4398046511104)",
        refusal.getMessage());
    var barely = new PageSettings((4L << 40) + 1, DECAY, false, false, false);
    assertThrows(IllegalArgumentException.class, () -> new PageAllocator(barely, link));
  }

  @Test
  void theValidatorSeesALostPage() {
    open(MIB);
    long page = take(0);
    pages.map().clear(pages.map().pageOf(page), 1);

    AssertionError error = assertThrows(AssertionError.class, pages::validate);

    assertTrue(error.getMessage().contains("lost"), error.getMessage());
    pages.map().markSlab(pages.map().pageOf(page), 0, CACHE);
  }

  @Test
  void theValidatorSeesAFreePageThatIsAlsoASlab() {
    open(MIB);
    long page = take(0);
    int buddy = pages.map().pageOf(page) ^ 1;
    pages.map().markSlab(buddy, 0, CACHE);

    assertThrows(AssertionError.class, pages::validate);

    pages.map().markFree(buddy, 0);
  }

  @Test
  void theValidatorSeesMemoryThatIsNotBooked() {
    open(MIB);
    int page = pages.map().pageOf(take(0));
    pages.map().setBacked(page, 0, false);

    assertThrows(AssertionError.class, pages::validate);

    pages.map().setBacked(page, 0, true);
  }
}
