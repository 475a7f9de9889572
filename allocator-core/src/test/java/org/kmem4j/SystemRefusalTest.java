package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.memory.Os;
import org.kmem4j.memory.OsException;
import org.kmem4j.memory.ReadOnlyFile;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;

/** The system gives no memory, though the ceiling would allow it. */
final class SystemRefusalTest {
  private static final long REGION = 2 << 20;
  private static final int COUNT = 10_000;

  @RegisterExtension private final Allocators allocators = new Allocators();

  private final long[] objects = new long[COUNT];
  private SlabAllocator allocator;
  private KmemCache cache;
  private long forbidden;

  /** An allocator whose third region the system refuses to make accessible. */
  @BeforeEach
  void open() {
    allocator = allocators.open();
    cache = allocator.createCache("c", 1000);
    long object = cache.alloc();
    cache.free(object);
    forbidden = (object & -REGION) + 2 * REGION;
    ReadOnlyFile.map(forbidden, REGION);
    assertThrows(OsException.class, () -> Os.protect(forbidden, REGION, true));
  }

  @AfterEach
  void allowIt() {
    Os.mapZero(forbidden, REGION, "kmem4j test");
  }

  @Test
  void inTheMiddleOfABulkAllocationNothingIsTakenAndTheReasonTold() {
    assertFalse(cache.tryAllocBulk(objects, 0, COUNT));
    var refusal =
        assertThrows(OutOfNativeMemoryException.class, () -> cache.allocBulk(objects, 0, COUNT));

    String text = refusal.getMessage();
    assertAll(
        () -> assertTrue(text.contains("the system refused: mprotect(address=0x"), text),
        () -> assertTrue(text.contains(Long.toHexString(forbidden)), text),
        () -> assertTrue(text.contains("errno 13, Permission denied"), text),
        () -> assertEquals(OsException.class, refusal.getCause().getClass()),
        () -> assertEquals(0, allocator.stats().usedObjects()));
    allocator.validate();
  }

  @Test
  void singleObjectsAndLargeBlocksAreRefusedAlike() {
    while (cache.tryAlloc() != 0) {
      // until the second region is full
    }

    assertEquals(0, allocator.tryAlloc(100_000));
    var one = assertThrows(OutOfNativeMemoryException.class, cache::alloc);
    var large = assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(5 << 20));
    assertTrue(one.getMessage().contains("mprotect"), one.getMessage());
    assertTrue(large.getMessage().contains("mprotect"), large.getMessage());
  }

  @Test
  void onceTheSystemGivesAgainSoDoWe() {
    assertFalse(cache.tryAllocBulk(objects, 0, COUNT));
    allowIt();

    cache.allocBulk(objects, 0, COUNT);

    assertEquals(COUNT, allocator.stats().usedObjects());
    var atTheCeiling =
        assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(1L << 30));
    assertNull(atTheCeiling.getCause(), "what the system once said is not to blame");
    cache.freeBulk(objects, 0, COUNT);
  }

  @Test
  void withoutAddressSpaceNoAllocatorIsOpenedAndTheCallIsNamed() {
    List<long[]> taken = new ArrayList<>();
    for (long bytes = 1L << 46; bytes >= 1L << 26; bytes /= 2) {
      try {
        while (taken.size() < 1000) {
          taken.add(new long[] {Os.reserve(bytes, 4096, "kmem4j test"), bytes});
        }
      } catch (OsException e) {
        // the next smaller
      }
    }
    try {
      assumeTrue(taken.size() < 1000, "this system has more address space than we can take");

      var refusal = assertThrows(OsException.class, () -> allocators.open());

      String text = refusal.getMessage();
      assertTrue(text.startsWith("mmap(bytes="), text);
      assertTrue(text.endsWith("failed: errno 12, Cannot allocate memory"), text);
    } finally {
      taken.forEach(range -> Os.unmap(range[0], range[1]));
    }
  }
}
