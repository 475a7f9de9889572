package org.kmem4j.memory;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A struct yields offsets and its page; bits yield and replace values inside a word. */
final class StructTest {
  @Test
  void fieldsFollowEachOtherAtTheirNaturalAlignment() {
    Struct struct = Struct.named("s", "For the test.");

    assertAll(
        () -> assertEquals(0, struct.octet("a", "one byte")),
        () -> assertEquals(4, struct.half("b", "four, after a gap")),
        () -> assertEquals(8, struct.word("c", "eight")),
        () -> assertEquals(16, struct.octet("d", "one more")));
    struct.nextLine();
    assertEquals(64, struct.word("e", "on a line of its own"));
    assertEquals(128, struct.end(64));
  }

  @Test
  void thePageHasARowForEachFieldAndEachRunOfBits() {
    Struct struct = Struct.named("thing", "What it is.");
    struct.word("head", "two in one");
    struct.bits("low", 16, "lower ones");
    struct.bits("flag", 1, "one bit");
    struct.end(8);

    assertEquals(
        """
        ## `thing` (8 bytes)

        What it is.

        | offset | size | field | meaning |
        |---:|---:|---|---|
        | 0 | 8 | `head` | two in one |
        | 0 bit 0–15 | 16 bit | ↳ `low` | lower ones |
        | 0 bit 16 | 1 bit | ↳ `flag` | one bit |
        """,
        struct.toMarkdown());
  }

  @ParameterizedTest
  @CsvSource({"0, 16", "16, 15", "31, 1", "33, 31", "63, 1", "0, 1"})
  void bitsAreReplacedWithoutTouchingTheOthers(int shift, int width) {
    Bits bits = new Bits(shift, width);
    for (long word : new long[] {0, -1, 0x0123_4567_89ab_cdefL}) {
      for (int value : new int[] {0, 1, bits.mask(), bits.mask() / 2}) {
        long changed = bits.set(word, value);
        assertEquals(value, bits.get(changed));
        assertEquals(word, bits.set(changed, bits.get(word)));
      }
    }
  }

  @Test
  void aValueThatDoesNotFitIsOurMistake() {
    assertThrows(AssertionError.class, () -> new Bits(3, 4).set(0, 16));
  }
}
