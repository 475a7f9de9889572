package org.kmem4j.perf.contender;

import org.kmem4j.perf.clib.CAllocator.Jemalloc;
import org.kmem4j.perf.clib.CLibrary;

/** jemalloc, if the system has it. */
final class JemallocContender extends SampledContender {
  @Override
  public long alloc(int cell, long bytes) {
    return Jemalloc.IT.malloc(bytes);
  }

  @Override
  public void free(int cell, long address, long bytes) {
    Jemalloc.IT.free(address);
  }

  @Override
  public String version() {
    return CLibrary.JEMALLOC.version();
  }

  @Override
  long mappedBytes() {
    CLibrary.mallctl("epoch", 1); // statistics stand still until a new epoch is written
    return CLibrary.mallctl("stats.mapped");
  }
}
