package org.kmem4j.perf.bench;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The allocators of C programs that benchmarks call through FFM. */
@SuppressWarnings("restricted") // The only class of the benchmarks that needs native access.
enum NativeLibrary {
  MALLOC("malloc", "free", null),
  JEMALLOC("malloc", "free", "libjemalloc2", "libjemalloc.so.2", "libjemalloc.so"),
  MIMALLOC(
      "mi_malloc",
      "mi_free",
      "libmimalloc2.0",
      "libmimalloc.so.2",
      "libmimalloc.so.3",
      "libmimalloc.so"),
  TCMALLOC(
      "tc_malloc",
      "tc_free",
      "libtcmalloc-minimal4",
      "libtcmalloc_minimal.so.4",
      "libtcmalloc.so.4",
      "libtcmalloc_minimal.so");

  private static final Linker LINKER = Linker.nativeLinker();

  private final String malloc;
  private final String free;
  private final String debianPackage; // Null for the C library, which every JVM has.
  private final List<String> files;

  NativeLibrary(String malloc, String free, String debianPackage, String... files) {
    this.malloc = malloc;
    this.free = free;
    this.debianPackage = debianPackage;
    this.files = List.of(files);
  }

  /** The library that a contender of this name needs, if it needs one. */
  static Optional<NativeLibrary> of(String contender) {
    for (NativeLibrary library : values()) {
      if (library.toString().equals(contender)) {
        return Optional.of(library);
      }
    }
    return Optional.empty();
  }

  /** The contender's name. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean isInstalled() {
    return lookup().isPresent();
  }

  /** Says what to install; to be asked only if {@link #isInstalled} says no. */
  String whatIsMissing() {
    return "%s is not installed: none of %s could be loaded (Debian has it in %s)"
        .formatted(this, String.join(", ", files), debianPackage);
  }

  /** {@code void* malloc(size_t)}, called without a thread state change. */
  MethodHandle mallocHandle() {
    return LINKER.downcallHandle(
        library().findOrThrow(malloc),
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG),
        Linker.Option.critical(false));
  }

  /** {@code void free(void*)}, called without a thread state change. */
  MethodHandle freeHandle() {
    return LINKER.downcallHandle(
        library().findOrThrow(free),
        FunctionDescriptor.ofVoid(JAVA_LONG),
        Linker.Option.critical(false));
  }

  /** What the library says of itself. */
  String version() {
    try {
      return switch (this) {
        case MALLOC -> "glibc " + string((long) word("gnu_get_libc_version").invokeExact());
        case JEMALLOC -> jemallocVersion();
        case MIMALLOC -> mimallocVersion();
        case TCMALLOC ->
            string((long) word("tc_version", JAVA_LONG, JAVA_LONG, JAVA_LONG).invoke(0L, 0L, 0L));
      };
    } catch (Throwable e) {
      return "unknown";
    }
  }

  private String mimallocVersion() throws Throwable {
    MethodHandle version = function("mi_version", FunctionDescriptor.of(JAVA_INT));
    int number = (int) version.invokeExact();
    return "%d.%d.%d".formatted(number / 100, number / 10 % 10, number % 10);
  }

  /** {@code int mallctl(name, old value, its length, new value, its length)}. */
  private String jemallocVersion() throws Throwable {
    MethodHandle mallctl =
        function(
            "mallctl",
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      long length = arena.allocateFrom(JAVA_LONG, JAVA_LONG.byteSize()).address();
      long name = arena.allocateFrom("version").address();
      int error = (int) mallctl.invokeExact(name, value.address(), length, 0L, 0L);
      return error == 0 ? string(value.get(JAVA_LONG, 0)) : "unknown";
    }
  }

  private MethodHandle word(String name, java.lang.foreign.MemoryLayout... arguments) {
    return function(name, FunctionDescriptor.of(JAVA_LONG, arguments));
  }

  private MethodHandle function(String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(library().findOrThrow(name), type);
  }

  private static String string(long address) {
    return MemorySegment.ofAddress(address).reinterpret(256).getString(0);
  }

  private SymbolLookup library() {
    return lookup().orElseThrow(() -> new LinkageError(whatIsMissing()));
  }

  /** The library, loaded for good, so that asking again is cheap. */
  private Optional<SymbolLookup> lookup() {
    if (debianPackage == null) {
      return Optional.of(LINKER.defaultLookup());
    }
    for (String file : files) {
      try {
        return Optional.of(SymbolLookup.libraryLookup(file, Arena.global()));
      } catch (IllegalArgumentException e) {
        // Not installed under this name.
      }
    }
    return Optional.empty();
  }
}
