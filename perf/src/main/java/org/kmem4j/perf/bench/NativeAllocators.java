package org.kmem4j.perf.bench;

import java.lang.invoke.MethodHandle;

/**
 * malloc and free of C libraries, as constants that the JIT sees through. Each library has a class
 * of its own, so that a JVM loads only the one it measures.
 */
final class NativeAllocators {
  private NativeAllocators() {}

  /** A C function has thrown, which it cannot. */
  private static AssertionError impossible(Throwable thrown) {
    return new AssertionError("a C function threw", thrown);
  }

  /** Glibc's, or whatever C library the JVM itself uses. */
  static final class Malloc {
    private static final MethodHandle MALLOC = NativeLibrary.MALLOC.mallocHandle();
    private static final MethodHandle FREE = NativeLibrary.MALLOC.freeHandle();

    private Malloc() {}

    static long malloc(long bytes) {
      try {
        return (long) MALLOC.invokeExact(bytes);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }

    static void free(long address) {
      try {
        FREE.invokeExact(address);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }
  }

  /** Jemalloc. */
  static final class Jemalloc {
    private static final MethodHandle MALLOC = NativeLibrary.JEMALLOC.mallocHandle();
    private static final MethodHandle FREE = NativeLibrary.JEMALLOC.freeHandle();

    private Jemalloc() {}

    static long malloc(long bytes) {
      try {
        return (long) MALLOC.invokeExact(bytes);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }

    static void free(long address) {
      try {
        FREE.invokeExact(address);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }
  }

  /** Microsoft's mimalloc. */
  static final class Mimalloc {
    private static final MethodHandle MALLOC = NativeLibrary.MIMALLOC.mallocHandle();
    private static final MethodHandle FREE = NativeLibrary.MIMALLOC.freeHandle();

    private Mimalloc() {}

    static long malloc(long bytes) {
      try {
        return (long) MALLOC.invokeExact(bytes);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }

    static void free(long address) {
      try {
        FREE.invokeExact(address);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }
  }

  /** The tcmalloc of gperftools. */
  static final class Tcmalloc {
    private static final MethodHandle MALLOC = NativeLibrary.TCMALLOC.mallocHandle();
    private static final MethodHandle FREE = NativeLibrary.TCMALLOC.freeHandle();

    private Tcmalloc() {}

    static long malloc(long bytes) {
      try {
        return (long) MALLOC.invokeExact(bytes);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }

    static void free(long address) {
      try {
        FREE.invokeExact(address);
      } catch (Throwable e) {
        throw impossible(e);
      }
    }
  }
}
