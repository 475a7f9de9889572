package org.kmem4j.perf.clib;

import java.lang.invoke.MethodHandle;

/**
 * The malloc and free of a C library. A constant of this type is seen through by the JIT, which
 * takes the fields of records for constants. Each constant has a class of its own, so that a JVM
 * loads only the library that it measures.
 *
 * @param malloc {@code void* malloc(size_t)}
 * @param free {@code void free(void*)}
 */
public record CAllocator(MethodHandle malloc, MethodHandle free) {
  /** Returns the address, or 0 if the library refuses. */
  public long malloc(long bytes) {
    try {
      return (long) malloc.invokeExact(bytes);
    } catch (Throwable e) {
      throw CLibrary.impossible(e);
    }
  }

  public void free(long address) {
    try {
      free.invokeExact(address);
    } catch (Throwable e) {
      throw CLibrary.impossible(e);
    }
  }

  /** Glibc's, or whatever C library the JVM itself uses. */
  public static final class Malloc {
    public static final CAllocator IT = CLibrary.MALLOC.allocator();

    private Malloc() {}
  }

  /** Jemalloc. */
  public static final class Jemalloc {
    public static final CAllocator IT = CLibrary.JEMALLOC.allocator();

    private Jemalloc() {}
  }

  /** Microsoft's mimalloc. */
  public static final class Mimalloc {
    public static final CAllocator IT = CLibrary.MIMALLOC.allocator();

    private Mimalloc() {}
  }

  /** The tcmalloc of gperftools. */
  public static final class Tcmalloc {
    public static final CAllocator IT = CLibrary.TCMALLOC.allocator();

    private Tcmalloc() {}
  }
}
