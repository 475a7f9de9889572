package org.kmem4j.perf.torture;

import org.kmem4j.memory.Memory;
import org.kmem4j.perf.torture.Violation.Kind;
import org.kmem4j.slab.KmemCache;

/**
 * Where objects come from: a cache, or a child of one that a group pays for.
 *
 * @param constructed whether each object's first word is the constructor's
 */
record Source(KmemCache cache, boolean constructed) {
  private static final long CONSTRUCTED = 0x5AFE_C0DE_5AFE_C0DEL;

  static final int CONSTRUCTED_BYTES = 8;

  /** What the constructor does. */
  static void construct(long address) {
    Memory.putLong(address, address ^ CONSTRUCTED);
  }

  long bytes() {
    return cache.objectBytes();
  }

  /** The first byte that belongs to the owner of an object. */
  long from() {
    return constructed ? CONSTRUCTED_BYTES : 0;
  }

  /** Checks that an object is as its constructor left it. */
  void check(long address) {
    if (constructed && Memory.getLong(address) != (address ^ CONSTRUCTED)) {
      throw new Violation(
          Kind.CONTENTS, "the first word of 0x%x is not the constructor's".formatted(address));
    }
  }
}
