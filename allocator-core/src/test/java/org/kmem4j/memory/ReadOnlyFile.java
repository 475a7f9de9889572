package org.kmem4j.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** For tests: a mapping that nobody can make writable, so that the system refuses memory there. */
public final class ReadOnlyFile {
  private static final int PROT_READ = 1;
  private static final int MAP_SHARED = 0x1;
  private static final int MAP_FIXED = 0x10;

  private static final MethodHandle OPEN =
      Native.find(
          "open",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE =
      Native.find("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle MMAP =
      Native.find(
          "mmap",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));

  private ReadOnlyFile() {}

  /** Replaces what is mapped; {@link Os#mapZero} ends it. */
  public static void map(long address, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      int file = (int) OPEN.invokeExact(arena.allocateFrom("/etc/passwd"), 0);
      long at =
          (long) MMAP.invokeExact(address, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0L);
      int closed = (int) CLOSE.invokeExact(file);
      if (file < 0 || at != address || closed != 0) {
        throw new IllegalStateException("file=" + file + ", at=" + at + ", closed=" + closed);
      }
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
