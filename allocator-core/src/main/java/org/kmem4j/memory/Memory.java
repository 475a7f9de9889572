package org.kmem4j.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Loads and stores at absolute addresses. The memory ordering is part of a method's name, as in
 * {@link VarHandle}; a name without one is a plain access.
 *
 * <p>Nothing is checked: a wrong address kills the process. Callers check ranges first (see {@code
 * PageAllocator}). Ordered accesses need natural alignment.
 */
public final class Memory {
  private static final MemorySegment ALL = Native.everything();
  private static final VarHandle LONG = JAVA_LONG.varHandle();
  private static final VarHandle INT = JAVA_INT.varHandle();
  private static final VarHandle BYTE = JAVA_BYTE.varHandle();

  /** Every user address is below it, on x86-64 and on AArch64 with 48 bits. */
  private static final long ADDRESS_BITS = 0xffff_ffff_ffffL;

  /** Up to here a loop fills: it makes no slice, which would be garbage on a hot path. */
  private static final long LOOP_BYTES = 16 << 10;

  private Memory() {}

  /**
   * The same address, in a form of which the compiler knows the range: accesses at small offsets
   * from it need no bounds check. One instruction, which saves two for each access.
   */
  public static long known(long address) {
    return address & ADDRESS_BITS;
  }

  public static byte getByte(long address) {
    return ALL.get(JAVA_BYTE, address);
  }

  public static void putByte(long address, byte value) {
    ALL.set(JAVA_BYTE, address, value);
  }

  public static short getShort(long address) {
    return ALL.get(JAVA_SHORT_UNALIGNED, address);
  }

  public static void putShort(long address, short value) {
    ALL.set(JAVA_SHORT_UNALIGNED, address, value);
  }

  public static int getInt(long address) {
    return ALL.get(JAVA_INT_UNALIGNED, address);
  }

  public static void putInt(long address, int value) {
    ALL.set(JAVA_INT_UNALIGNED, address, value);
  }

  public static long getLong(long address) {
    return ALL.get(JAVA_LONG_UNALIGNED, address);
  }

  public static void putLong(long address, long value) {
    ALL.set(JAVA_LONG_UNALIGNED, address, value);
  }

  public static byte getByteVolatile(long address) {
    return (byte) BYTE.getVolatile(ALL, address);
  }

  public static void putByteRelease(long address, byte value) {
    BYTE.setRelease(ALL, address, value);
  }

  public static int getIntOpaque(long address) {
    return (int) INT.getOpaque(ALL, address);
  }

  public static void putIntOpaque(long address, int value) {
    INT.setOpaque(ALL, address, value);
  }

  public static boolean casInt(long address, int expected, int value) {
    return INT.compareAndSet(ALL, address, expected, value);
  }

  public static long getLongOpaque(long address) {
    return (long) LONG.getOpaque(ALL, address);
  }

  public static void putLongOpaque(long address, long value) {
    LONG.setOpaque(ALL, address, value);
  }

  public static long getLongAcquire(long address) {
    return (long) LONG.getAcquire(ALL, address);
  }

  public static void putLongRelease(long address, long value) {
    LONG.setRelease(ALL, address, value);
  }

  public static long getLongVolatile(long address) {
    return (long) LONG.getVolatile(ALL, address);
  }

  public static void putLongVolatile(long address, long value) {
    LONG.setVolatile(ALL, address, value);
  }

  public static boolean casLong(long address, long expected, long value) {
    return LONG.compareAndSet(ALL, address, expected, value);
  }

  public static long getAndSetLong(long address, long value) {
    return (long) LONG.getAndSet(ALL, address, value);
  }

  public static long getAndAddLong(long address, long delta) {
    return (long) LONG.getAndAdd(ALL, address, delta);
  }

  /** Sets {@code bytes} bytes to one value. */
  public static void fill(long address, long bytes, byte value) {
    if (bytes > LOOP_BYTES) {
      ALL.asSlice(address, bytes).fill(value);
      return;
    }
    long word = (value & 0xffL) * 0x0101_0101_0101_0101L;
    long end = address + bytes;
    long at = address;
    for (; at <= end - 8; at += 8) {
      putLong(at, word);
    }
    for (; at < end; at++) {
      putByte(at, value);
    }
  }

  /** Copies bytes; the ranges may overlap. */
  public static void copy(long from, long to, long bytes) {
    MemorySegment.copy(ALL, from, ALL, to, bytes);
  }
}
