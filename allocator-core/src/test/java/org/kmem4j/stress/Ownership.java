package org.kmem4j.stress;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/**
 * Who owns what, kept outside the allocator: an address that is handed out while it has an owner,
 * or an object whose contents somebody else has changed, fails the test at once. Any thread.
 */
final class Ownership {
  private static final VarHandle OWNED = MethodHandles.arrayElementVarHandle(byte[].class);

  /** An object in the hands of the program. */
  record Owned(long address, long bytes, long seed) {}

  private final long base;
  private final byte[] owned;

  /**
   * @param maxBytes the ceiling of the allocator
   */
  Ownership(SlabAllocator allocator, long maxBytes) {
    long probe = allocator.alloc(8);
    long region = allocator.describe(probe).region();
    allocator.free(probe);
    this.base = (probe & -(2L << 20)) - (region << 21);
    this.owned = new byte[(int) ((2 * maxBytes + (4 << 20)) >>> 3)];
  }

  /** Notes that an address was handed out, and fills all of the object. */
  Owned take(long address, long bytes, long seed) {
    if ((address & 7) != 0 || !OWNED.compareAndSet(owned, index(address), (byte) 0, (byte) 1)) {
      throw new AssertionError("0x" + Long.toHexString(address) + " was handed out twice");
    }
    for (long at = 0; at + 8 <= bytes; at += 8) {
      Memory.putLong(address + at, seed + at * 0x9E3779B97F4A7C15L);
    }
    return new Owned(address, bytes, seed);
  }

  /** Checks all of the object and notes that it is about to be freed. */
  void give(Owned object) {
    check(object);
    if (!OWNED.compareAndSet(owned, index(object.address), (byte) 1, (byte) 0)) {
      throw new AssertionError(object + " has no owner");
    }
  }

  void check(Owned object) {
    for (long at = 0; at + 8 <= object.bytes; at += 8) {
      long expected = object.seed + at * 0x9E3779B97F4A7C15L;
      long found = Memory.getLong(object.address + at);
      if (found != expected) {
        throw new AssertionError(object + " at " + at + ": wrote " + expected + ", found " + found);
      }
    }
  }

  private int index(long address) {
    return Math.toIntExact((address - base) >>> 3);
  }
}
