package org.kmem4j.slab;

import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;

/**
 * {@code struct slab}: 2^order pages cut into objects of one cache. Static methods over the address
 * of the head page, which begins with this header.
 *
 * <p>Of the objects {@code 0 … carved-1} those that are free form a list through their first two
 * bytes (or through the side words, when a constructor forbids to write into free objects). The
 * rest has never been handed out or touched, so a new slab costs one write; but where objects are
 * handed out in random order, all of them are linked when the slab is new.
 *
 * <p>Invariant at rest: {@code inuse + length of the list + (objects - carved) == objects}. All
 * words but the first are guarded by the cache's lock; those marked constant may be read by anyone
 * who holds an object of the slab.
 */
final class Slab {
  private static final Struct SLAB = Struct.named("slab", "One run of pages serving one cache.");

  static final long CACHE = SLAB.word("cache", "address of the owning `kmem_cache`; constant");
  static final long ID = SLAB.half("id", "number of that cache; constant");
  static final long ORDER = SLAB.half("order", "log2 of the pages; constant");
  static final long NEXT = SLAB.word("next", "partial-list link; guarded by the cache's lock");
  static final long PREV = SLAB.word("prev", "partial-list link; guarded by the cache's lock");
  static final long HEAD = SLAB.word("head", "freelist and counters; guarded by the cache's lock");
  static final Bits FREE = SLAB.bits("free", 16, "index of the first free object, or NONE");
  static final Bits INUSE = SLAB.bits("inuse", 15, "objects allocated, sheaves included");
  static final Bits OBJECTS = SLAB.bits("objects", 15, "objects in the slab; constant");
  static final Bits CARVED =
      SLAB.bits("carved", 15, "objects that were handed out or linked; the rest is untouched");
  static final Bits LISTED = SLAB.bits("listed", 1, "on the partial list");
  static final Bits FROZEN = SLAB.bits("frozen", 1, "found corrupt: on no list, never reused");
  static final long COOKIE = SLAB.word("cookie", "the cache's cookie; constant");
  static final long HEADER_BYTES = SLAB.end(64);
  static final String LAYOUT = SLAB.toMarkdown();

  static final int MAX_OBJECTS = OBJECTS.mask();
  static final int NONE = FREE.mask();

  private Slab() {}

  /** Writes the header of an empty slab. */
  static void init(long slab, long cache, int id, long cookie, SlabGeometry geometry) {
    init(slab, cache, id, cookie, geometry.order());
    Memory.putLong(slab + HEAD, OBJECTS.set(FREE.set(0, NONE), geometry.objects()));
    Memory.fill(slab + HEADER_BYTES, geometry.first() - HEADER_BYTES, (byte) 0);
    Memory.fill(slab + HEADER_BYTES, geometry.markBytes(), Guard.IN_SLAB);
  }

  private static void init(long slab, long cache, int id, long cookie, int order) {
    Memory.putLong(slab + CACHE, cache);
    Memory.putInt(slab + ID, id);
    Memory.putInt(slab + ORDER, order);
    Memory.putLong(slab + NEXT, 0);
    Memory.putLong(slab + PREV, 0);
    Memory.putLong(slab + COOKIE, cookie);
  }

  /**
   * Writes a header anew that a program has overwritten: the slab is frozen, and as nobody knows
   * any more which of its objects are in use, all are.
   */
  static void freezeOverwritten(long slab, long cache, int id, long cookie, SlabGeometry geometry) {
    int all = geometry.objects();
    init(slab, cache, id, cookie, geometry.order());
    long word = OBJECTS.set(FREE.set(0, NONE), all);
    Memory.putLong(slab + HEAD, FROZEN.set(CARVED.set(INUSE.set(word, all), all), 1));
  }

  /** Forgets what the header said, so that a stale free finds no cache here. */
  static void wipe(long slab) {
    Memory.putLong(slab + CACHE, 0);
    Memory.putLong(slab + COOKIE, 0);
  }

  static int order(long slab) {
    return Memory.getInt(slab + ORDER);
  }

  static int id(long slab) {
    return Memory.getInt(slab + ID);
  }

  static long cache(long slab) {
    return Memory.getLong(slab + CACHE);
  }

  static int inuse(long slab) {
    return INUSE.get(Memory.getLong(slab + HEAD));
  }

  static int objects(long slab) {
    return OBJECTS.get(Memory.getLong(slab + HEAD));
  }

  static boolean isFrozen(long slab) {
    return FROZEN.get(Memory.getLong(slab + HEAD)) != 0;
  }
}
