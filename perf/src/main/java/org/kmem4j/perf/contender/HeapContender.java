package org.kmem4j.perf.contender;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** {@code new byte[n]} on the Java heap; freeing forgets the array. */
class HeapContender extends ObjectContender {
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final byte[][] arrays;
  private final long usedBefore;

  HeapContender(int cells) {
    arrays = new byte[cells][];
    Runtime runtime = Runtime.getRuntime();
    usedBefore = runtime.totalMemory() - runtime.freeMemory();
  }

  @Override
  public long alloc(int cell, long bytes) {
    put(cell, new byte[(int) bytes]);
    return ORIGIN;
  }

  @Override
  public void free(int cell, long address, long bytes) {
    take(cell);
  }

  final void put(int cell, byte[] array) {
    arrays[cell] = array;
  }

  final byte[] take(int cell) {
    byte[] array = arrays[cell];
    arrays[cell] = null;
    return array;
  }

  @Override
  public String version() {
    return Runtime.version().toString();
  }

  /** The committed heap less what the program had filled. */
  @Override
  long mappedBytes() {
    return Math.max(Runtime.getRuntime().totalMemory() - usedBefore, 0);
  }

  @Override
  public long getLong(int cell, long at) {
    return (long) LONG.get(arrays[cell], (int) (at - ORIGIN));
  }

  @Override
  public void putLong(int cell, long at, long value) {
    LONG.set(arrays[cell], (int) (at - ORIGIN), value);
  }

  @Override
  public byte getByte(int cell, long at) {
    return arrays[cell][(int) (at - ORIGIN)];
  }

  @Override
  public void putByte(int cell, long at, byte value) {
    arrays[cell][(int) (at - ORIGIN)] = value;
  }
}
