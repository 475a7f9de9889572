package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.KmemCache;

/** The caller's mistakes: each is an exception that names the value, and harms nobody. */
final class BadInputTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private SlabAllocator allocator;
  private KmemCache cache;

  @BeforeEach
  void open() {
    allocator = allocators.open();
    cache = allocator.createCache("mine", 48);
  }

  private static void assertRefused(String part, Executable call) {
    var error = assertThrows(IllegalArgumentException.class, call);
    assertTrue(error.getMessage().contains(part), error.getMessage());
  }

  private static String hex(long address) {
    return "0x" + Long.toHexString(address);
  }

  // ------------------------------------------------------------------ caches

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE, 2 << 20, Integer.MAX_VALUE})
  void anObjectSizeOutOfRange(int bytes) {
    assertRefused(
        "objectBytes=" + bytes + ", accepted: 1 to", () -> allocator.createCache("c", bytes));
    assertRefused("objectBytes=" + bytes, () -> allocator.pool("c", bytes));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -8, 3, 12, 8192, Integer.MIN_VALUE})
  void anAlignmentThatIsNoPowerOfTwoInRange(int align) {
    assertRefused(
        "align=" + align + ", accepted: a power", () -> CacheOptions.of("c", 8).align(align));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "two words", "tab\t", "ümlaut"})
  void aNameThatCannotBePrinted(String name) {
    assertRefused("name=\"" + name + "\"", () -> allocator.createCache(name, 8));
  }

  @Test
  void noNameOrATooLongOne() {
    assertRefused("name=\"null\"", () -> allocator.createCache(null, 8));
    assertRefused("64", () -> allocator.createCache("x".repeat(65), 8));
  }

  // ------------------------------------------------------------------ addresses

  @Test
  void freeingNullDoesNothing() {
    cache.free(0);
    allocator.free(0);
    cache.freeBulk(new long[3], 0, 3);

    assertEquals(0, allocator.stats().usedObjects());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 7, 8, 16, 40, 47})
  void anAddressInsideAnObject(long offset) {
    long object = cache.alloc();

    String where = offset + " bytes inside the object at " + hex(object);
    assertAll(
        () -> assertRefused(where, () -> cache.free(object + offset)),
        () -> assertRefused(where, () -> allocator.free(object + offset)),
        () -> assertRefused(hex(object + offset), () -> allocator.usableSize(object + offset)),
        () -> assertRefused(where, () -> allocator.usableSize(object + offset)));
    assertEquals(1, cache.stats().usedObjects());
    cache.free(object);
  }

  @Test
  void anAddressInAHeaderOrTail() {
    cache = allocator.createCache("with-a-tail", 100);
    long object = cache.alloc();
    long slab = allocator.describe(object).slab();

    for (long offset : new long[] {0, 1, 8, 63}) {
      assertRefused("in the header", () -> cache.free(slab + offset));
      assertRefused("in the header", () -> allocator.free(slab + offset));
    }
    assertRefused("behind the last object", () -> cache.free(slab + 4095));
    assertRefused("behind the last object", () -> allocator.free(slab + 4088));
  }

  @Test
  void anAddressInsideALargeBlock() {
    long block = allocator.alloc(100_000);

    for (long offset : new long[] {1, 8, 4096, 99_999}) {
      String part = "lies in the large block at " + hex(block);
      assertRefused(part, () -> allocator.free(block + offset));
      assertRefused(part, () -> allocator.usableSize(block + offset));
      assertRefused(part, () -> cache.free(block + offset));
    }
    assertRefused("large block", () -> cache.free(block));
    allocator.free(block);
  }

  @Test
  void aLargeBlockTwice() {
    long block = allocator.alloc(100_000);
    allocator.free(block);

    assertRefused(hex(block), () -> allocator.free(block));
    assertRefused(hex(block), () -> allocator.usableSize(block));
  }

  @Test
  void anAddressOfAnotherAllocator() {
    SlabAllocator other = allocators.open();
    long object = other.createCache("theirs", 48).alloc();
    long block = other.alloc(1 << 20);

    for (long address : new long[] {object, block}) {
      assertRefused("lies outside this allocator", () -> cache.free(address));
      assertRefused("lies outside this allocator", () -> allocator.free(address));
      assertRefused("lies outside this allocator", () -> allocator.usableSize(address));
      assertEquals("foreign", allocator.describe(address).state());
    }
    assertEquals(2, other.stats().usedObjects());
  }

  @Test
  void anAddressOfNobody() {
    List<Long> addresses = new ArrayList<>(List.of(1L, 7L, 8L, 4096L, -1L, -8L, -4096L));
    addresses.addAll(List.of(Long.MIN_VALUE, Long.MAX_VALUE, 1L << 40, cache.address()));
    try (Arena arena = Arena.ofConfined()) {
      addresses.add(arena.allocate(64).address());
      for (long address : addresses) {
        assertRefused(hex(address), () -> cache.free(address));
        assertRefused(hex(address), () -> allocator.free(address));
        assertRefused(hex(address), () -> allocator.usableSize(address));
        assertEquals("foreign", allocator.describe(address).state());
        assertTrue(allocator.describe(address).toString().contains(hex(address)));
      }
    }
  }

  @Test
  void anAddressInAFreePageOrOneThatWasNeverUsed() {
    long block = allocator.alloc(1 << 20);
    allocator.free(block);
    long far = block + (60L << 20);

    for (long address : new long[] {block, block + 8, far}) {
      assertRefused("lies in no slab", () -> allocator.free(address));
      assertRefused("lies in no slab", () -> cache.free(address));
      assertEquals("unused", allocator.describe(address).state());
    }
  }

  @Test
  void anObjectOfAnotherCache() {
    long object = allocator.createCache("theirs", 48).alloc();

    assertRefused("belongs to cache \"theirs\"", () -> cache.free(object));

    assertDoesNotThrow(() -> allocator.free(object));
  }

  // ------------------------------------------------------------------ the builder

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 65_535, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 43})
  void aCeilingOutOfRange(long max) {
    assertRefused("kmem4j.max=" + max, () -> SlabAllocator.builder().max(max).build());
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 10, Integer.MAX_VALUE})
  void aMaxOrderOutOfRange(int order) {
    assertRefused(
        "kmem4j.maxOrder=" + order + " is not understood; accepted: a number from 0 to 9",
        () -> SlabAllocator.builder().maxOrder(order));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 511, Integer.MIN_VALUE})
  void aSheafCapacityOutOfRange(int objects) {
    assertRefused("kmem4j.sheaf=" + objects, () -> SlabAllocator.builder().sheafCapacity(objects));
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, -2, Long.MIN_VALUE})
  void aNegativeFrontBudget(long bytes) {
    assertRefused("kmem4j.fronts=" + bytes, () -> SlabAllocator.builder().frontBudget(bytes));
  }

  @Test
  void aDecayTimeOutOfRange() {
    var builder = SlabAllocator.builder();

    assertRefused("kmem4j.decay=-", () -> builder.decay(java.time.Duration.ofSeconds(-1)));
    assertRefused("at most a year", () -> builder.decay(java.time.Duration.ofDays(1000)));
  }

  @ParameterizedTest
  @CsvSource({"'a b'", "''", "'a*b'", "'a,,b'"})
  void debugPatternsThatNameNoCache(String pattern) {
    assertRefused("kmem4j.debug=" + pattern, () -> SlabAllocator.builder().debug(pattern));
  }

  @Test
  void aRefusedSettingLeavesTheBuilderAsItWas() {
    var builder = SlabAllocator.builder().max(1 << 20).onClose(report -> {});
    assertRefused("kmem4j.maxOrder", () -> builder.maxOrder(77));

    try (SlabAllocator built = builder.build()) {
      assertEquals(1 << 20, built.stats().maxBytes());
    }
  }
}
