package org.kmem4j.memory;

/** A run of bits inside a word: how {@link Struct} describes several values in one CAS. */
public record Bits(int shift, int width) {
  /** The value of these bits in a word. */
  public int get(long word) {
    return (int) (word >>> shift) & mask();
  }

  /** The word with these bits replaced. */
  public long set(long word, int value) {
    assert (value & ~mask()) == 0 : "value=" + value + ", width=" + width;
    return (word & ~((long) mask() << shift)) | ((long) value << shift);
  }

  /** The largest value that fits. */
  public int mask() {
    return (1 << width) - 1;
  }
}
