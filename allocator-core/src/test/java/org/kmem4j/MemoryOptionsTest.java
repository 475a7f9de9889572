package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.slab.KmemCache;

/** What the kernel says of our memory with pre-touching, locking and huge pages, and without. */
final class MemoryOptionsTest {
  private static final Path SMAPS = Path.of("/proc/self/smaps");
  private static final Path THREAD = Path.of("/proc/thread-self/stat");
  private static final long REGION = 2 << 20;

  @RegisterExtension private final Allocators allocators = new Allocators();

  @BeforeEach
  void onLinuxOnly() {
    assumeTrue(Files.isReadable(SMAPS) && Files.isReadable(THREAD));
  }

  /** The mapping that an address lies in, as the kernel describes it. */
  private record Mapping(List<String> lines) {
    static Mapping of(long address) throws IOException {
      List<String> all = Files.readAllLines(SMAPS);
      for (int i = 0; i < all.size(); i++) {
        String[] ends = all.get(i).split("[- ]", 3);
        if (ends[0].matches("[0-9a-f]+")
            && Long.compareUnsigned(address, Long.parseUnsignedLong(ends[0], 16)) >= 0
            && Long.compareUnsigned(address, Long.parseUnsignedLong(ends[1], 16)) < 0) {
          int end = i + 1;
          while (!all.get(end).startsWith("VmFlags:")) {
            end++;
          }
          return new Mapping(all.subList(i, end + 1));
        }
      }
      throw new AssertionError("0x" + Long.toHexString(address) + " is not mapped");
    }

    boolean hasFlag(String flag) {
      return (lines.getLast() + " ").contains(" " + flag + " ");
    }

    long bytes(String name) {
      for (String line : lines) {
        if (line.startsWith(name + ":")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
      throw new AssertionError("no " + name + " in " + lines);
    }
  }

  @Test
  void withoutOptionsMemoryComesWithItsFirstUseAndInSmallPages() throws IOException {
    SlabAllocator allocator = allocators.open();

    Mapping mapping = Mapping.of(allocator.createCache("c", 64).alloc());

    assertTrue(mapping.bytes("Rss") < REGION / 8, mapping::toString);
    assertFalse(mapping.hasFlag("hg") || mapping.hasFlag("lo"), mapping::toString);
  }

  @Test
  void aPreTouchedRegionIsInMemoryBeforeItsFirstUse() throws IOException {
    SlabAllocator allocator = allocators.open(builder -> builder.preTouch());

    Mapping mapping = Mapping.of(allocator.createCache("c", 64).alloc());

    assertEquals(REGION, mapping.bytes("Rss"), mapping::toString);
    assertEquals(REGION, allocator.stats().residentBytes());
    assertEquals(REGION, allocator.stats().mappedBytes(), "and booked");
  }

  @Test
  void lockedMemoryIsLockedAndStays() throws IOException {
    SlabAllocator allocator = allocators.open(builder -> builder.lockInMemory());
    long block = allocator.tryAlloc(100_000);
    assumeTrue(block != 0, "this user may not lock memory: see ulimit -l");

    Mapping mapping = Mapping.of(block);

    assertTrue(mapping.hasFlag("lo"), mapping::toString);
    assertEquals(REGION, mapping.bytes("Locked"), mapping::toString);
    allocator.free(block);
    assertEquals(0, allocator.trim(), "nothing is given back");
    assertEquals(REGION, Mapping.of(block).bytes("Locked"));
  }

  @Test
  void hugePagesAreAskedForOrRefusedByName() throws IOException {
    long small = allocators.open().alloc(100_000);
    long huge = allocators.open(builder -> builder.hugePages()).alloc(100_000);
    assumeTrue(Mapping.of(small).hasFlag("nh"), "this kernel has no transparent huge pages");

    assertTrue(Mapping.of(huge).hasFlag("hg"), () -> "not asked for");
  }

  /** Takes objects that fill a share of the memory, writes to each of their pages, frees them. */
  private static void round(KmemCache cache, long[] objects) {
    cache.allocBulk(objects, 0, objects.length);
    for (long object : objects) {
      Memory.putLong(object, object);
    }
    cache.freeBulk(objects, 0, objects.length);
  }

  /** Page faults of the calling thread so far that needed no disk. */
  private static long minorFaults() throws IOException {
    String stat = Files.readString(THREAD);
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[7]);
  }

  @Test
  void inASteadyStateThereAreNoPageFaults() throws IOException {
    SlabAllocator allocator = allocators.open(builder -> builder.neverDecay());
    KmemCache cache = allocator.createCache("c", 2000);
    long[] objects = new long[8000]; // 4 000 pages or more
    long before = minorFaults();
    round(cache, objects);
    long first = minorFaults() - before;

    for (int i = 0; i < 5; i++) {
      round(cache, objects); // and the compiler's work is done
    }
    before = minorFaults();
    for (int i = 0; i < 5; i++) {
      round(cache, objects);
    }
    long steady = minorFaults() - before;

    long pages = allocator.stats().mappedBytes() / Os.PAGE_BYTES;
    assertTrue(first >= pages, "each page once: " + first + " of " + pages);
    assertTrue(steady < pages / 100, steady + " faults in five rounds over " + pages + " pages");
  }
}
