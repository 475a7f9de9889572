package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/** The control of the validator: each kind of damage, planted, makes it fail. */
final class SlabValidatorTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private SlabAllocator allocator;
  private KmemCache cache;
  private List<Long> objects;

  /** A cache with full, partial and empty slabs, and objects in sheaves. */
  @BeforeEach
  void open() {
    allocator = allocators.open();
    cache = allocator.createCache("c", 200);
    objects = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      objects.add(cache.alloc());
    }
    for (int i = 100; i < 300; i += 3) {
      cache.free(objects.get(i));
    }
    cache.shrink();
    cache.free(objects.getFirst());
    cache.tryPrewarm(200);
    allocator.validate();
  }

  private long slabOf(int index) {
    return allocator.describe(objects.get(index)).slab();
  }

  private void assertSees(String part) {
    AssertionError error = assertThrows(AssertionError.class, allocator::validate);
    assertTrue(error.getMessage().contains(part), error.getMessage());
  }

  /** Overwrites a word, expects the validator to object, and puts the word back. */
  private void assertSeesWord(long word, long value, String part) {
    long before = Memory.getLong(word);
    Memory.putLong(word, value);
    assertSees(part);
    Memory.putLong(word, before);
    allocator.validate();
  }

  @Test
  void itSeesAWrongInuseCount() {
    long word = slabOf(1) + Slab.HEAD;
    long head = Memory.getLong(word);

    assertSeesWord(word, Slab.INUSE.set(head, Slab.INUSE.get(head) - 1), "inuse=");
  }

  @Test
  void itSeesASlabThatIsListedTwice() {
    long partial = slabOf(150);

    assertSeesWord(partial + Slab.NEXT, partial, "listed twice");
  }

  @Test
  void itSeesASlabThatIsOnNoList() {
    List<Long> others = new ArrayList<>();
    for (int i = 101; i < 300; i++) {
      others.add(slabOf(i));
    }
    long last =
        others.stream().filter(some -> Memory.getLong(some + Slab.NEXT) == 0).findFirst().get();
    long before = Memory.getLong(last + Slab.PREV);

    assertSeesWord(before + Slab.NEXT, 0, "");
  }

  @Test
  void itSeesAFreelistThatLeavesItsSlab() {
    int freed = 103;
    long object = objects.get(freed);

    assertSeesWord(object, Memory.getLong(object) ^ 0x4000, "freelist");
  }

  @Test
  void itSeesAForeignHeader() {
    assertSeesWord(slabOf(1), 0, "header");
    assertSeesWord(slabOf(1) + Slab.COOKIE, 1, "header");
  }

  @Test
  void itSeesWrongBooks() {
    assertSeesWord(cache.address() + KmemCache.PAGES, 1, "pages");
    assertSeesWord(cache.address() + KmemCache.INUSE, 1, "in use");
  }

  @Test
  void itSeesAnObjectThatLiesInASheafTwice() {
    cache.free(objects.getFirst());

    assertSees("twice");

    assertThrows(IllegalArgumentException.class, cache::shrink);
  }

  @Test
  void itSeesAnObjectThatIsInASheafAndOnAFreelist() {
    cache.shrink();
    cache.free(objects.getFirst());

    assertSees("freelist");

    assertEquals(objects.getFirst(), cache.alloc());
  }

  @Test
  void itSeesAWrongStateOfADebuggedObject() {
    KmemCache debug = allocator.createCache(CacheOptions.of("d", 100).debug(Debug.ALL));
    long object = debug.alloc();
    long slab = allocator.describe(object).slab();
    long word = debug.geometry().stateWord(slab, debug.geometry().indexOf(slab, object));

    assertSeesWord(word, Memory.getLong(word) ^ 1 << 16, "state");
  }

  @Test
  void itSeesALargeBlockWithoutOwner() {
    long block = allocator.alloc(100_000);

    assertSeesWord(cache.slabs.pages().ownerOfLarge(block), 0x40, "large blocks");
  }
}
