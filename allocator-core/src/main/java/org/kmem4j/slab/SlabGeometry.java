package org.kmem4j.slab;

import org.kmem4j.memory.Os;

/**
 * How objects of one size lie in a slab of 2^order pages: header, side words, objects, tail.
 *
 * @param order log2 of the slab's pages
 * @param stride distance between objects in bytes
 * @param first offset of the first object
 * @param objects how many there are
 * @param factor the multiplier by which {@link #indexOf} divides: the inverse of the stride's odd
 *     part, modulo the slab's size, in the highest bits. So multiples of that size, and with them
 *     the slab's own address, fall out of the product
 * @param side what is kept for each object between header and objects
 */
record SlabGeometry(int order, int stride, int first, int objects, int factor, Side side) {
  /**
   * What is kept besides the objects.
   *
   * @param owner a word for the object's account
   * @param state a word for its state, which links it while it is free
   * @param tracks words for who allocated and who freed it
   * @param lead bytes before the first object that nothing else is kept in
   * @param marks a byte that says where it is; all of them lie before all words
   */
  record Side(boolean owner, boolean state, boolean tracks, int lead, boolean marks) {
    static final Side NONE = new Side(false, false, false, 0, false);

    private int words() {
      return (owner ? 1 : 0) + (tracks ? 2 * TRACK_WORDS : 0) + (state ? 1 : 0);
    }

    /** Bytes of all marks: one for each piece of the slab as long as a power of two. */
    private int markBytes(int slabBytes, int stride) {
      return marks ? roundUp(slabBytes >>> markShift(stride), 8) : 0;
    }
  }

  private static final int TRACK_WORDS = (int) Tracks.BYTES / 8;

  /** Largest object of any cache: one object in the largest slab. */
  static final int MAX_OBJECT_BYTES = (Os.PAGE_BYTES << 9) - (int) Slab.HEADER_BYTES;

  static final int MAX_ALIGN = Os.PAGE_BYTES;

  /** Waste at the tail that makes a larger order worth while: one eighth of the slab. */
  static final int MAX_WASTE_FRACTION = 8;

  /** Fits as many objects as possible into a slab of the given order; null if not even one. */
  static SlabGeometry of(int order, int objectBytes, int align, Side side) {
    int bytes = Os.PAGE_BYTES << order;
    int stride = roundUp(Math.max(objectBytes, 8), Math.max(align, 8));
    int head = (int) Slab.HEADER_BYTES + side.markBytes(bytes, stride);
    int objects = (bytes - head - side.lead) / (stride + 8 * side.words());
    objects = Math.min(objects, Slab.MAX_OBJECTS);
    while (objects > 0 && first(head, objects, align, side) + objects * stride > bytes) {
      objects--;
    }
    return objects <= 0
        ? null
        : new SlabGeometry(
            order,
            stride,
            first(head, objects, align, side),
            objects,
            inverse(stride) << spareBits(order),
            side);
  }

  private static int first(int head, int objects, int align, Side side) {
    return roundUp(head + 8 * side.words() * objects + side.lead, Math.max(align, 8));
  }

  private static int roundUp(int value, int align) {
    return (value + align - 1) & -align;
  }

  /** The smallest order whose tail waste is at most an eighth; else the order that wastes least. */
  static SlabGeometry best(int objectBytes, int align, Side side, int maxOrder) {
    SlabGeometry best = null;
    for (int order = 0; order <= maxOrder; order++) {
      SlabGeometry candidate = of(order, objectBytes, align, side);
      if (candidate == null) {
        continue;
      }
      if (candidate.tailWaste() * MAX_WASTE_FRACTION <= candidate.slabBytes()) {
        return candidate;
      }
      if (best == null || candidate.wasteShare() < best.wasteShare()) {
        best = candidate;
      }
    }
    return best;
  }

  long addressOf(long slab, int index) {
    return slab + first + (long) index * stride;
  }

  /** Number of an object; if the address begins none, a number that is too large. */
  int indexOf(long slab, long object) {
    return Integer.rotateRight(((int) (object - slab) - first) * factor, turn());
  }

  /** Whether free objects are linked outside themselves, in their state words. */
  boolean hasState() {
    return side.state();
  }

  /** Whether each object has a mark. */
  boolean hasMarks() {
    return side.marks();
  }

  /** Address of an object's state word, the last of its side words. */
  long stateWord(long slab, int index) {
    return words(slab) + 8L * (index + 1) * side.words() - 8;
  }

  /** Where it is kept who allocated the object: the side words before its state word. */
  long allocTrack(long slab, int index) {
    return stateWord(slab, index) - 2 * Tracks.BYTES;
  }

  /** Where it is kept who freed the object last. */
  long freeTrack(long slab, int index) {
    return stateWord(slab, index) - Tracks.BYTES;
  }

  /** Address of the word for the object's account, the first of its side words. */
  long ownerWord(long slab, int index) {
    return words(slab) + 8L * index * side.words();
  }

  /** Bytes of the marks of all objects, which follow the header. */
  int markBytes() {
    return side.markBytes(slabBytes(), stride);
  }

  /** By how much the offset of an object is shifted to find its mark: no two have the same. */
  int markShift() {
    return markShift(stride);
  }

  private static int markShift(int stride) {
    return Integer.SIZE - 1 - Integer.numberOfLeadingZeros(stride);
  }

  private long words(long slab) {
    return slab + Slab.HEADER_BYTES + markBytes();
  }

  int slabBytes() {
    return Os.PAGE_BYTES << order;
  }

  int pages() {
    return 1 << order;
  }

  int tailWaste() {
    return slabBytes() - first - objects * stride;
  }

  private double wasteShare() {
    return (double) tailWaste() / slabBytes();
  }

  private static int inverse(int stride) {
    int odd = stride >>> Integer.numberOfTrailingZeros(stride);
    int inverse = odd; // correct in the lowest three bits; each step doubles them
    for (int i = 0; i < 4; i++) {
      inverse *= 2 - odd * inverse;
    }
    return inverse;
  }

  /** What {@link #factor} makes of the first object. */
  int origin() {
    return first * factor;
  }

  /** By how much the product is turned: what is no multiple of the stride gets its highest bits. */
  int turn() {
    return Integer.numberOfTrailingZeros(stride) + spareBits(order);
  }

  /** Bits of an int that an offset in a slab does not need. */
  private static int spareBits(int order) {
    return Integer.SIZE - Os.PAGE_SHIFT - order;
  }
}
