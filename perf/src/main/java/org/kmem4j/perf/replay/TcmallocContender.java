package org.kmem4j.perf.replay;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** The tcmalloc of gperftools, if the system has it. */
final class TcmallocContender extends SampledContender {
  private static final SymbolLookup LIBRARY = Allocator.TCMALLOC.library();
  private static final MethodHandle MALLOC = Native.malloc(LIBRARY, "tc_malloc");
  private static final MethodHandle FREE = Native.free(LIBRARY, "tc_free");

  private static final MethodHandle PROPERTY =
      Native.function(
          LIBRARY,
          "MallocExtension_GetNumericProperty",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

  /** {@code char* tc_version(int* major, int* minor, char** patch)}. */
  private static final MethodHandle VERSION =
      Native.function(
          LIBRARY, "tc_version", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

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
      return Native.string((long) VERSION.invokeExact(0L, 0L, 0L));
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  @Override
  long mappedBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      long name = arena.allocateFrom("generic.heap_size").address();
      int known = (int) PROPERTY.invokeExact(name, value.address());
      return known != 0 ? value.get(JAVA_LONG, 0) : -1;
    } catch (Throwable e) {
      throw impossible(e);
    }
  }
}
