package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/** Memory that a program has damaged: it is found, reported and set aside; the rest stays sound. */
final class CorruptionTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private SlabAllocator allocator;
  private KmemCache cache;

  @BeforeEach
  void open() {
    allocator = allocators.open();
    cache = allocator.createCache("victim", 64);
  }

  private static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  private long slabOf(long object) {
    return allocator.describe(object).slab();
  }

  /** One slab with one live object, the rest on its freelist; returns all, the live one first. */
  private List<Long> slabWithOneLiveObject(KmemCache of) {
    List<Long> objects = take(of, of.geometry().objects());
    objects.subList(1, objects.size()).forEach(of::free);
    of.shrink();
    assertEquals(1, of.stats().slabs());
    return objects;
  }

  /** What the link of a free object is stored with. */
  private int linkCode(long object) {
    long slab = slabOf(object);
    return cache.store().list().linkCode(slab, cache.geometry().indexOf(slab, object));
  }

  /** Makes the link in a free object lead out of its slab. */
  private static void overwriteLink(long object) {
    Memory.putShort(object, (short) (Memory.getShort(object) ^ 0x4000));
  }

  // ------------------------------------------------------------------ freelists

  @ParameterizedTest
  @ValueSource(ints = {62, 0})
  void aSlabWithAnOverwrittenLinkIsFrozenAndTheRestStaysSound(int sheafCapacity) {
    allocator = allocators.open(b -> b.sheafCapacity(sheafCapacity));
    cache = allocator.createCache("victim", 64);
    List<Long> objects = slabWithOneLiveObject(cache);
    long slab = slabOf(objects.getFirst());
    overwriteLink(objects.get(5));

    List<Long> more = new ArrayList<>();
    CorruptionException report =
        assertThrows(
            CorruptionException.class,
            () -> {
              for (int i = 0; i < 1000; i++) {
                more.add(cache.alloc());
              }
            });

    String text = report.getMessage();
    assertAll(
        () -> assertTrue(text.contains("\"victim\""), text),
        () -> assertTrue(text.contains(Long.toHexString(slab)), text),
        () -> assertTrue(text.contains(Long.toHexString(objects.get(5))), text),
        () -> assertTrue(text.contains("frozen"), text),
        () -> assertTrue(Slab.isFrozen(slab)));
    allocator.validate();
    for (long object : take(cache, 1000)) {
      assertNotEquals(slab, slabOf(object), "a frozen slab is never reused");
    }
    cache.free(objects.getFirst());
    more.forEach(cache::free);
    cache.shrink();
    assertTrue(Slab.isFrozen(slab));
  }

  @Test
  void aFreelistThatWasCutShortGivesNothingBeyondTheSlab() {
    List<Long> objects = slabWithOneLiveObject(cache);
    long slab = slabOf(objects.getFirst());
    Memory.putShort(objects.get(5), (short) (linkCode(objects.get(5)) ^ Slab.NONE));

    List<Long> more = new ArrayList<>();
    assertThrows(
        CorruptionException.class,
        () -> {
          for (int i = 0; i < 1000; i++) {
            more.add(cache.alloc());
          }
        });

    assertTrue(Slab.isFrozen(slab));
    more.forEach(object -> assertTrue(cache.beginsObject(object)));
  }

  @Test
  void lookingAtAnObjectDoesNotFreezeItsSlab() {
    List<Long> objects = slabWithOneLiveObject(cache);
    overwriteLink(objects.get(5));

    for (int round = 0; round < 2; round++) {
      for (long object : objects) {
        allocator.describe(object);
      }
    }

    assertFalse(Slab.isFrozen(slabOf(objects.getFirst())));
    assertThrows(AssertionError.class, allocator::validate, "but the validator sees it");
    overwriteLink(objects.get(5)); // as it was
  }

  @Test
  void lookingAtAnObjectEndsThoughTheFreelistIsARing() {
    List<Long> objects = slabWithOneLiveObject(cache);
    short before = Memory.getShort(objects.get(5));
    Memory.putShort(objects.get(5), (short) (linkCode(objects.get(5)) ^ 5)); // to itself

    assertEquals("in a sheaf or in use", allocator.describe(objects.getFirst()).state());

    Memory.putShort(objects.get(5), before);
  }

  @Test
  void aCacheWithAConstructorKeepsItsLinksOutOfReach() {
    KmemCache constructed =
        allocator.createCache(
            CacheOptions.of("c", 64).constructor(object -> Memory.fill(object, 64, (byte) 1)));
    List<Long> objects = slabWithOneLiveObject(constructed);

    objects.subList(1, objects.size()).forEach(object -> Memory.fill(object, 64, (byte) 99));

    take(constructed, objects.size() - 1);
  }

  @Test
  void aDestroyedCacheKeepsItsFrozenSlabAndItsNumber() {
    List<Long> objects = slabWithOneLiveObject(cache);
    overwriteLink(objects.get(5));
    List<Long> more = new ArrayList<>();
    assertThrows(
        CorruptionException.class,
        () -> {
          for (int i = 0; i < 1000; i++) {
            more.add(cache.alloc());
          }
        });
    cache.free(objects.getFirst());
    more.forEach(cache::free);
    cache.destroy();

    KmemCache next = allocator.createCache("next", 64);

    assertNotEquals(cache.link(), next.link());
    next.alloc();
    var error = assertThrows(IllegalArgumentException.class, () -> next.free(objects.getFirst()));
    assertTrue(error.getMessage().contains("\"victim\""), error.getMessage());
  }

  // ------------------------------------------------------------------ headers

  @Test
  void anOverwrittenCacheWordIsFoundWhenObjectsReturnToTheirSlab() {
    List<Long> objects = take(cache, 10);
    long slab = slabOf(objects.getFirst());
    Memory.putLong(slab, 0xdead);

    CorruptionException report =
        assertThrows(
            CorruptionException.class,
            () -> {
              cache.free(objects.getFirst());
              cache.shrink();
            });

    assertTrue(report.getMessage().contains("\"victim\""), report.getMessage());
    assertTrue(report.getMessage().contains("header"), report.getMessage());
    assertThrows(AssertionError.class, allocator::validate);
    Memory.putLong(slab, cache.address());
  }

  @Test
  void anOverwrittenCookieIsFoundWhenObjectsReturnToTheirSlab() {
    List<Long> objects = take(cache, 10);
    long slab = slabOf(objects.getFirst());
    long cookie = Memory.getLong(slab + Slab.COOKIE);
    Memory.putLong(slab + Slab.COOKIE, ~cookie);
    objects.forEach(cache::free);

    assertThrows(CorruptionException.class, cache::shrink);

    Memory.putLong(slab + Slab.COOKIE, cookie);
    allocator.validate();
    assertEquals(0, cache.stats().cachedObjects());
  }

  @Test
  void withoutFrontsAnOverwrittenHeaderIsFoundAtOnce() {
    allocator = allocators.open(b -> b.sheafCapacity(0));
    cache = allocator.createCache("victim", 64);
    long object = cache.alloc();
    long slab = slabOf(object);
    Memory.putLong(slab, 0xdead);

    assertThrows(CorruptionException.class, () -> cache.free(object));

    Memory.putLong(slab, cache.address());
    cache.free(object);
  }

  /** Partial slabs, one after the other in memory; in each every second object is live. */
  private List<Long> partialSlabs() {
    List<Long> objects = take(cache, 8 * cache.geometry().objects());
    List<Long> slabs = new ArrayList<>();
    for (int i = 0; i < objects.size(); i += 2) {
      cache.free(objects.get(i));
    }
    cache.shrink();
    for (int i = 1; i < objects.size(); i += 2) {
      long slab = slabOf(objects.get(i));
      if (!slabs.contains(slab)) {
        slabs.add(slab);
      }
    }
    assertEquals(8, slabs.size());
    return slabs;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 16, 24, 32, 40, 48, 64})
  void whoWritesPastTheEndOfASlabHarmsTheNextSlabOnly(int bytes) {
    List<Long> slabs = partialSlabs();
    Memory.fill(slabs.get(3), bytes, (byte) 0x41);

    List<Long> taken = assertReportsOnce(slabs.get(3));

    assertTrue(Slab.isFrozen(slabs.get(3)));
    for (long object : taken) {
      assertNotEquals(slabs.get(3), slabOf(object), "a frozen slab is never reused");
    }
    allocator.validate();
    taken.forEach(cache::free);
  }

  @Test
  void whoWritesBeforeTheFirstObjectHarmsItsSlabOnly() {
    List<Long> slabs = partialSlabs();
    Memory.fill(slabs.get(3) + 20, 44, (byte) 0x41);

    assertReportsOnce(slabs.get(3));

    assertTrue(Slab.isFrozen(slabs.get(3)));
  }

  @Test
  void whatLiesInAFrozenSlabCanStillBeFreed() {
    List<Long> objects = take(cache, cache.geometry().objects());
    objects.subList(0, 30).forEach(cache::free);
    cache.shrink();
    Memory.fill(slabOf(objects.getLast()), 40, (byte) 0x41);
    List<Long> taken = assertReportsOnce(slabOf(objects.getLast()));

    objects.subList(30, objects.size()).forEach(cache::free);
    cache.shrink();

    assertEquals(taken.size(), cache.stats().usedObjects());
  }

  @Test
  void anEmptySlabIsNotTrustedEither() {
    cache.prewarm(300);
    List<Long> objects = take(cache, 300);
    long slab = slabOf(objects.getLast());
    objects.forEach(cache::free);
    cache.prewarm(600);
    Memory.fill(slab, 40, (byte) 0x41);
    List<Long> more = new ArrayList<>();

    for (int i = 0; i < 2000; i++) {
      try {
        more.add(cache.alloc());
      } catch (CorruptionException e) {
        assertTrue(e.getMessage().contains("header"), e.getMessage());
      }
    }

    assertTrue(more.size() > 1900);
    allocators.giveUp(allocator); // empty slabs behind the damaged one are lost
  }

  /** Takes many objects, and expects one report. */
  private List<Long> assertReportsOnce(long slab) {
    List<Long> taken = new ArrayList<>();
    List<String> reports = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      try {
        taken.add(cache.alloc());
      } catch (CorruptionException e) {
        reports.add(e.getMessage());
      }
    }
    assertEquals(1, reports.size(), reports::toString);
    String text = reports.getFirst();
    assertTrue(text.contains(Slabs.hex(slab) + ", its header was overwritten"), text);
    return taken;
  }

  // ------------------------------------------------------------------ second frees

  @Test
  void aSecondFreeIsFoundWhereBothCopiesMeetAndNothingElseIsLost() {
    List<Long> objects = take(cache, 5);
    objects.forEach(cache::free);
    cache.free(objects.get(2));

    var error = assertThrows(IllegalArgumentException.class, cache::shrink);

    assertTrue(error.getMessage().contains("freed twice"), error.getMessage());
    assertTrue(error.getMessage().contains(Long.toHexString(objects.get(2))), error.getMessage());
    allocator.validate();
    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void aSecondFreeThatComesBackAloneFreezesTheSlab() {
    cache.prewarm(300); // so that empty slabs stay
    List<Long> objects = take(cache, 300);
    objects.forEach(cache::free);
    cache.collect();
    assertEquals(0, cache.stats().cachedObjects());
    cache.free(objects.get(70));

    var report = assertThrows(CorruptionException.class, cache::collect);

    String text = report.getMessage();
    assertTrue(text.contains(Slabs.hex(slabOf(objects.get(70)))), text);
    assertTrue(text.contains("was freed twice"), text);
    assertTrue(Slab.isFrozen(slabOf(objects.get(70))));
    allocator.validate();
    List<Long> more = take(cache, 3000);
    assertEquals(more.size(), Set.copyOf(more).size(), "none is handed out twice");
    more.forEach(cache::free);
  }

  @Test
  void whoeverFindsAnothersSecondFreeLosesNothing() {
    List<Long> objects = take(cache, 3000);
    cache.free(objects.getFirst());
    cache.free(objects.getFirst());
    int errors = 0;
    for (long object : objects.subList(1, objects.size())) {
      try {
        cache.free(object);
      } catch (IllegalArgumentException e) {
        errors++;
      }
    }

    assertTrue(errors <= 1);
    if (errors == 0) {
      assertThrows(IllegalArgumentException.class, cache::shrink);
    }
    allocator.validate();
    assertEquals(
        0, cache.stats().usedObjects(), "each was freed, by whoever was told of the other");
  }

  @Test
  void aSecondFreeThatComesToLightAtTheEndIsReportedAndTheEndCompleted() {
    List<Long> objects = take(cache, 5);
    cache.free(objects.getFirst());
    cache.free(objects.getFirst());

    var error = assertThrows(IllegalArgumentException.class, allocator::close);

    assertTrue(error.getMessage().contains("freed twice"), error.getMessage());
    assertThrows(IllegalStateException.class, allocator::stats);
    assertEquals(0, Memory.getLong(objects.getFirst()));
    allocator.unmap();
  }

  @Test
  void withDebuggingASecondFreeIsFoundAtOnce() {
    KmemCache debug = allocator.createCache(CacheOptions.of("debug", 64).debug(Debug.ALL));
    long object = debug.alloc();
    debug.free(object);

    var error = assertThrows(IllegalArgumentException.class, () -> debug.free(object));
    assertThrows(IllegalArgumentException.class, () -> allocator.free(object));

    assertTrue(error.getMessage().contains("freed twice"), error.getMessage());
    assertTrue(error.getMessage().contains("\"debug\""), error.getMessage());
  }

  @Test
  void withDebuggingButNoPoisonWritesIntoFreeObjectsHarmNobody() {
    KmemCache debug = allocator.createCache(CacheOptions.of("debug", 64).debug(Debug.of("FZU")));
    List<Long> objects = slabWithOneLiveObject(debug);

    objects.subList(1, objects.size()).forEach(object -> Memory.fill(object, 64, (byte) -1));

    take(debug, objects.size() - 1);
    allocator.validate();
  }

  @ParameterizedTest
  @CsvSource({"64, 0", "64, 7", "61, 0", "61, 2", "8, 0", "3000, 0", "100, 3"})
  void withDebuggingAWritePastTheEndIsReportedAndItsSlabNeverReused(int bytes, int behind) {
    KmemCache debug = allocator.createCache(CacheOptions.of("debug", bytes).debug(Debug.ALL));
    List<Long> objects = take(debug, debug.geometry().objects()); // a full slab
    long object = objects.getFirst();
    objects.forEach(at -> Memory.fill(at, bytes, (byte) 1)); // all of what was asked for
    Memory.putByte(object + bytes + behind, (byte) 0x41);

    var report = assertThrows(CorruptionException.class, () -> debug.free(object));

    String text = report.getMessage();
    assertAll(
        () -> assertTrue(text.startsWith("cache \"debug\", slab 0x"), text),
        () -> assertTrue(text.contains("object 0x" + Long.toHexString(object)), text),
        () ->
            assertTrue(text.contains("byte " + (bytes + behind) + " is 0x41, expected 0xcc"), text),
        () -> assertTrue(text.endsWith("the slab is frozen"), text),
        () -> assertEquals(objects.size() - 1, debug.stats().usedObjects(), "it is free"));
    assertThrows(IllegalArgumentException.class, () -> debug.free(object), "a second time");
    List<Long> others = take(debug, 3);
    others.forEach(other -> assertNotEquals(slabOf(object), slabOf(other)));
    objects.subList(1, objects.size()).forEach(debug::free);
    others.forEach(debug::free);
    assertEquals(0, debug.stats().usedObjects());
  }

  @Test
  void withDebuggingSeveralWritesPastTheEndInOneSlabAreEachReported() {
    KmemCache debug = allocator.createCache(CacheOptions.of("debug", 64).debug(Debug.ALL));
    List<Long> objects = take(debug, 5); // of a slab that is on the partial list
    objects.subList(0, 2).forEach(object -> Memory.putByte(object + 64, (byte) 0));
    var found = assertThrows(AssertionError.class, allocator::validate);
    assertTrue(found.getMessage().contains("past its end"), found.getMessage());

    for (long object : objects.subList(0, 2)) {
      assertThrows(CorruptionException.class, () -> allocator.free(object));
      allocator.validate(); // what is frozen is known to be damaged
    }

    objects.subList(2, 5).forEach(debug::free);
    assertEquals(0, debug.stats().usedObjects());
    assertEquals(1, debug.stats().slabs(), "frozen, it stays");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 6})
  void sizesThatDebugFindAWritePastTheirUsableSize(int maxOrder) {
    SlabAllocator debugging =
        allocators.open(builder -> builder.debug("size-*").maxOrder(maxOrder));
    for (int size : new int[] {1, 8, 100, 4000, 20_000}) {
      long block = debugging.alloc(size);
      long usable = debugging.usableSize(block);
      Memory.fill(block, usable, (byte) 1);
      debugging.free(block);

      long another = debugging.alloc(size);
      if (debugging.describe(another).index() >= 0 && debugging.describe(another).slab() != 0) {
        Memory.putByte(another + usable, (byte) 1);
        assertThrows(CorruptionException.class, () -> debugging.free(another));
      } else {
        debugging.free(another); // a large block
      }
    }
  }

  @Test
  void theGenerationOfAnObjectCountsItsFrees() {
    KmemCache debug = allocator.createCache(CacheOptions.of("debug", 64).debug(Debug.ALL));
    long object = debug.alloc();
    assertEquals(0, debug.generation(object));

    debug.free(object);

    assertEquals(-1, debug.generation(object));
    long again = debug.alloc();
    assertEquals(object, again);
    assertEquals(1, debug.generation(again));
    assertEquals(0, cache.generation(cache.alloc()), "who does not debug does not count");
    assertThrows(IllegalArgumentException.class, () -> debug.generation(object + 1));
    assertThrows(IllegalArgumentException.class, () -> cache.generation(object));
  }
}
