package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/** Who pays: pages are charged to accounts, and, by the other seam, objects. */
final class AccountTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private final FakeAccount account = new FakeAccount(0x1000, 1000);
  private final FakeAccount other = new FakeAccount(0x2000, 1000);
  private SlabAllocator allocator;

  @BeforeEach
  void open() {
    allocator = allocators.open();
  }

  private static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  // ------------------------------------------------------------------ by page

  @Test
  void everySlabPageIsChargedAndUnchargedAgain() {
    KmemCache cache = allocator.createCache("c", 3000).in(account);

    List<Long> objects = take(cache, 100);

    assertEquals(cache.stats().pages(), account.usage());
    assertTrue(account.usage() >= 80);
    objects.forEach(cache::free);
    cache.shrink();
    assertEquals(0, account.usage());
  }

  @Test
  void theStructNamesThePayerInOneWord() {
    KmemCache root = allocator.createCache("c", 64);
    KmemCache child = root.in(account);

    assertAll(
        () -> assertEquals(0, Memory.getLong(root.address() + KmemCache.MEMCG)),
        () -> assertEquals(0x1000, Memory.getLong(child.address() + KmemCache.MEMCG)),
        () -> assertEquals(root.address(), Memory.getLong(child.address() + KmemCache.ROOT)),
        () ->
            assertEquals(child.address(), Memory.getLong(allocator.describe(child.alloc()).slab())),
        () -> assertSame(account, child.account()));
  }

  @Test
  void aRefusedChargeLeavesNoTrace() {
    KmemCache cache = allocator.createCache("c", 4000).in(account);
    account.setMax(3);
    List<Long> objects = take(cache, 3);
    long mapped = allocator.stats().mappedBytes();

    assertEquals(0, cache.tryAlloc());
    assertThrows(OutOfNativeMemoryException.class, cache::alloc);
    assertFalse(cache.tryPrewarm(10));
    assertFalse(cache.tryAllocBulk(new long[5], 0, 5));

    assertAll(
        () -> assertEquals(3, account.usage()),
        () -> assertEquals(3, cache.stats().usedObjects()),
        () -> assertEquals(mapped, allocator.stats().mappedBytes()));
    cache.free(objects.getFirst());
    assertNotEquals(0, cache.tryAlloc());
  }

  @Test
  void theAccountsOwnExceptionSaysWhoRefused() {
    KmemCache cache = allocator.createCache("c", 4000).in(account);
    account.setMax(3);

    var bulk =
        assertThrows(OutOfNativeMemoryException.class, () -> cache.allocBulk(new long[5], 0, 5));
    var warm = assertThrows(OutOfNativeMemoryException.class, () -> cache.prewarm(5));
    take(cache, 3);
    var one = assertThrows(OutOfNativeMemoryException.class, cache::alloc);
    var large =
        assertThrows(OutOfNativeMemoryException.class, () -> allocator.in(account).alloc(100_000));

    for (var refusal : List.of(one, bulk, warm, large)) {
      assertEquals("the account's limit is 3", refusal.getMessage());
    }
  }

  @Test
  void theChildForAnAccountIsMadeOnce() {
    KmemCache root = allocator.createCache("c", 64);

    KmemCache child = root.in(account);

    assertSame(child, root.in(account));
    assertSame(child, child.in(account));
    assertSame(child, root.in(other).in(account));
    assertNotSame(child, root.in(other));
    assertThrows(NullPointerException.class, () -> root.in(null));
    assertSame(allocator.in(account), allocator.in(account));
    assertThrows(NullPointerException.class, () -> allocator.in(null));
  }

  @Test
  void anObjectMayBeFreedThroughAnyChildAndIsCreditedToItsOwn() {
    KmemCache root = allocator.createCache("c", 4000);
    KmemCache mine = root.in(account);
    KmemCache theirs = root.in(other);
    List<Long> objects = take(mine, 30);
    assertEquals(30, account.usage());

    objects.subList(0, 10).forEach(root::free);
    objects.subList(10, 20).forEach(theirs::free);
    objects.subList(20, 30).forEach(allocator::free);
    mine.shrink();
    theirs.shrink();
    root.shrink();

    assertEquals(0, account.usage());
    assertEquals(0, other.usage());
    assertEquals(0, root.stats().pages() + mine.stats().pages() + theirs.stats().pages());
  }

  @Test
  void anObjectOfAnotherRootIsAnErrorThatNamesBoth() {
    KmemCache cache = allocator.createCache("mine", 64);
    long object = allocator.createCache("theirs", 64).in(account).alloc();

    var error = assertThrows(IllegalArgumentException.class, () -> cache.free(object));

    assertTrue(error.getMessage().contains("\"mine\""), error.getMessage());
    assertTrue(error.getMessage().contains("\"theirs\""), error.getMessage());
    assertTrue(error.getMessage().contains(Long.toHexString(object)), error.getMessage());
  }

  @Test
  void destroyEndsTheChildrenToo() {
    KmemCache root = allocator.createCache("c", 64);
    KmemCache child = root.in(account);
    child.alloc();
    take(root, 2);

    assertEquals(3, root.destroy());

    assertThrows(IllegalStateException.class, child::alloc);
  }

  @Test
  void aChildThatWasDestroyedIsMadeAnew() {
    KmemCache root = allocator.createCache("c", 64);
    KmemCache child = root.in(account);
    child.free(child.alloc());
    child.destroy();
    assertEquals(0, account.usage());

    KmemCache next = root.in(account);

    assertNotSame(child, next);
    assertNotEquals(0, next.tryAlloc());
  }

  @Test
  void largeBlocksAreChargedByTheirPages() {
    SizeClasses sizes = allocator.in(account);

    long block = sizes.alloc(100_000);

    assertAll(
        () -> assertEquals(25, account.usage()),
        () -> assertEquals(1, allocator.stats().largeBlocks()),
        () -> assertEquals(25 * 4096, allocator.stats().usedBytes()),
        () -> assertEquals(1, allocator.live().largeBlocks()));
    allocator.free(block);
    assertEquals(0, account.usage());
  }

  @Test
  void aRefusedLargeBlockLeavesNoTrace() {
    account.setMax(10);
    SizeClasses sizes = allocator.in(account);

    assertEquals(0, sizes.tryAlloc(100_000));
    assertThrows(OutOfNativeMemoryException.class, () -> sizes.alloc(100_000));
    account.setMax(1 << 20);
    assertEquals(0, sizes.tryAlloc(128 << 20), "the ceiling refuses, not the account");

    assertEquals(0, account.usage());
    assertEquals(0, allocator.stats().usedBytes());
  }

  @Test
  void sizesOfAnAccountAreChargedToIt() {
    SizeClasses sizes = allocator.in(account);
    List<Long> blocks = new ArrayList<>();
    for (int size = 1; size < 40_000; size = size * 3 / 2 + 1) {
      blocks.add(sizes.alloc(size));
    }
    assertTrue(account.usage() > 0);

    blocks.forEach(allocator::free);
    allocator.trim();

    assertEquals(0, account.usage());
  }

  /** An account that uses the allocator whenever it is asked, as a reclaiming memcg does. */
  private final class Busy implements Account {
    private final KmemCache helper = allocator.createCache("helper", 500);
    private long usage;
    private long charges;
    private boolean inside;
    private int trims;

    @Override
    public long address() {
      return 0x3000;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      use();
      usage += pages;
      return charges++ % 3 != 0 || refuse(pages);
    }

    private boolean refuse(long pages) {
      usage -= pages;
      return false;
    }

    @Override
    public Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
      if (trims++ < 10) { // not for ever: it takes the slabs back that are being prewarmed
        allocator.trim(); // waits for a grace period: nobody may be inside a section or hold a lock
      }
      return null;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {
      usage -= pages;
      use();
    }

    private void use() {
      if (!inside) {
        inside = true;
        take(helper, 50).forEach(helper::free);
        allocator.free(allocator.alloc(50_000));
        inside = false;
      }
    }
  }

  @Test
  void anAccountMayUseTheAllocatorWhileItIsAsked() {
    Busy busy = new Busy();
    KmemCache cache = allocator.createCache("c", 3000).in(busy);
    for (int round = 0; round < 3; round++) {
      List<Long> objects = take(cache, 100);
      assertEquals(cache.stats().pages(), busy.usage);
      objects.forEach(cache::free);
      cache.prewarm(50);
      cache.shrink();
    }

    assertEquals(0, busy.usage);
  }

  @Test
  void prewarmingEndsThoughAllThatIsMadeIsTakenBack() {
    KmemCache cache = allocator.createCache("c", 2000).in(new Trimming());

    assertFalse(cache.tryPrewarm(100));

    cache.shrink();
    assertEquals(0, cache.stats().pages());
  }

  /** Takes back whatever is free each time before it grants more. */
  private final class Trimming implements Account {
    @Override
    public long address() {
      return 0x4000;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      allocator.trim();
      return true;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {}
  }

  @Test
  void underAPinAnAccountMayUseTheAllocatorToo() {
    Busy busy = new Busy();
    KmemCache cache = allocator.createCache("c", 3000).in(busy);
    try (Pin pin = allocator.pin()) {
      List<Long> objects = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        long object = cache.tryAlloc(pin);
        objects.add(object != 0 ? object : cache.alloc());
      }
      objects.forEach(object -> cache.free(pin, object));
    }

    cache.shrink();
    assertEquals(0, busy.usage);
  }

  // ------------------------------------------------------------------ by object

  /** Writes the number of the charge into the object's word. */
  private static final class Tokens implements ObjectAccount {
    long bytes;
    long max = Long.MAX_VALUE;
    long calls;
    RuntimeException failure;

    @Override
    public boolean tryCharge(long ownerWord, long stride) {
      assertEquals(0, Memory.getLong(ownerWord), "the word is 0 before");
      if (failure != null) {
        throw failure;
      }
      if (bytes + stride > max) {
        return false;
      }
      bytes += stride;
      Memory.putLong(ownerWord, ++calls);
      return true;
    }

    @Override
    public void uncharge(long ownerWord, long stride) {
      assertNotEquals(0, Memory.getLong(ownerWord), "what was stored is still there");
      bytes -= stride;
      if (failure != null) {
        throw failure;
      }
    }
  }

  @Test
  void eachObjectIsChargedAndKeepsItsPayersWord() {
    Tokens tokens = new Tokens();
    KmemCache cache = allocator.createCache(CacheOptions.of("c", 64).objectAccount(tokens));

    List<Long> objects = take(cache, 200);
    objects.forEach(object -> Memory.fill(object, 64, (byte) -1));

    assertEquals(200 * 64, tokens.bytes);
    objects.forEach(cache::free);
    assertEquals(0, tokens.bytes);
  }

  private static void assertRefusedByTheAccount(long bytes, OutOfNativeMemoryException refusal) {
    assertEquals(
        "no memory for " + bytes + " bytes: the object account of cache \"c\" refused them",
        refusal.getMessage(),
        "it was not the ceiling");
    assertEquals(bytes, refusal.requestedBytes());
  }

  @Test
  void aRefusedObjectLeavesNoTrace() {
    Tokens tokens = new Tokens();
    tokens.max = 640;
    KmemCache cache = allocator.createCache(CacheOptions.of("c", 64).objectAccount(tokens));
    List<Long> objects = take(cache, 10);

    assertEquals(0, cache.tryAlloc());
    assertFalse(cache.tryAllocBulk(new long[5], 0, 5));
    var one = assertThrows(OutOfNativeMemoryException.class, cache::alloc);
    var many =
        assertThrows(OutOfNativeMemoryException.class, () -> cache.allocBulk(new long[5], 0, 5));
    assertRefusedByTheAccount(64, one);
    assertRefusedByTheAccount(5 * 64, many);

    assertEquals(10, cache.stats().usedObjects());
    cache.free(objects.getFirst());
    assertNotEquals(0, cache.tryAlloc());
  }

  @Test
  void anObjectAccountThatThrowsLeavesNoTrace() {
    Tokens tokens = new Tokens();
    tokens.failure = new IllegalStateException("no");
    KmemCache cache = allocator.createCache(CacheOptions.of("c", 64).objectAccount(tokens));

    assertThrows(IllegalStateException.class, cache::tryAlloc);

    assertEquals(0, cache.stats().usedObjects());
  }

  @Test
  void anObjectAccountThatThrowsWhenItIsUnchargedKeepsNoObject() {
    SlabAllocator hardened = allocators.open(b -> b.hardened(true));
    for (SlabAllocator each : List.of(allocator, hardened)) {
      for (Set<Debug> debug : List.of(Debug.NONE, Debug.ALL)) {
        Tokens tokens = new Tokens();
        KmemCache cache =
            each.createCache(CacheOptions.of("c", 64).objectAccount(tokens).debug(debug));
        long object = cache.alloc();
        tokens.failure = new IllegalStateException("no");

        assertThrows(IllegalStateException.class, () -> cache.free(object));

        assertEquals(0, cache.stats().usedObjects());
        tokens.failure = null;
        take(cache, 200).forEach(cache::free);
      }
    }
  }

  @Test
  void bothSeamsDebuggingAndAConstructorGoTogether() {
    Tokens tokens = new Tokens();
    KmemCache cache =
        allocator
            .createCache(
                CacheOptions.of("c", 100)
                    .objectAccount(tokens)
                    .debug(Debug.ALL)
                    .constructor(object -> Memory.fill(object, 100, (byte) 5)))
            .in(account);

    List<Long> objects = take(cache, 300);

    assertEquals(cache.stats().pages(), account.usage());
    assertEquals(300L * cache.stats().stride(), tokens.bytes);
    objects.forEach(object -> assertEquals(5, Memory.getByte(object + 99)));
    objects.forEach(cache::free);
    assertThrows(IllegalArgumentException.class, () -> cache.free(objects.getFirst()));
    assertEquals(0, tokens.bytes);
  }
}
