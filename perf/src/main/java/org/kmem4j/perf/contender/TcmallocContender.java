package org.kmem4j.perf.contender;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.kmem4j.perf.clib.CAllocator.Tcmalloc;
import org.kmem4j.perf.clib.CLibrary;

/** The tcmalloc of gperftools, if the system has it. */
final class TcmallocContender extends SampledContender {
  private static final MethodHandle PROPERTY =
      CLibrary.TCMALLOC.function(
          "MallocExtension_GetNumericProperty",
          FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

  @Override
  public long alloc(int cell, long bytes) {
    return Tcmalloc.IT.malloc(bytes);
  }

  @Override
  public void free(int cell, long address, long bytes) {
    Tcmalloc.IT.free(address);
  }

  @Override
  public String version() {
    return CLibrary.TCMALLOC.version();
  }

  @Override
  long mappedBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      long name = arena.allocateFrom("generic.heap_size").address();
      int known = (int) PROPERTY.invokeExact(name, value.address());
      return known != 0 ? value.get(JAVA_LONG, 0) : -1;
    } catch (Throwable e) {
      throw CLibrary.impossible(e);
    }
  }
}
