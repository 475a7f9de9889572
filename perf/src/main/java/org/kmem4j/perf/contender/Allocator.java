package org.kmem4j.perf.contender;

import java.util.concurrent.ThreadFactory;
import org.kmem4j.perf.clib.Native;

/**
 * An allocator under test.
 *
 * <p>A replay names each live object by a small number, its cell. An allocator of native memory
 * ignores it; one that must keep a Java reference keeps it there. Each JVM replays with one
 * contender only, so the calls through this interface are compiled as direct ones.
 *
 * <p>Any thread may call any method; a cell is used by one thread at a time.
 */
public interface Allocator extends AutoCloseable {
  /** Allocates an object and returns its address, or 0 if the contender refuses. */
  long alloc(int cell, long bytes);

  void free(int cell, long address, long bytes);

  String version();

  /** The most address space held from the system until now, or -1 if the contender cannot tell. */
  long peakMappedBytes();

  /** Called now and then in a memory pass by those who only know what is mapped now. */
  default void sampleMapped() {}

  /** Bytes in objects that were not freed, or -1 if the contender cannot tell. */
  default long usedBytes() {
    return -1;
  }

  /** Makes the threads that its users would run it on. */
  default ThreadFactory threads() {
    return Thread::new;
  }

  /** Whether two live objects with the same address are an error. */
  default boolean hasAddresses() {
    return true;
  }

  // How an object's memory is reached: {@code at} is its address plus an offset into it.

  default long getLong(int cell, long at) {
    return Native.getLong(at);
  }

  default void putLong(int cell, long at, long value) {
    Native.putLong(at, value);
  }

  default byte getByte(int cell, long at) {
    return Native.getByte(at);
  }

  default void putByte(int cell, long at, byte value) {
    Native.putByte(at, value);
  }

  @Override
  default void close() {}
}
