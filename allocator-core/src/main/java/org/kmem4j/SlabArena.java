package org.kmem4j;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.agrona.collections.LongArrayList;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Native;
import org.kmem4j.slab.OutOfNativeMemoryException;

/**
 * An {@link Arena} over an allocator, so that any {@code java.lang.foreign} code can use it.
 * Segments are zeroed, as an arena promises, and live until {@link #close} frees them all.
 *
 * <p>A confined one may be used and closed by the thread that made it. A shared one by any; each of
 * its allocations takes a lock, and closing it makes the JVM stop all threads for a handshake (tens
 * of microseconds): share one arena among many segments.
 */
public final class SlabArena implements Arena {
  private final SlabAllocator allocator;
  private final Arena scope;

  /** Blocks to free at close. Guarded by itself. */
  private final LongArrayList blocks = new LongArrayList();

  private SlabArena(SlabAllocator allocator, Arena scope) {
    this.allocator = Objects.requireNonNull(allocator, "allocator");
    this.scope = scope;
  }

  /** An arena for the calling thread alone. */
  public static SlabArena confined(SlabAllocator allocator) {
    return new SlabArena(allocator, Arena.ofConfined());
  }

  /** An arena for any thread. */
  public static SlabArena shared(SlabAllocator allocator) {
    return new SlabArena(allocator, Arena.ofShared());
  }

  /**
   * A zeroed segment.
   *
   * @param bytes 0 or more
   * @param align a power of two
   * @throws OutOfNativeMemoryException if there is no room
   * @throws IllegalArgumentException if size or alignment is not accepted
   * @throws IllegalStateException after {@link #close}, of the arena or of the allocator
   * @throws WrongThreadException if the arena is confined to another thread
   */
  @Override
  public MemorySegment allocate(long bytes, long align) {
    if (bytes < 0 || align < 1 || Long.bitCount(align) != 1) {
      throw new IllegalArgumentException(
          "bytes="
              + bytes
              + ", align="
              + align
              + "; accepted: a size of 0 or more, and a power of two");
    }
    if (!scope.scope().isAlive()) {
      throw new IllegalStateException("the arena is closed");
    }
    long room = Math.max(bytes, 1) + (align <= 8 ? 0 : align - 8);
    long block = allocator.alloc(room > 0 ? room : Long.MAX_VALUE); // that is refused
    long address = (block + align - 1) & -align;
    MemorySegment segment = null;
    try {
      segment = Native.segment(address, bytes, scope); // checks thread and liveness
      Memory.fill(address, bytes, (byte) 0);
      synchronized (blocks) {
        if (!scope.scope().isAlive()) {
          throw new IllegalStateException("the arena was closed meanwhile");
        }
        blocks.addLong(block);
      }
      block = 0;
    } finally {
      allocator.free(block);
    }
    return segment;
  }

  @Override
  public MemorySegment.Scope scope() {
    return scope.scope();
  }

  /**
   * Ends every segment, then frees the memory.
   *
   * @throws IllegalStateException if it is closed already, or a segment is in use by native code;
   *     nothing is freed then
   * @throws WrongThreadException if the arena is confined to another thread
   */
  @Override
  public void close() {
    scope.close();
    synchronized (blocks) {
      for (int i = 0; i < blocks.size(); i++) {
        allocator.free(blocks.getLong(i));
      }
      blocks.clear();
    }
  }
}
