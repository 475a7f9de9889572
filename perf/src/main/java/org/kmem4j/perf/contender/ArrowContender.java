package org.kmem4j.perf.contender;

import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.RootAllocator;

/**
 * Arrow's buffers. Of its two allocation managers, which exclude each other, this is {@code
 * arrow-memory-unsafe}: the other one needs a Netty of its own choice, with {@code
 * sun.misc.Unsafe}. Arrow rounds sizes up to powers of two, and accounts every buffer.
 */
final class ArrowContender extends ObjectContender {
  private final RootAllocator allocator = new RootAllocator(Long.MAX_VALUE);
  private final ArrowBuf[] buffers;

  ArrowContender(int cells) {
    buffers = new ArrowBuf[cells];
  }

  @Override
  public long alloc(int cell, long bytes) {
    buffers[cell] = allocator.buffer(bytes);
    return ORIGIN;
  }

  @Override
  public void free(int cell, long address, long bytes) {
    buffers[cell].close();
    buffers[cell] = null;
  }

  @Override
  public String version() {
    return Contender.ARROW.version();
  }

  /** What it accounts: each buffer is a malloc of its own. */
  @Override
  long mappedBytes() {
    return allocator.getAllocatedMemory();
  }

  @Override
  public long getLong(int cell, long at) {
    return buffers[cell].getLong(at - ORIGIN);
  }

  @Override
  public void putLong(int cell, long at, long value) {
    buffers[cell].setLong(at - ORIGIN, value);
  }

  @Override
  public byte getByte(int cell, long at) {
    return buffers[cell].getByte(at - ORIGIN);
  }

  @Override
  public void putByte(int cell, long at, byte value) {
    buffers[cell].setByte(at - ORIGIN, value);
  }

  @Override
  public void close() {
    allocator.close();
  }
}
