package org.kmem4j.perf.contender;

import java.nio.ByteBuffer;
import org.agrona.BufferUtil;
import org.agrona.concurrent.UnsafeBuffer;

/** One block and a stack of the free offsets in it: what teams write today, for one thread. */
final class HandWrittenContender implements Allocator {
  private final UnsafeBuffer block;
  private final long origin;
  private final long[] free;
  private int freeCount;

  HandWrittenContender(int bytes, int cells) {
    ByteBuffer memory = BufferUtil.allocateDirectAligned(Math.multiplyExact(bytes, cells), 64);
    block = new UnsafeBuffer(memory);
    origin = block.addressOffset();
    free = new long[cells];
    for (int i = cells - 1; i >= 0; i--) {
      free[freeCount++] = (long) i * bytes;
    }
  }

  @Override
  public long alloc(int cell, long bytes) {
    return freeCount == 0 ? 0 : origin + free[--freeCount];
  }

  @Override
  public void free(int cell, long address, long bytes) {
    free[freeCount++] = address - origin;
  }

  @Override
  public String version() {
    return Contender.HAND_WRITTEN.version();
  }

  @Override
  public long peakMappedBytes() {
    return block.capacity();
  }

  @Override
  public long getLong(int cell, long at) {
    return block.getLong((int) (at - origin));
  }

  @Override
  public void putLong(int cell, long at, long value) {
    block.putLong((int) (at - origin), value);
  }

  @Override
  public byte getByte(int cell, long at) {
    return block.getByte((int) (at - origin));
  }

  @Override
  public void putByte(int cell, long at, byte value) {
    block.putByte((int) (at - origin), value);
  }
}
