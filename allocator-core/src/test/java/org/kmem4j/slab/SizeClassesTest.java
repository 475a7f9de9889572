package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;

/**
 * Allocation by size: what one gets is large enough, aligned, one's own, and not much too large.
 */
final class SizeClassesTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  @ParameterizedTest
  @ValueSource(ints = {0, 6})
  void everySizeGetsEnoughAndNotMuchMore(int maxOrder) {
    SlabAllocator allocator = allocators.open(b -> b.maxOrder(maxOrder));
    int largestClass = maxOrder == 0 ? 3584 : 32768;
    for (int size = 1; size <= 70_000; size++) {
      long block = allocator.alloc(size);
      long usable = allocator.usableSize(block);
      long most =
          size > largestClass
              ? (size + 4095) / 4096 * 4096
              : Math.max(size + 7, size + size / (size <= 2048 ? 8 : 4) + 1);
      long align = usable % 16 == 0 ? 16 : 8;
      if (usable < size || usable > most || block % align != 0) {
        throw new AssertionError("size=" + size + ", usable=" + usable + ", at " + block);
      }
      allocator.free(block);
    }
  }

  @Test
  void theClassIsTheSmallestThatHolds() {
    int before = 0;
    for (int size = 1; size <= SizeClasses.MAX_CLASS_BYTES; size++) {
      int bytes = SizeClasses.classBytes(size);
      assertTrue(bytes >= size && bytes >= before, "size " + size);
      assertEquals(bytes, SizeClasses.classBytes(bytes), "a class serves its own size");
      assertTrue(before == bytes || before == size - 1, "class " + before + " would hold " + size);
      before = bytes;
    }
    assertEquals(0, SizeClasses.classBytes(0));
    assertEquals(0, SizeClasses.classBytes(SizeClasses.MAX_CLASS_BYTES + 1));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -1, Integer.MIN_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 1})
  void aSizeThatIsNotPositiveIsRefused(long size) {
    SlabAllocator allocator = allocators.open();

    var tried = assertThrows(IllegalArgumentException.class, () -> allocator.tryAlloc(size));
    var error = assertThrows(IllegalArgumentException.class, () -> allocator.alloc(size));

    assertAll(
        () -> assertTrue(tried.getMessage().contains("size=" + size + ","), tried::getMessage),
        () -> assertTrue(error.getMessage().contains("accepted: 1 to"), error::getMessage));
  }

  @ParameterizedTest
  @ValueSource(longs = {(64 << 20) + 1, 1L << 32, 1L << 44, Long.MAX_VALUE - 1, Long.MAX_VALUE})
  void aSizeAboveTheCeilingIsRefusedWithNumbers(long size) {
    SlabAllocator allocator = allocators.open();

    assertEquals(0, allocator.tryAlloc(size));
    var error = assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(size));

    assertAll(
        () -> assertEquals(size, error.requestedBytes()),
        () -> assertEquals(64 << 20, error.maxBytes()),
        () -> assertTrue(error.getMessage().contains("kmem4j.max"), error::getMessage),
        () -> assertTrue(error.getMessage().contains("" + size), error::getMessage));
  }

  @Test
  void theWholeCeilingMayBeOneBlock() {
    SlabAllocator allocator = allocators.open();

    long block = allocator.alloc(64 << 20);

    Memory.putLong(block, 1);
    Memory.putLong(block + (64 << 20) - 8, 2);
    assertEquals(0, allocator.tryAlloc(1));
    allocator.free(block);
    assertNotEquals(0, allocator.tryAlloc(1));
  }

  @Test
  void aLargeAllocationUnderAPinIsRefusedLikeAnyOther() {
    SlabAllocator allocator = allocators.open();
    try (Pin pin = allocator.pin()) {
      assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(65 << 20));
      allocator.free(allocator.alloc(1 << 20));
      pin.renew();
    }
  }

  @ParameterizedTest
  @CsvSource({"31, 6, 62", "32, 0, 62", "33, 6, 0", "34, 0, 0", "35, 9, 510"})
  void randomUseAgreesWithAMapOfBlocks(long seed, int maxOrder, int sheaf) {
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    SlabAllocator allocator = allocators.open(b -> b.maxOrder(maxOrder).sheafCapacity(sheaf));
    TreeMap<Long, Block> live = new TreeMap<>();
    long liveBytes = 0;
    for (int step = 0; step < 40_000; step++) {
      boolean grow = liveBytes < (step / 8000 % 2 == 0 ? 30 << 20 : 4 << 20);
      if (grow == random.nextInt(10) > 2 || live.isEmpty()) {
        int size = size(random);
        long at = allocator.tryAlloc(size);
        assertNotEquals(0, at, "far from the ceiling");
        Block block = new Block(at, allocator.usableSize(at), step);
        assertApart(live, block);
        block.fill();
        live.put(at, block);
        liveBytes += block.bytes;
        if (step % 16 == 0) {
          assertDescribed(allocator, block, size);
        }
      } else {
        long somewhere = live.firstKey() + (long) (random.nextDouble() * span(live));
        Block block = live.floorEntry(somewhere).getValue();
        block.check();
        live.remove(block.at);
        liveBytes -= block.bytes;
        allocator.free(block.at);
      }
      if (step % 8000 == 7999) {
        allocator.validate();
        assertEquals(liveBytes, allocator.stats().usedBytes());
        assertEquals(live.size(), allocator.stats().usedObjects());
      }
    }

    live.values().forEach(Block::check);
    live.keySet().forEach(allocator::free);

    assertTrue(allocator.live().isEmpty());
    allocator.trim();
    assertEquals(0, allocator.stats().mappedBytes());
  }

  private static int size(Random random) {
    int kind = random.nextInt(1000);
    return kind < 2
        ? 1 + random.nextInt(3 << 20)
        : kind < 30
            ? 1 + random.nextInt(70_000)
            : kind < 300 ? 1 + random.nextInt(4000) : 1 + random.nextInt(256);
  }

  private static long span(TreeMap<Long, Block> live) {
    return live.lastKey() - live.firstKey() + 1;
  }

  private static void assertApart(TreeMap<Long, Block> live, Block block) {
    Map.Entry<Long, Block> before = live.floorEntry(block.at);
    Map.Entry<Long, Block> after = live.ceilingEntry(block.at);
    assertTrue(before == null || before.getKey() + before.getValue().bytes <= block.at);
    assertTrue(after == null || block.at + block.bytes <= after.getKey());
  }

  private static void assertDescribed(SlabAllocator allocator, Block block, int size) {
    Description first = allocator.describe(block.at);
    Description last = allocator.describe(block.at + block.bytes - 1);
    assertEquals(block.at, first.object());
    assertEquals(0, first.offset());
    assertEquals(block.at, last.object(), "size=" + size);
    assertEquals(block.bytes - 1, last.offset());
    assertNotEquals("free", first.state());
  }

  /** A block that knows what it holds: each byte of it. */
  private record Block(long at, long bytes, int id) {
    private long pattern(long offset) {
      return (id * 0x9E37_79B9_7F4A_7C15L) ^ offset;
    }

    void fill() {
      for (long offset = 0; offset < bytes; offset += step()) {
        Memory.putLong(at + offset, pattern(offset));
      }
      Memory.putLong(at + bytes - 8, pattern(-1));
    }

    void check() {
      for (long offset = 0; offset < bytes - 8; offset += step()) {
        assertEquals(pattern(offset), Memory.getLong(at + offset), "block " + id);
      }
      assertEquals(pattern(-1), Memory.getLong(at + bytes - 8), "block " + id);
    }

    /** Every word of what lies in slabs, every page of the rest. */
    private long step() {
      return bytes <= 4 * Os.PAGE_BYTES ? 8 : 512;
    }
  }
}
