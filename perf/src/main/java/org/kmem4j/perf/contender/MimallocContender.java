package org.kmem4j.perf.contender;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.kmem4j.perf.clib.CAllocator.Mimalloc;
import org.kmem4j.perf.clib.CLibrary;

/** Microsoft's mimalloc, if the system has it. */
final class MimallocContender extends SampledContender {
  /** Takes eight pointers to words, null for those not wanted; the sixth is current commit. */
  private static final MethodHandle PROCESS_INFO =
      CLibrary.MIMALLOC.function(
          "mi_process_info",
          FunctionDescriptor.ofVoid(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
              JAVA_LONG));

  @Override
  public long alloc(int cell, long bytes) {
    return Mimalloc.IT.malloc(bytes);
  }

  @Override
  public void free(int cell, long address, long bytes) {
    Mimalloc.IT.free(address);
  }

  @Override
  public String version() {
    return CLibrary.MIMALLOC.version();
  }

  /** What mimalloc says it has committed: what it reserves is far more and costs nothing. */
  @Override
  long mappedBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment commit = arena.allocate(JAVA_LONG);
      PROCESS_INFO.invokeExact(0L, 0L, 0L, 0L, 0L, commit.address(), 0L, 0L);
      return commit.get(JAVA_LONG, 0);
    } catch (Throwable e) {
      throw CLibrary.impossible(e);
    }
  }
}
