package org.kmem4j;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.stress.Crew;

/**
 * Arenas over an allocator: they keep what {@code java.lang.foreign} promises, and leak nothing.
 */
final class SlabArenaTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private SlabAllocator allocator;

  @BeforeEach
  void open() {
    allocator = allocators.open();
  }

  private long used() {
    return allocator.stats().usedObjects();
  }

  @Test
  void segmentsAreZeroedThoughTheMemoryWasUsed() {
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      blocks.add(allocator.alloc(1000));
      Memory.fill(blocks.getLast(), 1000, (byte) -1);
    }
    blocks.forEach(allocator::free);

    try (SlabArena arena = SlabArena.confined(allocator)) {
      for (int i = 0; i < 100; i++) {
        MemorySegment segment = arena.allocate(1000);
        assertEquals(1000, segment.byteSize());
        assertEquals(-1, segment.mismatch(MemorySegment.ofArray(new byte[1000])));
      }
      assertEquals(100, used());
    }
    assertEquals(0, used());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 4, 8, 16, 32, 64, 128, 512, 4096, 8192, 65_536})
  void segmentsAreAligned(long align) {
    try (SlabArena arena = SlabArena.confined(allocator)) {
      for (int size = 0; size < 5000; size = size * 2 + 1) {
        MemorySegment segment = arena.allocate(size, align);
        assertEquals(0, segment.address() % align);
        assertEquals(size, segment.byteSize());
        segment.fill((byte) 7);
      }
    }
    assertEquals(0, used());
  }

  @Test
  void theWholeLengthIsTheSegments() {
    try (SlabArena arena = SlabArena.confined(allocator)) {
      List<MemorySegment> segments = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        segments.add(arena.allocate(1 + i * 7, 1L << i % 10));
        segments.getLast().fill((byte) i);
      }

      for (int i = 0; i < 300; i++) {
        for (long at = 0; at < segments.get(i).byteSize(); at++) {
          assertEquals((byte) i, segments.get(i).get(JAVA_BYTE, at));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"-1, 8", "8, 0", "8, -8", "8, 3", "8, 12"})
  void aBadSizeOrAlignmentIsRefused(long size, long align) {
    try (SlabArena arena = SlabArena.confined(allocator)) {
      var error = assertThrows(IllegalArgumentException.class, () -> arena.allocate(size, align));

      assertTrue(error.getMessage().contains("bytes=" + size + ", align=" + align));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "9223372036854775807, 1",
    "9223372036854775807, 4096",
    "1000, 4611686018427387904",
    "100000000, 8"
  })
  void whatCannotBeHadIsRefusedAndLeaksNothing(long size, long align) {
    try (SlabArena arena = SlabArena.confined(allocator)) {
      assertThrows(OutOfNativeMemoryException.class, () -> arena.allocate(size, align));
    }

    assertEquals(0, used());
  }

  @Test
  void afterTheEndSegmentsAndArenaThrowAndNothingLeaks() {
    SlabArena arena = SlabArena.confined(allocator);
    MemorySegment segment = arena.allocate(JAVA_LONG);
    arena.close();

    assertThrows(IllegalStateException.class, () -> segment.get(JAVA_LONG, 0));
    assertThrows(IllegalStateException.class, () -> arena.allocate(8));
    assertThrows(IllegalStateException.class, arena::close);
    assertEquals(0, used());
  }

  @Test
  void aConfinedArenaBelongsToItsThread() throws InterruptedException {
    SlabArena arena = SlabArena.confined(allocator);
    MemorySegment segment = arena.allocate(8);
    Crew crew = new Crew();

    crew.start(
        () -> {
          assertThrows(WrongThreadException.class, () -> segment.get(JAVA_BYTE, 0));
          assertThrows(WrongThreadException.class, () -> arena.allocate(8));
          assertThrows(WrongThreadException.class, arena::close);
        });
    crew.join();

    assertEquals(1, used(), "the refused one left nothing");
    arena.close();
  }

  @Test
  void aSharedArenaServesAllThreads() throws InterruptedException {
    SlabArena arena = SlabArena.shared(allocator);
    Crew crew = new Crew();
    for (int i = 0; i < 4; i++) {
      crew.start(
          () -> {
            for (int k = 0; k < 500; k++) {
              arena.allocate(100).fill((byte) 1);
            }
          });
    }
    crew.join();
    assertEquals(2000, used());

    arena.close();

    assertEquals(0, used());
  }

  @Test
  void whoeverAllocatesWhileASharedArenaClosesGetsASegmentOrAnError() throws InterruptedException {
    for (int round = 0; round < 50; round++) {
      SlabArena arena = SlabArena.shared(allocator);
      Crew crew = new Crew();
      crew.start(
          () -> {
            try {
              while (true) {
                arena.allocate(64);
              }
            } catch (IllegalStateException e) {
              // closed
            }
          });
      Thread.sleep(1);

      arena.close();

      crew.join();
      assertEquals(0, used());
    }
  }

  @Test
  void foreignCodeMayUseIt() {
    try (SlabArena arena = SlabArena.confined(allocator)) {
      MemorySegment text = arena.allocateFrom("grüße");
      MemorySegment numbers = arena.allocate(JAVA_LONG, 10);

      assertEquals("grüße", text.getString(0));
      assertEquals(80, numbers.byteSize());
      assertNotEquals(0, numbers.address());
      assertTrue(arena.scope().isAlive());
    }
  }
}
