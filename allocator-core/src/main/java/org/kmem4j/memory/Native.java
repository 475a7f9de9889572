package org.kmem4j.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The only class that calls restricted methods of {@code java.lang.foreign}: whatever could crash
 * the JVM passes through here.
 */
@SuppressWarnings("restricted")
public final class Native {
  private static final Linker LINKER = Linker.nativeLinker();

  private Native() {}

  /** All of memory as one segment. An address is an offset into it. */
  static MemorySegment everything() {
    try {
      return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    } catch (IllegalCallerException e) {
      throw missingFlag(e);
    }
  }

  /** A call to a function of the C library, or null if the library does not have it. */
  static MethodHandle find(String name, FunctionDescriptor type, Linker.Option... options) {
    try {
      return LINKER
          .defaultLookup()
          .find(name)
          .map(function -> LINKER.downcallHandle(function, type, options))
          .orElse(null);
    } catch (IllegalCallerException e) {
      throw missingFlag(e);
    }
  }

  /**
   * A segment of {@code bytes} bytes at an address, alive as long as the arena is.
   *
   * @param address the first byte; the caller guarantees that all bytes are its own
   * @param bytes the length in bytes
   * @param arena whose scope and thread rules the segment takes
   */
  public static MemorySegment segment(long address, long bytes, Arena arena) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  /** The text that a C function returned a pointer to. */
  static String text(MemorySegment pointer) {
    return pointer.reinterpret(256).getString(0);
  }

  private static IllegalStateException missingFlag(IllegalCallerException cause) {
    Module module = Native.class.getModule();
    return new IllegalStateException(
        "Kmem4j may not call native code: start the JVM with --enable-native-access="
            + (module.isNamed() ? module.getName() : "ALL-UNNAMED"),
        cause);
  }
}
