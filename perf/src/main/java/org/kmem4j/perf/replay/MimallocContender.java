package org.kmem4j.perf.replay;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Microsoft's mimalloc, if the system has it. */
final class MimallocContender extends SampledContender {
  private static final SymbolLookup LIBRARY = Allocator.MIMALLOC.library();
  private static final MethodHandle MALLOC = Native.malloc(LIBRARY, "mi_malloc");
  private static final MethodHandle FREE = Native.free(LIBRARY, "mi_free");
  private static final MethodHandle VERSION =
      Native.function(LIBRARY, "mi_version", FunctionDescriptor.of(JAVA_INT));

  /** Takes eight pointers to words, null for those not wanted; the sixth is current commit. */
  private static final MethodHandle PROCESS_INFO =
      Native.function(
          LIBRARY,
          "mi_process_info",
          FunctionDescriptor.ofVoid(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
              JAVA_LONG));

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
    try {
      int version = (int) VERSION.invokeExact();
      return "%d.%d.%d".formatted(version / 100, version / 10 % 10, version % 10);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** What mimalloc says it has committed: what it reserves is far more and costs nothing. */
  @Override
  long mappedBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment commit = arena.allocate(JAVA_LONG);
      PROCESS_INFO.invokeExact(0L, 0L, 0L, 0L, 0L, commit.address(), 0L, 0L);
      return commit.get(JAVA_LONG, 0);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }
}
