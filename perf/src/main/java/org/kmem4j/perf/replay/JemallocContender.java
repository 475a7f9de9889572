package org.kmem4j.perf.replay;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** jemalloc, if the system has it. */
final class JemallocContender extends SampledContender {
  private static final SymbolLookup LIBRARY = Allocator.JEMALLOC.library();
  private static final MethodHandle MALLOC = Native.malloc(LIBRARY, "malloc");
  private static final MethodHandle FREE = Native.free(LIBRARY, "free");

  /** {@code int mallctl(name, old value, its length, new value, its length)}. */
  private static final MethodHandle MALLCTL =
      Native.function(
          LIBRARY,
          "mallctl",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  @Override
  public long alloc(int cell, long bytes) {
    try {
      return (long) MALLOC.invokeExact(bytes);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public void free(int cell, long address, long bytes) {
    try {
      FREE.invokeExact(address);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  public String version() {
    return Native.string(read("version"));
  }

  @Override
  long mappedBytes() {
    refreshStatistics();
    return read("stats.mapped");
  }

  private static long read(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      MemorySegment length = arena.allocateFrom(JAVA_LONG, JAVA_LONG.byteSize());
      long nameAddress = arena.allocateFrom(name).address();
      int error = (int) MALLCTL.invokeExact(nameAddress, value.address(), length.address(), 0L, 0L);
      return error == 0 ? value.get(JAVA_LONG, 0) : -1;
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** Statistics stand still until a new epoch is written. */
  private static void refreshStatistics() {
    try (Arena arena = Arena.ofConfined()) {
      long one = arena.allocateFrom(JAVA_LONG, 1).address();
      long nameAddress = arena.allocateFrom("epoch").address();
      int ignored = (int) MALLCTL.invokeExact(nameAddress, 0L, 0L, one, JAVA_LONG.byteSize());
    } catch (Throwable e) {
      throw impossible(e);
    }
  }
}
