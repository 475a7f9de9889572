package org.kmem4j.perf.contender;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.util.concurrent.FastThreadLocalThread;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every contender must hold, whoever asks it. */
final class ContenderTest {
  private static final int CELLS = 300;

  private final long[] addresses = new long[CELLS];

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "STORMPOT")
  void objectsOfOneSizeAreDistinctAndWritable(Contender contender) {
    Assumptions.assumeTrue(contender.isInstalled(), contender::whatIsMissing);
    for (boolean manyThreads : new boolean[] {false, true}) {
      try (Allocator allocator = contender.open(48, CELLS, manyThreads)) {
        for (int round = 1; round <= 2; round++) { // The second one gets what the first gave back.
          checkRound(allocator, round, cell -> 48);
        }
        checkAccounts(allocator);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void objectsOfAnySizeAreDistinctAndWritable(Contender contender) {
    Assumptions.assumeTrue(contender.isOfAnySize(), "has one size only");
    Assumptions.assumeTrue(contender.isInstalled(), contender::whatIsMissing);
    try (Allocator allocator = contender.open(CELLS, false)) {
      for (int round = 1; round <= 2; round++) {
        checkRound(allocator, round, cell -> 8 + cell * 37 % 600);
      }
      checkAccounts(allocator);
    }
  }

  @Test
  void whoHasOneSizeOrNoneIsNotOpenedForAny() {
    for (Contender contender : Contender.values()) {
      if (!contender.isOfAnySize()) {
        assertThrows(IllegalArgumentException.class, () -> contender.open(CELLS, false));
      }
    }
    assertThrows(IllegalArgumentException.class, () -> Contender.STORMPOT.open(64, CELLS, false));
  }

  @ParameterizedTest
  @EnumSource
  void everyoneTellsNameAndVersion(Contender contender) {
    Assumptions.assumeTrue(contender.isInstalled(), contender::whatIsMissing);

    assertAll(
        () -> assertEquals(Optional.of(contender), Contender.named(contender.toString())),
        () -> assertFalse(contender.what().isBlank()),
        () -> assertNotEquals("unknown", contender.version()));
  }

  @Test
  void namesAreInCamelCase() {
    assertAll(
        () -> assertEquals("slab", Contender.SLAB.toString()),
        () -> assertEquals("nettyAdaptive", Contender.NETTY_ADAPTIVE.toString()),
        () -> assertFalse(Contender.names().contains("kmemCache"), Contender::names));
  }

  @Test
  void nettyIsMeasuredOnThreadsOfItsOwn() {
    try (Allocator netty = Contender.NETTY_POOLED.open(1, false);
        Allocator arrow = Contender.ARROW.open(1, false)) {
      assertInstanceOf(FastThreadLocalThread.class, netty.threads().newThread(() -> {}));
      assertEquals(Thread.class, arrow.threads().newThread(() -> {}).getClass());
    }
  }

  private interface Sizes {
    int of(int cell);
  }

  /** Fills all objects while all are live, then looks whether any was changed. */
  private void checkRound(Allocator allocator, int round, Sizes sizes) {
    for (int cell = 0; cell < CELLS; cell++) {
      addresses[cell] = allocator.alloc(cell, sizes.of(cell));
      assertNotEquals(0, addresses[cell]);
      for (int at = 0; at < sizes.of(cell); at++) {
        allocator.putByte(cell, addresses[cell] + at, (byte) (cell * 31 + round));
      }
    }
    if (allocator.hasAddresses()) {
      assertEquals(CELLS, Arrays.stream(addresses).distinct().count(), "distinct addresses");
    }
    for (int cell = 0; cell < CELLS; cell++) {
      for (int at = 0; at < sizes.of(cell); at++) {
        assertEquals((byte) (cell * 31 + round), allocator.getByte(cell, addresses[cell] + at));
      }
      allocator.putLong(cell, addresses[cell], cell);
      assertEquals(cell, allocator.getLong(cell, addresses[cell]));
      allocator.free(cell, addresses[cell], sizes.of(cell));
    }
  }

  private static void checkAccounts(Allocator allocator) {
    allocator.sampleMapped();
    assertAll(
        () -> assertTrue(allocator.peakMappedBytes() >= -1),
        () -> assertTrue(allocator.usedBytes() <= 0, "nothing is used any more"),
        () -> assertFalse(allocator.version().isBlank()));
  }
}
