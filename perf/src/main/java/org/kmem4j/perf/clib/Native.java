package org.kmem4j.perf.clib;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Optional;

/** Native memory by address, and functions of C libraries. */
@SuppressWarnings("restricted") // The only class of this module that needs native access.
public final class Native {
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final Linker LINKER = Linker.nativeLinker();

  private Native() {}

  public static long getLong(long address) {
    return MEMORY.get(JAVA_LONG_UNALIGNED, address);
  }

  public static void putLong(long address, long value) {
    MEMORY.set(JAVA_LONG_UNALIGNED, address, value);
  }

  public static byte getByte(long address) {
    return MEMORY.get(JAVA_BYTE, address);
  }

  public static void putByte(long address, byte value) {
    MEMORY.set(JAVA_BYTE, address, value);
  }

  /** The string of at most 256 bytes that C code keeps at an address. */
  static String string(long address) {
    return MemorySegment.ofAddress(address).reinterpret(256).getString(0);
  }

  /** The first of these libraries that the system can load, loaded for good. */
  static Optional<SymbolLookup> library(List<String> names) {
    for (String name : names) {
      try {
        return Optional.of(SymbolLookup.libraryLookup(name, Arena.global()));
      } catch (IllegalArgumentException e) {
        // Not installed under this name.
      }
    }
    return Optional.empty();
  }

  /** The C library of this JVM. */
  static SymbolLookup libc() {
    return LINKER.defaultLookup();
  }

  /** A function of a library. */
  static MethodHandle function(
      SymbolLookup library, String name, FunctionDescriptor type, Linker.Option... options) {
    return LINKER.downcallHandle(library.findOrThrow(name), type, options);
  }
}
