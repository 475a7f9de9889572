package org.kmem4j.perf.torture;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.torture.Violation.Kind;

/**
 * Who owns what, kept beside the allocator: one byte for each 8 bytes of memory says which worker
 * holds the object that begins there, and every word of an object says which object it is part of.
 * So an address that has two owners is found when the second one gets it, or when either frees it;
 * objects that overlap, and writes by whoever freed an object, are found when it is freed.
 *
 * <p>A CAS of the owner's byte is a full fence just before and after each operation, which might
 * hide what is looked for. So workers with an odd number use plain stores: two of them who get an
 * object at the very same moment may both pass, and one finds the other's words when it frees it.
 */
final class Ownership {
  private static final VarHandle OWNER = MethodHandles.arrayElementVarHandle(byte[].class);
  private static final long STEP = 0x9E37_79B9_7F4A_7C15L;

  /** Of a larger object each page's first word is looked at, and the last word. */
  private static final int FILLED_BYTES = 16 << 10;

  private static final int PAGE_BYTES = 4096;
  private static final int REGION_SHIFT = 21;

  private final long base;
  private final byte[] owners;

  Ownership(SlabAllocator allocator, long maxBytes) {
    long probe = allocator.alloc(8);
    long region = allocator.describe(probe).region();
    allocator.free(probe);
    this.base = (probe & -(1L << REGION_SHIFT)) - (region << REGION_SHIFT);
    this.owners = new byte[Math.toIntExact(bytesFor(maxBytes))];
  }

  /** Bytes of Java heap that it takes for a ceiling: an allocator reserves twice as much. */
  static long bytesFor(long maxBytes) {
    return (2 * maxBytes + (2L << REGION_SHIFT)) >>> 3;
  }

  /**
   * Notes that an object was handed out, and fills it.
   *
   * @param worker its number, from 1 to 127
   * @param from the first byte to fill: 8 where the first word belongs to the constructor
   */
  void take(int worker, long address, long from, long bytes, long tag) {
    long index = (address - base) >>> 3;
    if ((address & 7) != 0 || index < 0 || index >= owners.length) {
      throw new Violation(
          Kind.OWNER, "worker %d was given 0x%x, no address".formatted(worker, address));
    }
    byte before;
    if ((worker & 1) == 0) {
      before = (byte) OWNER.compareAndExchange(owners, (int) index, (byte) 0, (byte) worker);
    } else {
      before = (byte) OWNER.getOpaque(owners, (int) index);
      OWNER.setOpaque(owners, (int) index, (byte) worker);
    }
    if (before != 0) {
      throw new Violation(
          Kind.OWNER,
          "0x%x was handed out to worker %d while worker %d held it"
              .formatted(address, worker, before));
    }
    fill(address, from, bytes, tag);
  }

  /** Passes an object from one worker to another. */
  void pass(int to, long address) {
    OWNER.setOpaque(owners, (int) ((address - base) >>> 3), (byte) to);
  }

  /** Checks an object and notes that it is about to be freed. */
  void give(int worker, long address, long from, long bytes, long tag) {
    check(worker, address, from, bytes, tag);
    int index = (int) ((address - base) >>> 3);
    byte before;
    if ((worker & 1) == 0) {
      before = (byte) OWNER.compareAndExchange(owners, index, (byte) worker, (byte) 0);
    } else {
      before = (byte) OWNER.getOpaque(owners, index);
      OWNER.setOpaque(owners, index, (byte) 0);
    }
    if (before != worker) {
      throw new Violation(
          Kind.OWNER,
          "0x%x, which worker %d is about to free, belongs to worker %d"
              .formatted(address, worker, before));
    }
  }

  private static void fill(long address, long from, long bytes, long tag) {
    long filled = Math.min(bytes, FILLED_BYTES);
    for (long at = from; at < filled; at += 8) {
      Memory.putLong(address + at, tag + at * STEP);
    }
    if (bytes > filled) {
      for (long at = filled; at < bytes; at += PAGE_BYTES) {
        Memory.putLong(address + at, tag + at * STEP);
      }
      Memory.putLong(address + bytes - 8, tag + (bytes - 8) * STEP);
    }
  }

  private static void check(int worker, long address, long from, long bytes, long tag) {
    long filled = Math.min(bytes, FILLED_BYTES);
    for (long at = from; at < filled; at += 8) {
      checkWord(worker, address, at, tag);
    }
    if (bytes > filled) {
      for (long at = filled; at < bytes; at += PAGE_BYTES) {
        checkWord(worker, address, at, tag);
      }
      checkWord(worker, address, bytes - 8, tag);
    }
  }

  private static void checkWord(int worker, long address, long at, long tag) {
    long found = Memory.getLong(address + at);
    if (found != tag + at * STEP) {
      throw new Violation(
          Kind.CONTENTS,
          "worker %d wrote 0x%x at %d of 0x%x and found 0x%x there"
              .formatted(worker, tag + at * STEP, at, address, found));
    }
  }
}
