package org.kmem4j.perf.clib;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The libraries of C whose allocators are measured, called through FFM. */
public enum CLibrary {
  MALLOC("malloc", "free", null),
  MIMALLOC(
      "mi_malloc",
      "mi_free",
      "libmimalloc2.0",
      "libmimalloc.so.2",
      "libmimalloc.so.3",
      "libmimalloc.so"),
  JEMALLOC("malloc", "free", "libjemalloc2", "libjemalloc.so.2", "libjemalloc.so"),
  TCMALLOC(
      "tc_malloc",
      "tc_free",
      "libtcmalloc-minimal4",
      "libtcmalloc_minimal.so.4",
      "libtcmalloc.so.4",
      "libtcmalloc_minimal.so");

  private final String malloc;
  private final String free;
  private final String debianPackage; // Null for the C library, which every JVM has.
  private final List<String> files;

  CLibrary(String malloc, String free, String debianPackage, String... files) {
    this.malloc = malloc;
    this.free = free;
    this.debianPackage = debianPackage;
    this.files = List.of(files);
  }

  /** The contender's name. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  public boolean isInstalled() {
    return lookup().isPresent();
  }

  /** Says what to install; to be asked only if {@link #isInstalled} says no. */
  public String whatIsMissing() {
    return "%s is not installed: none of %s was found (Debian has it in %s)"
        .formatted(this, String.join(", ", files), debianPackage);
  }

  /** Its malloc and free, called without a thread state change. */
  CAllocator allocator() {
    var critical = Linker.Option.critical(false);
    return new CAllocator(
        Native.function(library(), malloc, FunctionDescriptor.of(JAVA_LONG, JAVA_LONG), critical),
        Native.function(library(), free, FunctionDescriptor.ofVoid(JAVA_LONG), critical));
  }

  public boolean has(String function) {
    return library().find(function).isPresent();
  }

  /** Any other function; it may take its time. */
  public MethodHandle function(String name, FunctionDescriptor type) {
    return Native.function(library(), name, type);
  }

  /** What the library says of itself. */
  public String version() {
    try {
      return switch (this) {
        case MALLOC ->
            has("gnu_get_libc_version")
                ? "glibc " + Native.string((long) word("gnu_get_libc_version").invokeExact())
                : "of this system's C library";
        case MIMALLOC -> mimallocVersion();
        case JEMALLOC -> Native.string(mallctl("version"));
        case TCMALLOC ->
            Native.string(
                (long) word("tc_version", JAVA_LONG, JAVA_LONG, JAVA_LONG).invokeExact(0L, 0L, 0L));
      };
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  private String mimallocVersion() throws Throwable {
    int number = (int) function("mi_version", FunctionDescriptor.of(JAVA_INT)).invokeExact();
    return "%d.%d.%d".formatted(number / 100, number / 10 % 10, number % 10);
  }

  /** What jemalloc's {@code mallctl} answers to a name, or -1 if it knows no such name. */
  public static long mallctl(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      long length = arena.allocateFrom(JAVA_LONG, JAVA_LONG.byteSize()).address();
      long text = arena.allocateFrom(name).address();
      int error = (int) mallctl().invokeExact(text, value.address(), length, 0L, 0L);
      return error == 0 ? value.get(JAVA_LONG, 0) : -1;
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** Sets a name of jemalloc's {@code mallctl}. */
  public static void mallctl(String name, long value) {
    try (Arena arena = Arena.ofConfined()) {
      long word = arena.allocateFrom(JAVA_LONG, value).address();
      long text = arena.allocateFrom(name).address();
      int ignored = (int) mallctl().invokeExact(text, 0L, 0L, word, JAVA_LONG.byteSize());
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** {@code int mallctl(name, old value, its length, new value, its length)}. */
  private static MethodHandle mallctl() {
    return JEMALLOC.function(
        "mallctl",
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));
  }

  private MethodHandle word(String name, MemoryLayout... arguments) {
    return function(name, FunctionDescriptor.of(JAVA_LONG, arguments));
  }

  /** An exact handle of a C function has thrown, which it cannot. */
  public static AssertionError impossible(Throwable thrown) {
    return new AssertionError("a C function threw", thrown);
  }

  private SymbolLookup library() {
    return lookup().orElseThrow(() -> new LinkageError(whatIsMissing()));
  }

  /** The library, loaded for good, so that asking again is cheap. */
  private Optional<SymbolLookup> lookup() {
    return debianPackage == null ? Optional.of(Native.libc()) : Native.library(files);
  }
}
