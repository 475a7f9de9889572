package org.kmem4j.perf.contender;

import java.lang.foreign.Arena;

/**
 * One {@code java.lang.foreign.Arena} for each object, closed to free it: confined when one thread
 * does it all, else shared, whose close stops every thread for a moment.
 */
final class ArenaContender extends SampledContender {
  private final Arena[] arenas;
  private final boolean shared;
  private final long mappedBefore = MallocContender.mapped();

  ArenaContender(int cells, boolean shared) {
    this.arenas = new Arena[cells];
    this.shared = shared;
  }

  @Override
  public long alloc(int cell, long bytes) {
    Arena arena = shared ? Arena.ofShared() : Arena.ofConfined();
    arenas[cell] = arena;
    return arena.allocate(bytes, Long.BYTES).address();
  }

  @Override
  public void free(int cell, long address, long bytes) {
    arenas[cell].close();
    arenas[cell] = null;
  }

  @Override
  public String version() {
    return Runtime.version().toString();
  }

  /** The JVM takes an arena's memory from malloc. */
  @Override
  long mappedBytes() {
    return MallocContender.mappedSince(mappedBefore);
  }
}
