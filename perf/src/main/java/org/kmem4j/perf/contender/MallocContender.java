package org.kmem4j.perf.contender;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.invoke.MethodHandle;
import org.kmem4j.perf.clib.CAllocator.Malloc;
import org.kmem4j.perf.clib.CLibrary;

/** {@code malloc} of the C library that this JVM itself uses. */
public final class MallocContender extends SampledContender {
  private final long mappedBefore = mapped();

  @Override
  public long alloc(int cell, long bytes) {
    return Malloc.IT.malloc(bytes);
  }

  @Override
  public void free(int cell, long address, long bytes) {
    Malloc.IT.free(address);
  }

  @Override
  public String version() {
    return CLibrary.MALLOC.version();
  }

  /** What came on top of the JVM's own use: it allocates from the same heap. */
  @Override
  long mappedBytes() {
    return mappedSince(mappedBefore);
  }

  /** What came on top of a former {@link #mapped}, or -1 where that is not told. */
  static long mappedSince(long before) {
    return before < 0 ? -1 : Math.max(mapped() - before, 0);
  }

  /** What the process has mapped through malloc, by glibc's mallinfo2; elsewhere -1. */
  static long mapped() {
    return Mallinfo.TELLS ? Mallinfo.mapped() : -1;
  }

  /** {@code struct mallinfo2}: ten words, of which arena (0) and hblkhd (4) are mapped bytes. */
  private static final class Mallinfo {
    static final boolean TELLS = CLibrary.MALLOC.has("mallinfo2");
    private static final MemoryLayout STRUCT =
        MemoryLayout.structLayout(MemoryLayout.sequenceLayout(10, JAVA_LONG));
    private static final MethodHandle MALLINFO2 =
        TELLS ? CLibrary.MALLOC.function("mallinfo2", FunctionDescriptor.of(STRUCT)) : null;

    static long mapped() {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment info = (MemorySegment) MALLINFO2.invokeExact((SegmentAllocator) arena);
        return info.getAtIndex(JAVA_LONG, 0) + info.getAtIndex(JAVA_LONG, 4);
      } catch (Throwable e) {
        throw CLibrary.impossible(e);
      }
    }
  }
}
