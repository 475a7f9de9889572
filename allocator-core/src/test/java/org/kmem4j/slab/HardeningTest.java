package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/** Wrong use in production: it is refused or found, and nobody else is harmed. */
final class HardeningTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private SlabAllocator allocator;
  private KmemCache cache;

  @BeforeEach
  void open() {
    allocator = allocators.open(b -> b.hardened(true));
    cache = allocator.createCache("victim", 64);
  }

  private static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  private static void onAnotherThread(Runnable action) throws InterruptedException {
    Thread thread = new Thread(action);
    thread.start();
    thread.join();
  }

  /** Objects with room for a key, without, and those that must not be written to. */
  private static List<CacheOptions> kinds() {
    return List.of(
        CacheOptions.of("usual", 64),
        CacheOptions.of("tiny", 8),
        CacheOptions.of("large", 3000),
        CacheOptions.of("constructed", 64).constructor(at -> Memory.fill(at, 64, (byte) 1)));
  }

  // ------------------------------------------------------------------ double frees

  @Test
  void aSecondFreeIsRefusedAtOnce() throws InterruptedException {
    for (CacheOptions options : kinds()) {
      KmemCache kind = allocator.createCache(options);
      long object = kind.alloc();
      kind.free(object);

      var error = assertThrows(IllegalArgumentException.class, () -> kind.free(object));
      assertThrows(IllegalArgumentException.class, () -> allocator.free(object));
      assertThrows(IllegalArgumentException.class, () -> kind.freeBulk(new long[] {object}, 0, 1));
      onAnotherThread(() -> assertThrows(IllegalArgumentException.class, () -> kind.free(object)));
      kind.shrink();
      allocator.alloc(8); // the allocator itself goes on

      assertTrue(error.getMessage().contains("freed twice"), error.getMessage());
      assertTrue(error.getMessage().contains(options.name()), error.getMessage());
    }
  }

  @Test
  void aSecondFreeByAnotherThreadIsRefused() throws Exception {
    for (CacheOptions options : kinds()) {
      KmemCache kind = allocator.createCache(options);
      long object = kind.alloc();
      kind.free(object);

      var refused =
          CompletableFuture.supplyAsync(
              () -> assertThrows(IllegalArgumentException.class, () -> kind.free(object)));

      assertTrue(refused.get().getMessage().contains("freed twice"));
    }
  }

  @Test
  void aFreeOfWhatHasReturnedToItsSlabIsRefused() {
    for (CacheOptions options : kinds()) {
      KmemCache kind = allocator.createCache(options);
      List<Long> objects = take(kind, 2);
      kind.free(objects.get(1));
      kind.shrink();

      assertThrows(IllegalArgumentException.class, () -> kind.free(objects.get(1)));
      take(kind, 1); // what is filled into a sheaf may be the same object

      assertEquals(2, kind.stats().usedObjects());
    }
  }

  @Test
  void whatIsInASheafAgainIsRefused() {
    for (CacheOptions options : kinds()) {
      KmemCache kind = allocator.createCache(options);
      List<Long> objects = take(kind, kind.geometry().objects());
      objects.subList(1, objects.size()).forEach(kind::free);
      kind.shrink();
      long taken = kind.alloc(); // fills a sheaf with others
      long inSheaf =
          objects.stream()
              .filter(object -> object != taken && !object.equals(objects.getFirst()))
              .filter(object -> !kind.store().guard().isInSlab(object))
              .findFirst()
              .orElse(0L);

      if (inSheaf != 0) {
        assertThrows(IllegalArgumentException.class, () -> kind.free(inSheaf));
      }
      kind.free(taken);
    }
  }

  @Test
  void withoutFrontsASecondFreeIsRefusedToo() {
    for (CacheOptions options : kinds()) {
      allocator = allocators.open(b -> b.hardened(true).sheafCapacity(0));
      KmemCache kind = allocator.createCache(options);
      List<Long> objects = take(kind, 5);
      kind.free(objects.get(2));

      assertThrows(IllegalArgumentException.class, () -> kind.free(objects.get(2)));

      assertEquals(4, kind.stats().usedObjects());
    }
  }

  @Test
  void afterTheObjectWasHandedOutAgainItsNewOwnersFreeIsTheOneThatIsRefused() {
    long other = cache.alloc(); // the front is filled, and what is freed comes back first
    long object = cache.alloc();
    cache.free(object);
    long again = cache.alloc();
    assertEquals(object, again);

    cache.free(object); // cannot be told from the new owner's

    assertThrows(IllegalArgumentException.class, () -> cache.free(again));
    cache.free(other);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8})
  void aSecondFreeOfAnObjectThatWasWrittenToIsFoundInItsSlab(int offset) {
    List<Long> objects = take(cache, 3);
    cache.free(objects.get(1));
    Memory.putLong(objects.get(1) + offset, 0x4141_4141_4141_4141L);

    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> {
              cache.free(objects.get(1));
              cache.shrink();
            });

    assertTrue(error.getMessage().contains("freed twice"), error.getMessage());
    cache.shrink();
    allocator.validate();
    assertEquals(2, cache.stats().usedObjects(), "it was free, and is so once");
  }

  @Test
  void ofCopiesInTwoSheavesTheSecondThatReturnsIsFound() throws InterruptedException {
    long object = cache.alloc();
    cache.free(object);
    Memory.putLong(object + 8, 0); // as if two threads had found it in use
    onAnotherThread(() -> cache.free(object));

    assertThrows(IllegalArgumentException.class, cache::shrink);

    cache.shrink();
    allocator.validate();
    assertEquals(0, cache.stats().usedObjects());
    assertEquals(0, cache.stats().cachedObjects());
  }

  @Test
  void twoWhoFreeTheSameObjectsAtTheSameTimeLeaveEachFreeOnce() throws Exception {
    List<Long> objects = take(cache, 5000);
    CyclicBarrier together = new CyclicBarrier(2);
    Runnable free =
        () -> {
          for (long object : objects) {
            try {
              if (object % 4096 < 512) {
                together.await();
              }
              cache.free(object);
            } catch (IllegalArgumentException | CorruptionException e) {
              // the other was faster, or it was found at a flush, or its slab is gone by then
            } catch (Exception e) {
              throw new AssertionError(e);
            }
          }
        };
    Thread other = new Thread(free);
    other.start();
    free.run();
    other.join();
    for (boolean found = true; found; ) {
      found = false;
      try {
        cache.shrink();
      } catch (IllegalArgumentException | CorruptionException e) {
        found = true; // a second copy; there may be more
      }
    }

    allocator.validate();
    assertEquals(0, cache.stats().usedObjects());
    assertEquals(5000, new HashSet<>(take(cache, 5000)).size(), "each is handed out once");
  }

  @Test
  void whatAnotherFreesWhileASlowPathMakesRoomForItIsFreedByTheOtherAlone() {
    allocator = allocators.open(b -> b.hardened(true).sheafCapacity(2));
    for (CacheOptions options : kinds()) {
      AtomicLong onItsWay = new AtomicLong();
      List<Long> freedByAnother = new ArrayList<>();
      List<Long> refused = new ArrayList<>();
      KmemCache root = allocator.createCache(options);
      KmemCache child =
          root.in(
              new FakeAccount(0x5000, 10_000) {
                @Override
                public void uncharge(OwnedCache cache, long pages) {
                  super.uncharge(cache, pages);
                  long object = onItsWay.getAndSet(0);
                  if (object > 0) {
                    CompletableFuture.runAsync(() -> root.free(object)).join();
                    freedByAnother.add(object);
                  }
                }
              });
      int count = (1 << 20) / options.objectBytes(); // so many that slabs are given back
      for (long object : take(child, count)) {
        onItsWay.set(object);
        try {
          child.free(object);
        } catch (IllegalArgumentException e) {
          refused.add(object);
        }
      }
      onItsWay.set(0);

      assertFalse(refused.isEmpty());
      assertEquals(freedByAnother, refused);
      child.shrink();
      assertEquals(0, child.stats().usedObjects());
      assertEquals(count, new HashSet<>(take(child, count)).size(), "each is handed out once");
    }
  }

  @Test
  void whatIsInASheafIsRefusedByItsSlab() {
    for (CacheOptions options : kinds()) {
      KmemCache kind = allocator.createCache(options);
      long object = kind.alloc();
      kind.free(object);

      assertThrows(IllegalArgumentException.class, () -> kind.store().putOne(object));
      kind.shrink();

      assertEquals(0, kind.stats().usedObjects());
    }
  }

  @Test
  void aPinnedThreadIsRefusedToo() {
    try (Pin pin = allocator.pin()) {
      long object = cache.tryAlloc(pin);
      long again = cache.tryAlloc(pin);
      cache.free(pin, again);
      cache.free(pin, object);

      assertThrows(IllegalArgumentException.class, () -> cache.free(pin, object));

      assertEquals(0, cache.stats().usedObjects());
    }
  }

  @Test
  void virtualThreadsAreRefusedToo() throws InterruptedException {
    Thread.ofVirtual()
        .start(
            () -> {
              long object = cache.alloc();
              cache.free(object);
              assertThrows(IllegalArgumentException.class, () -> cache.free(object));
            })
        .join();

    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void whetherAnObjectIsFreeIsKnown() {
    List<Long> objects = take(cache, 2);
    cache.free(objects.get(1));

    assertEquals("in use", allocator.describe(objects.get(0)).state());
    assertEquals("free", allocator.describe(objects.get(1)).state());
  }

  // ------------------------------------------------------------------ wrong addresses, damage

  @Test
  void foreignAndInteriorAddressesAndThoseOfAnotherCacheAreRefused() {
    long object = cache.alloc();
    KmemCache other = allocator.createCache("other", 64);

    assertAll(
        () -> assertThrows(IllegalArgumentException.class, () -> cache.free(object + 8)),
        () -> assertThrows(IllegalArgumentException.class, () -> cache.free(object + 1)),
        () -> assertThrows(IllegalArgumentException.class, () -> cache.free(0x1234_5678L)),
        () -> assertThrows(IllegalArgumentException.class, () -> other.free(object)));
    cache.free(0);
    cache.free(object);
  }

  @Test
  void anOverwrittenHeaderIsFoundByTheNextFree() {
    List<Long> objects = take(cache, 3);
    long slab = allocator.describe(objects.getFirst()).slab();
    for (long offset : new long[] {Slab.CACHE, Slab.COOKIE}) {
      long before = Memory.getLong(slab + offset);
      Memory.putLong(slab + offset, ~before);

      var report = assertThrows(CorruptionException.class, () -> cache.free(objects.getFirst()));

      assertTrue(report.getMessage().contains("header"), report.getMessage());
      Memory.putLong(slab + offset, before);
    }
    cache.free(objects.getFirst());
  }

  @Test
  void anOverwrittenMarkIsReportedAndTheSlabNeverReused() {
    KmemCache tiny = allocator.createCache("tiny", 8);
    List<Long> objects = take(tiny, tiny.geometry().objects());
    long slab = allocator.describe(objects.getFirst()).slab();
    Memory.fill(slab + Slab.HEADER_BYTES, tiny.geometry().markBytes(), (byte) 0x41);

    var report = assertThrows(CorruptionException.class, () -> tiny.free(objects.getFirst()));

    String text = report.getMessage();
    assertTrue(text.contains("\"tiny\"") && text.contains("0x41"), text);
    assertTrue(text.contains(Long.toHexString(objects.getFirst())), text);
    assertTrue(Slab.isFrozen(slab));
    take(tiny, 1000).forEach(at -> assertNotEquals(slab, allocator.describe(at).slab()));
  }

  @Test
  void aLinkThatLeadsToAnObjectInUseIsNotFollowed() {
    List<Long> objects = take(cache, cache.geometry().objects());
    objects.subList(2, objects.size()).forEach(cache::free);
    cache.shrink();
    long slab = allocator.describe(objects.getFirst()).slab();
    int inUse = cache.geometry().indexOf(slab, objects.getFirst());
    for (long free : objects.subList(2, objects.size())) {
      int index = cache.geometry().indexOf(slab, free);
      int code = cache.store().list().linkCode(slab, index);
      Memory.putShort(free, (short) (inUse ^ code));
    }

    var report = assertThrows(CorruptionException.class, () -> take(cache, 1000));

    assertTrue(report.getMessage().contains("not marked as free"), report.getMessage());
    assertTrue(Slab.isFrozen(slab));
    allocators.giveUp(allocator);
  }

  @Test
  void aLinkThatWasCopiedFromAnotherObjectIsHardlyEverOne() {
    long slab = 1L << 40;
    PartialList list = cache.store().list();
    int right = 0;
    for (int i = 0; i < 1000; i++) {
      int copied = 5 ^ list.linkCode(slab, i) ^ list.linkCode(slab, i + 1);
      right += copied < 62 ? 1 : 0;
    }

    assertTrue(right < 20, right + " of 1000 copies lead to an object");
  }

  // ------------------------------------------------------------------ order

  /** How many objects of 64 bytes lie right behind the one that was handed out before. */
  private static long inOrder(List<Long> objects) {
    return IntStream.range(1, objects.size())
        .filter(i -> objects.get(i) == objects.get(i - 1) + 64)
        .count();
  }

  @Test
  void aNewSlabHandsItsObjectsOutInRandomOrder() {
    int count = cache.geometry().objects();

    List<Long> first = take(cache, count).stream().map(at -> at % 4096).toList();
    List<Long> second = take(cache, count).stream().map(at -> at % 4096).toList();

    assertEquals(count, new HashSet<>(first).size());
    assertTrue(inOrder(first) < count / 4);
    assertTrue(inOrder(second) < count / 4);
    assertNotEquals(first, second);
  }

  @Test
  void withAConstructorTheOrderIsRandomToo() {
    KmemCache constructed =
        allocator.createCache(
            CacheOptions.of("c", 64).constructor(at -> Memory.fill(at, 64, (byte) 7)));

    List<Long> objects = take(constructed, constructed.geometry().objects());

    assertTrue(inOrder(objects) < objects.size() / 4);
    objects.forEach(at -> assertEquals(0x0707_0707_0707_0707L, Memory.getLong(at)));
    objects.forEach(constructed::free);
    constructed.shrink();
  }

  @Test
  void byDefaultNothingIsHardened() {
    KmemCache plain = allocators.open().createCache("plain", 64);

    List<Long> objects = take(plain, plain.geometry().objects());

    assertNull(plain.store().guard());
    assertTrue(inOrder(objects) > objects.size() * 3 / 4);
  }

  // ------------------------------------------------------------------ zeroing

  private static boolean isZero(long address, long bytes) {
    for (long at = address; at < address + bytes; at++) {
      if (Memory.getByte(at) != 0) {
        return false;
      }
    }
    return true;
  }

  @Test
  void initOnAllocHandsOutZeroes() {
    for (int bytes : new int[] {8, 64, 3000, 100_000}) {
      for (boolean hardened : new boolean[] {false, true}) {
        for (int sheaf : new int[] {0, 62}) {
          allocator = allocators.open(b -> b.hardened(hardened).initOnAlloc().sheafCapacity(sheaf));
          for (int round = 0; round < 3; round++) {
            List<Long> blocks = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
              long block = allocator.alloc(bytes);
              assertTrue(isZero(block, allocator.usableSize(block)));
              Memory.fill(block, bytes, (byte) 0x41);
              blocks.add(block);
            }
            blocks.forEach(allocator::free);
          }
          KmemCache debugged =
              allocator.createCache(CacheOptions.of("d", Math.min(bytes, 5000)).debug(Debug.ALL));
          assertTrue(isZero(debugged.alloc(), debugged.objectBytes()));
          long[] many = new long[100];
          debugged.allocBulk(many, 0, 100);
          debugged.freeBulk(many, 0, 100);
        }
      }
    }
  }

  @Test
  void initOnFreeLeavesNothingBehindAndHandsOutZeroes() {
    for (int bytes : new int[] {8, 64, 3000, 100_000}) {
      for (boolean hardened : new boolean[] {false, true}) {
        for (int sheaf : new int[] {0, 62}) {
          allocator = allocators.open(b -> b.hardened(hardened).initOnFree().sheafCapacity(sheaf));
          for (int round = 0; round < 3; round++) {
            List<Long> blocks = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
              long block = allocator.alloc(bytes);
              assertTrue(isZero(block, allocator.usableSize(block)));
              Memory.fill(block, bytes, (byte) 0x41);
              blocks.add(block);
            }
            for (long block : blocks) {
              allocator.free(block);
              assertTrue(bytes <= 16 || isZero(block + 16, bytes - 16), "but for link and key");
            }
          }
        }
      }
    }
  }

  @Test
  void whatAConstructorMadeIsLeftAloneUntilItsPagesGoBack() {
    allocator = allocators.open(b -> b.initOnAlloc().initOnFree());
    KmemCache constructed =
        allocator.createCache(
            CacheOptions.of("c", 64)
                .constructor(
                    at -> {
                      assertTrue(isZero(at, 64), "it begins with zeroes");
                      Memory.fill(at, 64, (byte) 7);
                    }));
    List<Long> objects = take(constructed, constructed.geometry().objects());
    objects.forEach(constructed::free);
    objects.forEach(at -> assertEquals(0x0707_0707_0707_0707L, Memory.getLong(at)));
    take(constructed, objects.size())
        .forEach(at -> assertEquals(0x0707_0707_0707_0707L, Memory.getLong(at)));
    objects.forEach(constructed::free);

    constructed.shrink();

    objects.forEach(at -> assertTrue(isZero(at, 64)));
  }

  @Test
  void manyAtOnceAreHardenedToo() {
    allocator = allocators.open(b -> b.hardened(true).initOnAlloc());
    cache = allocator.createCache("bulk", 64);
    long[] objects = new long[300];
    for (int round = 0; round < 3; round++) {
      cache.allocBulk(objects, 0, 300);
      for (long object : objects) {
        assertTrue(isZero(object, 64));
        Memory.fill(object, 64, (byte) 0x41);
      }
      cache.freeBulk(objects, 0, 300);
    }

    long object = cache.alloc();
    long[] twice = {object, object};
    assertThrows(IllegalArgumentException.class, () -> cache.freeBulk(twice, 0, 2));
    assertFalse(allocator.live().objects().containsKey("bulk"));
  }

  @Test
  void childrenAreHardenedAndAnyHandleFrees() {
    var account = new FakeAccount(4096, 100);
    KmemCache child = cache.in(account);
    long object = child.alloc();
    long other = cache.alloc();
    child.free(other);
    cache.free(object);

    assertThrows(IllegalArgumentException.class, () -> cache.free(object));
    assertThrows(IllegalArgumentException.class, () -> child.free(other));
  }
}
