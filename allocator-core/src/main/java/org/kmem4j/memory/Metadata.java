package org.kmem4j.memory;

import java.util.Arrays;

/**
 * Small native blocks that are no objects: structs and sheaves, in a range of their own. Blocks
 * come in powers of two from 64 to {@value #MAX_BYTES} bytes. The range is never unmapped
 * piecemeal, so a stale look reads an old value and never faults.
 *
 * <p>Any thread may call any method. No caller is on a fast path.
 */
public final class Metadata {
  public static final int MAX_BYTES = 4096;

  private static final int MIN_SHIFT = 6;

  private final long base;
  private final long bytes;

  /** Heads of the lists of free blocks, linked through their first word. Guarded by this. */
  private final long[] free = new long[7];

  private long top;
  private volatile long usedBytes;

  public Metadata(long bytes, String name) {
    this.base = Os.map(bytes, name);
    this.bytes = bytes;
    this.top = base;
    Os.tryHugePages(base, bytes, false);
  }

  /** A zeroed block of at least {@code size} bytes, or 0 if the range is used up. */
  public synchronized long tryAllocate(long size) {
    int shift = shift(size);
    int list = shift - MIN_SHIFT;
    long block = free[list];
    if (block != 0) {
      free[list] = Memory.getLong(block);
    } else if (top + (1L << shift) <= base + bytes) {
      block = top;
      top += 1L << shift;
    } else {
      return 0;
    }
    Memory.fill(block, 1L << shift, (byte) 0);
    usedBytes += 1L << shift;
    return block;
  }

  /** Takes a block back; {@code size} as it was asked for. */
  public synchronized void free(long block, long size) {
    assert contains(block) : "block=" + block;
    int shift = shift(size);
    Memory.putLong(block, free[shift - MIN_SHIFT]);
    free[shift - MIN_SHIFT] = block;
    usedBytes -= 1L << shift;
  }

  private static int shift(long size) {
    assert size > 0 && size <= MAX_BYTES : "size=" + size;
    return Math.max(MIN_SHIFT, 64 - Long.numberOfLeadingZeros(size - 1));
  }

  public boolean contains(long address) {
    return address - base >= 0 && address - base < bytes;
  }

  public long usedBytes() {
    return usedBytes;
  }

  /** Forgets every block; the memory reads as zeroes. */
  public synchronized void clear() {
    Arrays.fill(free, 0);
    top = base + bytes; // nothing more to give
    usedBytes = 0;
    Os.zero(base, bytes, "kmem4j closed");
  }

  /** Unmaps the range. A later access kills the process. */
  public synchronized void unmap() {
    top = base + bytes;
    Os.unmap(base, bytes);
  }
}
