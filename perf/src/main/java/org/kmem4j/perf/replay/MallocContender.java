package org.kmem4j.perf.replay;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** {@code malloc} of the C library that this JVM itself uses. */
final class MallocContender extends SampledContender {
  private static final SymbolLookup LIBC = Native.libc();
  private static final MethodHandle MALLOC = Native.malloc(LIBC, "malloc");
  private static final MethodHandle FREE = Native.free(LIBC, "free");

  private final long mappedBefore = mapped();

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
    if (LIBC.find("gnu_get_libc_version").isEmpty()) {
      return "of this system's C library";
    }
    try {
      MethodHandle version =
          Native.function(LIBC, "gnu_get_libc_version", FunctionDescriptor.of(JAVA_LONG));
      return "glibc " + Native.string((long) version.invokeExact());
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** What came on top of the JVM's own use: it allocates from the same heap. */
  @Override
  long mappedBytes() {
    return mappedBefore < 0 ? -1 : Math.max(mapped() - mappedBefore, 0);
  }

  /** What the process has mapped through malloc, by glibc's mallinfo2; elsewhere -1. */
  static long mapped() {
    return Mallinfo.TELLS ? Mallinfo.mapped() : -1;
  }

  /** {@code struct mallinfo2}: ten words, of which arena (0) and hblkhd (4) are mapped bytes. */
  private static final class Mallinfo {
    static final boolean TELLS = LIBC.find("mallinfo2").isPresent();
    private static final MemoryLayout STRUCT =
        MemoryLayout.structLayout(MemoryLayout.sequenceLayout(10, JAVA_LONG));
    private static final MethodHandle MALLINFO2 =
        TELLS ? Native.function(LIBC, "mallinfo2", FunctionDescriptor.of(STRUCT)) : null;

    static long mapped() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment info = (MemorySegment) MALLINFO2.invokeExact((SegmentAllocator) arena);
        return info.getAtIndex(JAVA_LONG, 0) + info.getAtIndex(JAVA_LONG, 4);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }
  }
}
