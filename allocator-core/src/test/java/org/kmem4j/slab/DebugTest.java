package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/**
 * Caches that debug: what they find, where, and what they say. The first part are the scenarios of
 * the kernel's {@code slub_kunit}, made anew from their description, with as many reports.
 */
final class DebugTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private final SlabAllocator allocator = allocators.open();

  private KmemCache cache(String letters, int bytes) {
    return allocator.createCache(CacheOptions.of("debug", bytes).debug(Debug.of(letters)));
  }

  private static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  private static void flip(long address) {
    Memory.putByte(address, (byte) (Memory.getByte(address) ^ 0x12));
  }

  private static void assertReports(int count, KmemCache cache) {
    List<String> reports = cache.validate();
    assertEquals(count, reports.size(), () -> String.join("\n", reports));
  }

  // ------------------------------------------------------------------ the kernel's scenarios

  @Test
  void clobberZone() {
    KmemCache cache = cache("Z", 64);
    long object = cache.alloc();

    Memory.putByte(object + 64, (byte) 0x12);

    assertReports(2, cache);
    cache.free(object);
    assertReports(0, cache);
  }

  @Test
  void nextPointer() {
    KmemCache cache = cache("P", 64);
    cache.alloc();
    long object = cache.alloc();
    cache.free(cache.alloc()); // there is a next one
    cache.free(object);
    long slab = cache.slabOf(object);
    long link = cache.geometry().stateWord(slab, cache.geometry().indexOf(slab, object));
    long good = Memory.getLong(link);

    flip(link + 1);
    assertReports(3, cache);
    assertReports(0, cache);

    Memory.putLong(link, good);
    assertReports(2, cache);
    assertReports(0, cache);
  }

  @Test
  void firstWord() {
    KmemCache cache = cache("P", 64);
    long object = cache.alloc();
    cache.free(object);

    Memory.putByte(object, (byte) 0x78);

    assertReports(2, cache);
  }

  @Test
  void clobber50thByte() {
    KmemCache cache = cache("P", 64);
    long object = cache.alloc();
    cache.free(object);

    Memory.putByte(object + 50, (byte) 0x9a);

    assertReports(2, cache);
  }

  @Test
  void clobberRedzoneFree() {
    KmemCache cache = cache("Z", 64);
    long object = cache.alloc();
    cache.free(object);

    Memory.putByte(object + 64, (byte) 0xab);

    assertReports(2, cache);
  }

  /** There it is 18 of 32; here the class is of 24 bytes. */
  @Test
  void kmallocRedzoneAccess() {
    SlabAllocator debugging = allocators.open(b -> b.debug("Z,size-*"));
    long block = debugging.alloc(18);
    KmemCache cache = debugging.slabs().cacheAround(block);

    Memory.putByte(block + 18, (byte) 0xab);
    Memory.putByte(block + 19, (byte) 0xab);

    assertReports(2, cache);
  }

  /** What stands for {@code kfree_rcu}: frees that have not come to their slab when it ends. */
  @Test
  void kfreeRcu() {
    for (String letters : List.of("", "FZPU")) {
      KmemCache cache = cache(letters, 64);
      cache.free(cache.alloc()); // it may lie in a front, which is emptied a grace period later

      assertEquals(0, cache.destroy(), "the end waits");

      assertNothingToReport(cache);
    }
  }

  private void assertNothingToReport(KmemCache destroyed) {
    if (destroyed.isDebug()) {
      assertReports(0, destroyed);
    }
    allocator.validate();
  }

  @Test
  void kfreeRcuWhileAnotherThreadDestroys() throws Exception {
    Random random = new Random(1);
    try (ExecutorService worker = Executors.newSingleThreadExecutor()) {
      for (int round = 0; round < 10; round++) {
        KmemCache cache = cache(round % 2 == 0 ? "" : "FZPU", 64);
        cache.free(cache.alloc());
        int millis = random.nextInt(256);

        Future<Long> left =
            worker.submit(
                () -> {
                  Thread.sleep(millis);
                  return cache.destroy();
                });

        assertEquals(0, left.get());
        assertNothingToReport(cache);
      }
    }
  }

  @Test
  void leakDestroy() {
    KmemCache cache = cache("U", 64);
    long object = cache.alloc();

    assertEquals(1, cache.destroy());

    List<String> reports = cache.validate();
    assertEquals(2, reports.size(), reports::toString);
    assertTrue(reports.get(1).contains(Long.toHexString(object)), reports::toString);
    assertTrue(reports.get(1).contains("leakDestroy"), reports::toString);
    cache.free(object);
  }

  /**
   * Of {@code krealloc_redzone_zeroing} that which does not need {@code krealloc}: the zone begins
   * behind what was asked for, wherever the last user's did.
   */
  @Test
  void theZoneBeginsBehindWhatWasAskedFor() {
    SlabAllocator debugging = allocators.open(b -> b.debug("FZP,size-*"));
    long block = 0;
    for (int bytes : new int[] {1100, 1040, 1150, 1030}) { // all of one class
      block = debugging.alloc(bytes);
      assertEquals(bytes, debugging.usableSize(block));
      Memory.fill(block, bytes, (byte) 1);
      for (int at = bytes; at < 1152; at++) {
        assertEquals((byte) 0xcc, Memory.getByte(block + at), "byte " + at + " of " + bytes);
      }
      debugging.free(block);
    }
    assertReports(0, debugging.slabs().cacheAround(block));
  }

  /**
   * What stands for the {@code nolock} tests, whose interrupt handlers Java does not have: others
   * allocate and free, and somebody looks at everything, again and again.
   */
  @Test
  void whileOthersAllocateAndFreeThereIsNothingToReport() throws Exception {
    SlabAllocator debugging = allocators.open(b -> b.debug("FZP,size-*"));
    long some = debugging.alloc(2048); // long enough that looking at its bytes takes a while
    KmemCache cache = debugging.slabs().cacheAround(some);
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService crew = Executors.newCachedThreadPool()) {
      List<Future<?>> busy = new ArrayList<>();
      for (int t = 0; t < 3; t++) {
        busy.add(crew.submit(() -> churn(debugging, 20_000)));
      }
      Future<?> looking =
          crew.submit(
              () -> {
                while (!done.get()) {
                  assertReports(0, cache);
                }
              });
      for (Future<?> one : busy) {
        one.get();
      }
      done.set(true);
      looking.get();
    }
    debugging.free(some);
    assertReports(0, cache);
  }

  private static void churn(SlabAllocator debugging, int rounds) {
    Random random = new Random(rounds);
    long[] held = new long[50];
    for (int i = 0; i < rounds; i++) {
      int at = random.nextInt(held.length);
      debugging.free(held[at]);
      int bytes = 2041 + random.nextInt(8);
      held[at] = debugging.alloc(bytes);
      Memory.fill(held[at], bytes, (byte) i);
    }
    for (long block : held) {
      debugging.free(block);
    }
  }

  // ------------------------------------------------------------------ each letter by itself

  @ParameterizedTest
  @CsvSource({"64, -1", "64, -8", "64, 64", "64, 71", "61, 61", "1, 1", "1, -3", "3000, 3007"})
  void aWriteBesideAnObjectIsFoundWhenItIsFreed(int bytes, int offset) {
    KmemCache cache = cache("Z", bytes);
    cache.alloc();
    long object = cache.alloc();
    flip(object + offset);

    var report = assertThrows(CorruptionException.class, () -> cache.free(object));

    String text = report.getMessage();
    String end = offset < 0 ? "before its first byte" : "past its end";
    assertAll(
        () -> assertTrue(text.contains(end + ": byte " + offset + " is 0xde"), text),
        () -> assertTrue(text.contains("expected 0xcc"), text),
        () -> assertTrue(text.contains("(number 1, " + bytes + " bytes, in use)"), text),
        () -> assertTrue(Slab.isFrozen(cache.slabOf(object))));
    assertReports(0, cache);
  }

  @Test
  void aLongUnderflowOfTheFirstObjectHarmsNothingElse() {
    KmemCache cache = cache("FZPU", 64);
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < cache.geometry().objects(); i++) {
      objects.add(cache.alloc());
    }
    Memory.fill(objects.getFirst() - 32, 32, (byte) 0x41);

    var report = assertThrows(CorruptionException.class, () -> cache.free(objects.getFirst()));

    assertTrue(report.getMessage().contains("byte -32 is 0x41"), report.getMessage());
    assertTrue(Slab.isFrozen(cache.slabOf(objects.getFirst())));
    objects.subList(1, objects.size()).forEach(cache::free);
    assertEquals(0, cache.stats().usedObjects());
  }

  @ParameterizedTest
  @CsvSource({"64, 0", "64, 63", "1, 0", "2, 0", "300, 299"})
  void aWriteAfterAFreeIsFoundAtTheNextAllocation(int bytes, int offset) {
    KmemCache cache = cache("P", bytes);
    cache.alloc();
    long object = cache.alloc();
    cache.free(object);
    flip(object + offset);

    var report = assertThrows(CorruptionException.class, cache::alloc);

    String text = report.getMessage();
    String expected = offset == bytes - 1 ? "0xa5" : "0x6b";
    assertAll(
        () -> assertTrue(text.contains("was written after it was freed: byte " + offset), text),
        () -> assertTrue(text.contains("expected " + expected), text));
    assertEquals(1, cache.stats().usedObjects());
    assertNotEquals(cache.slabOf(object), cache.slabOf(cache.alloc()), "it is frozen");
  }

  @Test
  void aWriteBeforeTheFirstAllocationIsFoundThere() {
    KmemCache cache = cache("P", 64);
    long object = cache.alloc();
    flip(object + cache.geometry().stride());

    var report = assertThrows(CorruptionException.class, cache::alloc);

    String text = report.getMessage();
    assertTrue(text.contains("was written before it was allocated: byte 0 is 0x48"), text);
    assertTrue(text.contains("expected 0x5a"), text);
  }

  @Test
  void freshAndFreedMemoryHoldsThePattern() {
    KmemCache cache = cache("P", 64);
    long object = cache.alloc();
    assertEquals(0x5a5a_5a5a_5a5a_5a5aL, Memory.getLong(object));

    cache.free(object);

    assertEquals(0x6b6b_6b6b_6b6b_6b6bL, Memory.getLong(object));
    assertEquals((byte) 0xa5, Memory.getByte(object + 63));
  }

  @Test
  void aConstructorsWorkIsNotPoisoned() {
    KmemCache cache =
        allocator.createCache(
            CacheOptions.of("constructed", 64)
                .constructor(object -> Memory.fill(object, 64, (byte) 7))
                .debug(Debug.ALL));
    long object = cache.alloc();
    assertEquals((byte) 7, Memory.getByte(object));
    Memory.putByte(object, (byte) 8);

    cache.free(object);
    Memory.putByte(object, (byte) 9); // allowed, as in a type-safe cache of the kernel

    assertEquals(object, cache.alloc());
    assertEquals((byte) 9, Memory.getByte(object), "as it was left");
    Memory.putByte(object + 64, (byte) 1);
    assertThrows(CorruptionException.class, () -> cache.free(object), "its zones are there");
  }

  @Test
  void whatLiesBehindTheLastObjectOfASlabIsGuardedToo() {
    KmemCache cache = cache("FP", 72);
    long object = cache.alloc();
    long end = cache.geometry().addressOf(cache.slabOf(object), cache.geometry().objects());
    assertTrue(cache.geometry().tailWaste() > 0);
    flip(end);

    var report = assertThrows(CorruptionException.class, () -> cache.free(object));

    String text = report.getMessage();
    assertTrue(text.contains("what lies behind its last object was written"), text);
  }

  @Test
  void aFreelistThatLeadsAstrayIsFoundAtTheNextFree() {
    KmemCache cache = cache("F", 64);
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      objects.add(cache.alloc());
    }
    objects.subList(1, 5).forEach(cache::free);
    long slab = cache.slabOf(objects.getFirst());
    flip(cache.geometry().stateWord(slab, 2) + 1);

    var report = assertThrows(CorruptionException.class, () -> cache.free(objects.getLast()));

    assertTrue(report.getMessage().contains("free object 2 at "), report.getMessage());
    assertReports(0, cache);
    cache.free(objects.getFirst());
    objects.subList(5, 9).forEach(cache::free);
  }

  @Test
  void aFreelistThatRunsInARingIsFound() {
    KmemCache cache = cache("F", 64);
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      objects.add(cache.alloc());
    }
    long slab = cache.slabOf(objects.getFirst());
    cache.free(objects.get(1));
    cache.free(objects.get(2));
    cache.free(objects.get(3));
    long one = cache.geometry().stateWord(slab, 1);
    int toTwo = 2 ^ cache.store().list().linkCode(slab, 1);
    Memory.putLong(one, SlabDebug.LINK.set(Memory.getLong(one), toTwo)); // 3 2 1 2 1 …

    List<String> reports = cache.validate();

    assertTrue(reports.getFirst().contains("where no other free object is"), reports::toString);
    assertReports(0, cache);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 8, 40})
  void anOverwrittenHeaderIsReportedOnceWithItsBytesAndItsSlabFrozen(long offset) {
    KmemCache cache = cache("U", 64);
    List<Long> objects = take(cache, 10);
    long slab = cache.slabOf(objects.getFirst());
    long before = Memory.getLong(slab + offset);
    Memory.putLong(slab + offset, 0x4141_4141_4141_4141L);

    var report = assertThrows(CorruptionException.class, () -> cache.free(objects.getFirst()));

    String text = report.getMessage();
    String found = "at offset %d lies 0x4141414141414141, expected 0x%016x";
    assertAll(
        () -> assertTrue(text.contains("slab " + Slabs.hex(slab)), text),
        () -> assertTrue(text.contains(Slabs.hex(objects.getFirst())), text),
        () -> assertTrue(text.contains(found.formatted(offset, before)), text),
        () -> assertTrue(text.contains("the slab is frozen"), text),
        () -> assertTrue(text.contains("\n  allocated 0."), text),
        () -> assertTrue(Slab.isFrozen(slab)));
    assertReports(0, cache);
    objects.forEach(cache::free);
    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void whoLooksAtAnOverwrittenHeaderPutsItRight() {
    KmemCache cache = cache("Z", 64);
    cache.free(cache.alloc());
    long object = cache.alloc();
    long slab = cache.slabOf(object);
    Memory.fill(slab, 48, (byte) 0x41);

    assertThrows(AssertionError.class, allocator::validate, "this changes nothing");
    assertReports(2, cache);

    assertReports(0, cache);
    assertTrue(Slab.isFrozen(slab));
    cache.free(object);
  }

  @Test
  void anOverwrittenOrderLeadsNobodyOutOfTheSlab() {
    for (long word : new long[] {0x4141_4141_4141_4141L, 0x0000_0014_0000_0000L}) {
      KmemCache cache = cache("FP", 72);
      List<Long> objects = take(cache, 4 * cache.geometry().objects());
      objects.forEach(object -> Memory.fill(object, 72, (byte) 1));
      for (int i = 0; i < objects.size(); i += cache.geometry().objects()) {
        long object = objects.get(i);
        Memory.putLong(cache.slabOf(object) + 8, word);

        assertThrows(CorruptionException.class, () -> cache.free(object));

        cache.free(object);
      }
      assertReports(0, cache);
      for (long object : objects) {
        assertTrue(cache.generation(object) < 0 || Memory.getByte(object + 71) == 1);
      }
    }
  }

  @Test
  void aSlabWithAnOverwrittenHeaderLeavesItsNeighboursOnTheirLists() {
    KmemCache cache = cache("Z", 64);
    int each = cache.geometry().objects();
    List<Long> objects = take(cache, 7 * each);
    List<Long> slabs = objects.stream().map(cache::slabOf).distinct().toList();
    for (int i = 0; i < objects.size(); i += 2) { // all are partial
      cache.free(objects.get(i));
    }
    for (int damaged : new int[] {3, 6, 0}) {
      long slab = slabs.get(damaged);
      Memory.fill(slab, 48, (byte) 0x41);

      assertThrows(CorruptionException.class, () -> cache.free(objects.get(damaged * each + 1)));

      assertTrue(Slab.isFrozen(slab));
      allocator.validate();
    }
    long free = cache.stats().freeObjects();
    assertTrue(free >= 4L * (each / 2));
    take(cache, (int) free).forEach(object -> assertFalse(Slab.isFrozen(cache.slabOf(object))));
    assertEquals(7, cache.stats().slabs(), "what was free was used");
  }

  @Test
  void anEmptySlabWithAnOverwrittenHeaderIsFrozen() {
    KmemCache cache = cache("Z", 64);
    cache.prewarm(3L * cache.geometry().objects());
    long object = cache.alloc();
    cache.free(object); // of two others the first is overwritten
    long slab = cache.slabOf(object);
    Memory.fill(slab, 48, (byte) 0x41);

    assertReports(2, cache);

    assertReports(0, cache);
    assertTrue(Slab.isFrozen(slab));
    allocators.giveUp(allocator); // empty slabs behind the damaged one are lost
  }

  @Test
  void aConstructorsZoneIsThereThoughItsMemoryIsZeroed() {
    SlabAllocator zeroing = allocators.open(b -> b.initOnAlloc().initOnFree());
    KmemCache cache =
        zeroing.createCache(
            CacheOptions.of("constructed", 64)
                .constructor(
                    object -> {
                      assertEquals(0, Memory.getLong(object));
                      Memory.fill(object, 64, (byte) 7);
                    })
                .debug(Debug.ALL));

    List<Long> objects = take(cache, 100);

    assertReports(0, cache);
    objects.forEach(cache::free);
  }

  @Test
  void whatDoesNotFitBecauseItIsDebuggedIsRefusedWithTheReason() {
    int most = (4096 << 6) - 64;
    allocator.createCache("fits", most);

    var zones = assertThrows(IllegalArgumentException.class, () -> cache("Z", most));
    SlabAllocator tracking = allocators.open(b -> b.leaks(1));
    var tracks =
        assertThrows(IllegalArgumentException.class, () -> tracking.createCache("x", most));
    SlabAllocator hardened = allocators.open(b -> b.hardened(true));
    var marks = assertThrows(IllegalArgumentException.class, () -> hardened.createCache("x", most));

    String fit =
        "objectBytes=262080 does not fit a slab of order 6, the largest that kmem4j.maxOrder"
            + " allows, with these bytes beside it: ";
    String state = ", 8 of state (kmem4j.debug or a constructor)";
    String track = "32 of tracks (kmem4j.debug=U or kmem4j.leaks=1)";
    assertEquals(fit + "80 of red zones (kmem4j.debug=Z)" + state, zones.getMessage());
    assertEquals(fit + track + state, tracks.getMessage());
    assertEquals(fit + "8 of marks (kmem4j.hardened.doubleFree)", marks.getMessage());
  }

  @Test
  void countsThatCannotBeAreReportedAndNotFollowed() {
    KmemCache cache = cache("FZP", 8);
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < cache.geometry().objects(); i++) {
      objects.add(cache.alloc());
    }
    long slab = cache.slabOf(objects.getFirst());
    long head = Memory.getLong(slab + Slab.HEAD);
    Memory.putLong(slab + Slab.HEAD, -1);

    assertFalse(cache.validate().isEmpty());

    Memory.putLong(slab + Slab.HEAD, head);
    allocators.giveUp(allocator);
  }

  @Test
  void damageInASlabThatIsGivenBackIsReported() {
    KmemCache cache = cache("P", 64);
    long object = cache.alloc();
    cache.free(object);
    flip(object);

    var report = assertThrows(CorruptionException.class, cache::shrink);

    assertTrue(report.getMessage().contains("found while the slab was given back"));
    assertEquals(0, cache.stats().slabs());
  }

  @Test
  void aLookAtTheWholeAllocatorSeesDamageAndChangesNothing() {
    KmemCache cache = cache("ZP", 64);
    long object = cache.alloc();
    cache.free(object);
    flip(object + 3);

    for (int i = 0; i < 2; i++) {
      var report = assertThrows(AssertionError.class, allocator::validate);
      assertTrue(report.getMessage().contains("byte 3 is"), report.getMessage());
    }

    assertReports(2, cache);
  }

  // ------------------------------------------------------------------ what a report says

  private void leakALittle(long object) {
    Memory.putInt(object + 62, 0x41414141);
  }

  @Test
  void aReportNamesEverythingThatIsKnown() {
    KmemCache cache = cache("FZPU", 64);
    cache.free(cache.alloc());
    long object = cache.alloc();
    leakALittle(object);

    var report = assertThrows(CorruptionException.class, () -> cache.free(object));

    String text = report.getMessage();
    List<String> lines = text.lines().toList();
    String first =
        "cache \"debug\", slab 0x%x, object 0x%x (number 0, 64 bytes, in use) was written past its"
            + " end: byte 64 is 0x41, expected 0xcc, with 1 more wrong behind it";
    assertAll(
        () -> assertEquals(first.formatted(cache.slabOf(object), object), lines.getFirst()),
        () ->
            assertTrue(
                text.contains("\n> 0x" + Long.toHexString((object + 64) & -16) + ": "), text),
        () -> assertTrue(text.contains("6b 41 41 41 41 cc cc"), text),
        () -> assertTrue(text.matches("(?s).*\n  allocated 0.* s ago by thread \".*"), text),
        () -> assertTrue(text.matches("(?s).*\n  freed 0.* s ago by thread \".*"), text),
        () -> assertTrue(text.contains("DebugTest.aReportNamesEverything"), text),
        () -> assertTrue(text.endsWith("were put right; the slab is frozen"), text));
  }

  @Test
  void aSecondFreeNamesTheFirst() {
    KmemCache cache = cache("U", 64);
    long object = cache.alloc();
    freeInAMethodOfItsOwn(cache, object);

    var error = assertThrows(IllegalArgumentException.class, () -> cache.free(object));

    String text = error.getMessage();
    String slab = Slabs.hex(cache.slabOf(object));
    assertTrue(text.contains("of cache \"debug\", slab " + slab + ", was freed twice"), text);
    assertTrue(text.contains("\n  freed 0."), text);
    assertTrue(text.contains("at org.kmem4j.slab.DebugTest.freeInAMethodOfItsOwn"), text);
  }

  private static void freeInAMethodOfItsOwn(KmemCache cache, long object) {
    cache.free(object);
  }

  @Test
  void whoFreesTheInsideOfAnObjectOrThroughAnotherCacheIsToldWhoseItIs() {
    KmemCache cache = cache("U", 64);
    KmemCache other = allocator.createCache("other", 64);
    long object = cache.alloc();

    for (Runnable wrong :
        List.<Runnable>of(
            () -> cache.free(object + 8),
            () -> allocator.free(object + 8),
            () -> other.free(object))) {
      var error = assertThrows(IllegalArgumentException.class, wrong::run);
      assertTrue(error.getMessage().contains("\"debug\""), error.getMessage());
      assertTrue(error.getMessage().contains("DebugTest.whoFreesTheInside"), error.getMessage());
      String slab = "slab " + Slabs.hex(cache.slabOf(object));
      assertTrue(error.getMessage().contains(slab), error.getMessage());
    }
    assertReports(0, cache);
  }

  @Test
  void ofManyWhoFreeAnObjectOneSucceeds() throws Exception {
    KmemCache cache = cache("FZPU", 64);
    ConcurrentLinkedQueue<String> refusals = new ConcurrentLinkedQueue<>();
    int rounds = 200;
    for (int i = 0; i < rounds; i++) {
      long object = cache.alloc();
      Thread other = Thread.ofPlatform().start(() -> tryFree(cache, object, refusals));
      tryFree(cache, object, refusals);
      other.join();
    }

    assertEquals(rounds, refusals.size());
    assertEquals(0, cache.stats().usedObjects());
    assertReports(0, cache);
  }

  private static void tryFree(KmemCache cache, long object, ConcurrentLinkedQueue<String> refused) {
    try {
      cache.free(object);
    } catch (IllegalArgumentException e) {
      refused.add(e.getMessage());
    }
  }

  // ------------------------------------------------------------------ children, orders, off

  @Test
  void aRootLooksAtItsChildrenToo() {
    KmemCache cache = cache("Z", 64);
    KmemCache child = cache.in(new FakeAccount(8, 1000));
    long object = child.alloc();
    flip(object + 64);

    assertReports(2, cache);
  }

  @Test
  void whoDoesNotDebugCannotBeLookedAt() {
    KmemCache plain = allocator.createCache("plain", 64);

    var error = assertThrows(IllegalStateException.class, plain::validate);

    assertTrue(error.getMessage().contains("kmem4j.debug=FZPU,plain"), error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 6, 9})
  void objectsOfAllSizesAreWhollyTheProgramsOwn(int maxOrder) {
    SlabAllocator debugging = allocators.open(b -> b.debug("FZP").maxOrder(maxOrder));
    for (int bytes = 1; bytes <= 2000; bytes = bytes * 3 / 2 + 1) {
      for (int align : new int[] {1, 8, 64, 512}) {
        KmemCache cache =
            debugging.createCache(CacheOptions.of("c" + bytes + '-' + align, bytes).align(align));
        List<Long> objects = new ArrayList<>();
        for (int i = 0; i < 2 * cache.geometry().objects() + 1; i++) {
          long object = cache.alloc();
          assertEquals(0, object % align);
          Memory.fill(object, bytes, (byte) i);
          objects.add(object);
        }
        assertReports(0, cache);
        objects.forEach(cache::free);
        assertReports(0, cache);
        cache.destroy();
      }
    }
  }

  @Test
  void aCacheThatDebugsAnythingHasNoFrontsAndOneThatDebugsNothingHas() {
    for (Debug one : Debug.values()) {
      KmemCache cache = allocator.createCache(CacheOptions.of("d", 64).debug(Set.of(one)));
      cache.free(cache.alloc());
      assertTrue(cache.isDebug());
      assertEquals(0, cache.stats().cachedObjects(), one::toString);
    }
    KmemCache plain = allocator.createCache(CacheOptions.of("p", 64).debug(Set.of()));
    plain.free(plain.alloc());
    assertFalse(plain.isDebug());
    assertTrue(plain.stats().cachedObjects() > 0);
    assertEquals(64, plain.geometry().stride());
  }
}
