package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.slab.SlabGeometry.Side;

/** How objects lie in a slab, for every size, alignment and kind of side words. Arithmetic only. */
final class SlabGeometryTest {
  private static final Side NONE = new Side(false, false, false, false, 0);
  private static final Side STATE = new Side(false, true, false, false, 0);
  private static final Side OWNER_AND_STATE = new Side(true, true, false, false, 0);
  private static final int[] ALIGNMENTS = {1, 8, 16, 64, 512, 4096};
  private static final int LARGEST = 32768;

  /** A slab of order 9 lies at a multiple of its size. */
  private static final long SLAB = 1L << 40;

  private static Stream<Side> sides() {
    return IntStream.range(0, 32)
        .mapToObj(
            bits ->
                new Side(
                    (bits & 1) != 0,
                    (bits & 2) != 0,
                    (bits & 6) == 6, // whose state is kept may be tracked
                    (bits & 8) != 0,
                    (bits & 16) * 4));
  }

  @ParameterizedTest
  @MethodSource("sides")
  void objectsLieInsideAlignedAndApart(Side side) {
    for (int align : ALIGNMENTS) {
      for (int size = 1; size <= LARGEST; size++) {
        SlabGeometry shape = SlabGeometry.best(size, align, side, 9);
        int last = shape.objects() - 1;
        boolean right =
            shape.objects() > 0
                && shape.stride() >= size
                && shape.stride() % align == 0
                && shape.stride() % 8 == 0
                && shape.addressOf(SLAB, 0) % align == 0
                && shape.stateWord(SLAB, last) + 8 <= sideEnd(shape, side)
                && Slab.HEADER_BYTES + shape.markBytes() <= shape.first()
                && (!side.mark() || marksAreApart(shape))
                && shape.addressOf(SLAB, last) + shape.stride() <= SLAB + shape.slabBytes();
        assertTrue(right, () -> "align=" + align + ", " + shape);
      }
    }
  }

  private static boolean marksAreApart(SlabGeometry shape) {
    int last = (shape.first() + (shape.objects() - 1) * shape.stride()) >>> shape.markShift();
    return shape.stride() >= 1 << shape.markShift() && last < shape.markBytes();
  }

  /** Without side words nothing is there that could lie wrong. */
  private static long sideEnd(SlabGeometry shape, Side side) {
    return side.equals(NONE) ? Long.MAX_VALUE : shape.addressOf(SLAB, 0);
  }

  @Test
  void marksLieBetweenHeaderAndWords() {
    SlabGeometry shape = SlabGeometry.of(0, 40, 8, new Side(true, true, false, true, 0));

    assertEquals(128, shape.markBytes(), "one for each 32 bytes");
    assertEquals(SLAB + Slab.HEADER_BYTES + 128, shape.ownerWord(SLAB, 0));
  }

  @Test
  void sideWordsLieBetweenHeaderAndObjectsAndApart() {
    SlabGeometry shape = SlabGeometry.of(0, 40, 8, OWNER_AND_STATE);

    assertAll(
        () -> assertEquals(SLAB + Slab.HEADER_BYTES, shape.ownerWord(SLAB, 0)),
        () -> assertEquals(SLAB + Slab.HEADER_BYTES + 8, shape.stateWord(SLAB, 0)),
        () -> assertEquals(SLAB + Slab.HEADER_BYTES + 16, shape.ownerWord(SLAB, 1)),
        () -> assertTrue(shape.hasState()),
        () -> assertTrue(shape.stateWord(SLAB, shape.objects() - 1) < shape.addressOf(SLAB, 0)));
  }

  @Test
  void anAddressHasANumberExactlyIfAnObjectBeginsThere() {
    for (int size = 1; size <= LARGEST; size = size < 200 ? size + 1 : size * 7 / 6) {
      SlabGeometry shape = SlabGeometry.best(size, 8, NONE, 9);
      for (int i = 0; i < shape.objects(); i++) {
        assertEquals(i, shape.indexOf(SLAB, shape.addressOf(SLAB, i)));
      }
      for (int offset = 0; offset < shape.slabBytes(); offset++) {
        int inside = offset - shape.first();
        boolean begins =
            inside >= 0
                && inside % shape.stride() == 0
                && inside / shape.stride() < shape.objects();
        int index = shape.indexOf(SLAB, SLAB + offset);
        boolean found = Integer.compareUnsigned(index, shape.objects()) < 0;
        if (begins != found) {
          throw new AssertionError("offset=" + offset + ", " + shape);
        }
      }
    }
  }

  @Test
  void theOrderIsTheSmallestThatWastesLittle() {
    for (int size = 1; size <= LARGEST; size++) {
      SlabGeometry best = SlabGeometry.best(size, 8, NONE, 9);
      for (int order = 0; order < best.order(); order++) {
        SlabGeometry smaller = SlabGeometry.of(order, size, 8, NONE);
        assertTrue(smaller == null || wastesMuch(smaller), () -> best + " is larger than needed");
      }
      assertTrue(!wastesMuch(best), () -> best + " wastes more than an eighth");
    }
  }

  private static boolean wastesMuch(SlabGeometry shape) {
    return shape.tailWaste() * SlabGeometry.MAX_WASTE_FRACTION > shape.slabBytes();
  }

  @Test
  void withoutLargerOrdersTheBestIsWhatFits() {
    for (int size = 1; size <= 4032; size++) {
      assertEquals(0, SlabGeometry.best(size, 8, NONE, 0).order());
    }

    assertEquals(1, SlabGeometry.best(4032, 8, NONE, 0).objects());
    assertNull(SlabGeometry.best(4033, 8, NONE, 0));
    assertNull(SlabGeometry.best(4032, 8, STATE, 0));
  }

  @Test
  void theLargestObjectFillsTheLargestSlab() {
    SlabGeometry shape = SlabGeometry.best(SlabGeometry.MAX_OBJECT_BYTES, 8, NONE, 9);

    assertEquals(1, shape.objects());
    assertEquals(9, shape.order());
    assertEquals(0, shape.tailWaste());
    assertNull(SlabGeometry.best(SlabGeometry.MAX_OBJECT_BYTES + 1, 8, NONE, 9));
  }

  @Test
  void theNumberOfObjectsFitsItsBits() {
    assertTrue(SlabGeometry.of(9, 1, 1, NONE).objects() <= Slab.MAX_OBJECTS);
  }
}
