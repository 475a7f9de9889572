package org.kmem4j.memory;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Loads, stores and system calls at addresses of our own. */
final class MemoryTest {
  private static final long BYTES = 1 << 20;

  private final long base = Os.map(BYTES, "kmem4j test");

  @AfterEach
  void unmap() {
    Os.unmap(base, BYTES);
  }

  @Test
  void whatIsStoredIsLoadedWhateverTheOrdering() {
    long value = 0x0123_4567_89ab_cdefL;
    Memory.putLong(base + 1, value);
    Memory.putLongOpaque(base + 16, value);
    Memory.putLongRelease(base + 24, value);
    Memory.putLongVolatile(base + 32, value);
    Memory.putInt(base + 41, 42);
    Memory.putIntOpaque(base + 48, 43);
    Memory.putShort(base + 53, (short) -2);
    Memory.putByte(base + 55, (byte) -3);
    Memory.putByteRelease(base + 56, (byte) -4);

    assertAll(
        () -> assertEquals(value, Memory.getLong(base + 1)),
        () -> assertEquals(value, Memory.getLongOpaque(base + 16)),
        () -> assertEquals(value, Memory.getLongAcquire(base + 24)),
        () -> assertEquals(value, Memory.getLongVolatile(base + 32)),
        () -> assertEquals(42, Memory.getInt(base + 41)),
        () -> assertEquals(43, Memory.getIntOpaque(base + 48)),
        () -> assertEquals(-2, Memory.getShort(base + 53)),
        () -> assertEquals(-3, Memory.getByte(base + 55)),
        () -> assertEquals(-4, Memory.getByteVolatile(base + 56)),
        () -> assertEquals(base, Memory.known(base)));
  }

  @Test
  void readModifyWriteIsAtomicInName() {
    Memory.putLong(base, 5);

    assertAll(
        () -> assertFalse(Memory.casLong(base, 4, 9)),
        () -> assertTrue(Memory.casLong(base, 5, 6)),
        () -> assertEquals(6, Memory.getAndSetLong(base, 7)),
        () -> assertEquals(7, Memory.getAndAddLong(base, 3)),
        () -> assertEquals(10, Memory.getLong(base)),
        () -> assertTrue(Memory.casInt(base, 10, 11)),
        () -> assertFalse(Memory.casInt(base, 10, 12)));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 7, 8, 9, 63, 4096, 16_384, 16_385, 100_003})
  void fillSetsExactlyItsBytes(long bytes) {
    Memory.fill(base + 3, bytes, (byte) -7);

    for (long at = 0; at < bytes + 20; at++) {
      boolean inside = at >= 3 && at < 3 + bytes;
      assertEquals(inside ? -7 : 0, Memory.getByte(base + at));
    }
  }

  @Test
  void copiesMayOverlap() {
    for (int i = 0; i < 100; i++) {
      Memory.putByte(base + i, (byte) i);
    }

    Memory.copy(base, base + 10, 100);

    for (int i = 0; i < 100; i++) {
      assertEquals(i, Memory.getByte(base + 10 + i));
    }
  }

  // ------------------------------------------------------------------ the system

  @Test
  void givenBackMemoryReadsAsZeroAndIsGone() {
    Memory.fill(base, BYTES, (byte) 1);
    assertEquals(BYTES, Os.residentBytes(base, BYTES));

    Os.decommit(base, BYTES / 2);

    assertEquals(BYTES / 2, Os.residentBytes(base, BYTES));
    assertEquals(0, Memory.getLong(base));
    assertNotEquals(0, Memory.getLong(base + BYTES / 2));
  }

  @Test
  void reservationsAreAlignedAndUsableOncePermitted() {
    for (long align = 4096; align <= 2 << 20; align *= 2) {
      long reserved = Os.reserve(BYTES, align, "kmem4j test");
      assertEquals(0, reserved % align);
      Os.protect(reserved + 4096, 4096, true);
      Memory.putLong(reserved + 4096, 1);
      Os.mapZero(reserved, BYTES, "kmem4j test");
      assertEquals(0, Memory.getLong(reserved + 4096));
      Memory.putLong(reserved, 1);
      Os.unmap(reserved, BYTES);
    }
  }

  @Test
  void theSystemsRefusalNamesCallArgumentsAndReason() {
    var tooMuch = assertThrows(OsException.class, () -> Os.map(1L << 60, "too much"));
    var misaligned = assertThrows(OsException.class, () -> Os.decommit(base + 1, 4096));
    var nowhere = assertThrows(OsException.class, () -> Os.unmap(base + 1, 4096));

    assertAll(
        () -> assertEquals(12, tooMuch.errno()),
        () ->
            assertEquals(
                "mmap(bytes=" + (1L << 60) + ") failed: errno 12, Cannot allocate memory",
                tooMuch.getMessage()),
        () -> assertEquals(22, misaligned.errno()),
        () -> assertTrue(misaligned.getMessage().startsWith("madvise(address=0x")),
        () -> assertTrue(nowhere.getMessage().startsWith("munmap(address=0x")));
  }

  @Test
  void mappingsAreNamedWhereTheKernelCan() throws IOException {
    String maps = Files.readString(Path.of("/proc/self/maps"));

    assertTrue(!maps.contains("[anon:") || maps.contains("[anon:kmem4j test]"));
  }

  @Test
  void thePageSizeIsOurs() {
    assertEquals(1 << Os.PAGE_SHIFT, Os.PAGE_BYTES);
    Os.membarrier();
    assertFalse(Os.MEMBARRIER && !System.getProperty("os.name").contains("Linux"));
  }

  // ------------------------------------------------------------------ metadata

  @Test
  void metadataBlocksAreZeroedApartAndReused() {
    Metadata metadata = new Metadata(1 << 16, "kmem4j test");
    long first = metadata.tryAllocate(65);
    long second = metadata.tryAllocate(128);
    Memory.fill(first, 128, (byte) 1);
    assertEquals(0, Memory.getLong(second));
    assertEquals(256, metadata.usedBytes());

    metadata.free(first, 65);
    long again = metadata.tryAllocate(100);

    assertAll(
        () -> assertEquals(first, again, "the same power of two"),
        () -> assertEquals(0, Memory.getLong(again)),
        () -> assertEquals(0, Memory.getLong(again + 120)),
        () -> assertTrue(metadata.contains(second)),
        () -> assertFalse(metadata.contains(base)),
        () -> assertEquals(256, metadata.usedBytes()));
    metadata.unmap();
  }

  @Test
  void metadataRunsOutWithAZero() {
    Metadata metadata = new Metadata(1 << 16, "kmem4j test");
    for (int i = 0; i < 16; i++) {
      assertNotEquals(0, metadata.tryAllocate(4096));
    }

    assertEquals(0, metadata.tryAllocate(64));

    metadata.clear();
    assertEquals(0, metadata.tryAllocate(64));
    assertEquals(0, metadata.usedBytes());
    metadata.unmap();
  }
}
