package org.kmem4j.perf.contender;

import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.ThreadFactory;

/**
 * Netty's direct buffers.
 *
 * <p>Netty keeps buffers for threads of its own, {@code FastThreadLocalThread}s: on others it is
 * slower, and nobody runs it there.
 */
final class NettyContender extends ObjectContender {
  private final Contender who;
  private final ByteBufAllocator allocator;
  private final ByteBuf[] buffers;

  private NettyContender(Contender who, ByteBufAllocator allocator, int cells) {
    this.who = who;
    this.allocator = allocator;
    this.buffers = new ByteBuf[cells];
  }

  static NettyContender pooled(int cells) {
    return new NettyContender(Contender.NETTY_POOLED, new PooledByteBufAllocator(true), cells);
  }

  static NettyContender adaptive(int cells) {
    return new NettyContender(Contender.NETTY_ADAPTIVE, new AdaptiveByteBufAllocator(true), cells);
  }

  /** Makes {@code FastThreadLocalThread}s. */
  @Override
  public ThreadFactory threads() {
    return new DefaultThreadFactory("netty", true);
  }

  @Override
  public long alloc(int cell, long bytes) {
    buffers[cell] = allocator.directBuffer((int) bytes, (int) bytes);
    return ORIGIN;
  }

  @Override
  public void free(int cell, long address, long bytes) {
    buffers[cell].release();
    buffers[cell] = null;
  }

  @Override
  public String version() {
    return who.version();
  }

  @Override
  long mappedBytes() {
    return ((ByteBufAllocatorMetricProvider) allocator).metric().usedDirectMemory();
  }

  @Override
  public long getLong(int cell, long at) {
    return buffers[cell].getLongLE((int) (at - ORIGIN));
  }

  @Override
  public void putLong(int cell, long at, long value) {
    buffers[cell].setLongLE((int) (at - ORIGIN), value);
  }

  @Override
  public byte getByte(int cell, long at) {
    return buffers[cell].getByte((int) (at - ORIGIN));
  }

  @Override
  public void putByte(int cell, long at, byte value) {
    buffers[cell].setByte((int) (at - ORIGIN), value);
  }
}
