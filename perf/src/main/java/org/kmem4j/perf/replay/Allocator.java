package org.kmem4j.perf.replay;

import java.lang.foreign.SymbolLookup;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The allocators that {@code --allocator} knows. */
enum Allocator {
  SLAB,
  MALLOC,
  MIMALLOC("libmimalloc2.0", "libmimalloc.so.2", "libmimalloc.so.3", "libmimalloc.so"),
  JEMALLOC("libjemalloc2", "libjemalloc.so.2", "libjemalloc.so"),
  TCMALLOC(
      "libtcmalloc-minimal4",
      "libtcmalloc_minimal.so.4",
      "libtcmalloc.so.4",
      "libtcmalloc_minimal.so"),
  HEAP,
  ARENA;

  /** Those of a run that names none. */
  static final List<Allocator> USUAL = List.of(SLAB, MALLOC, MIMALLOC, HEAP);

  private final String debianPackage; // Null for those that every JVM has.
  private final List<String> libraries;

  Allocator() {
    this(null);
  }

  Allocator(String debianPackage, String... libraries) {
    this.debianPackage = debianPackage;
    this.libraries = List.of(libraries);
  }

  /** All names, as a message lists them. */
  static String names() {
    return Arrays.stream(values()).map(Allocator::toString).collect(Collectors.joining(", "));
  }

  /** The name on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  boolean isInstalled() {
    return debianPackage == null || Native.library(libraries).isPresent();
  }

  /** Says what to install; to be asked only if {@link #isInstalled} says no. */
  String whatIsMissing() {
    return "%s is not installed: none of %s was found (Debian has it in %s)"
        .formatted(this, String.join(", ", libraries), debianPackage);
  }

  SymbolLookup library() {
    return Native.library(libraries).orElseThrow(() -> new LinkageError(whatIsMissing()));
  }

  /**
   * Sets the contender up. Only its own class is loaded by this, so that the JIT sees one contender
   * in a JVM.
   */
  Contender open(int cells, boolean manyThreads) {
    return switch (this) {
      case SLAB -> new SlabContender();
      case MALLOC -> new MallocContender();
      case MIMALLOC -> new MimallocContender();
      case JEMALLOC -> new JemallocContender();
      case TCMALLOC -> new TcmallocContender();
      case HEAP -> new HeapContender(cells);
      case ARENA -> new ArenaContender(cells, manyThreads);
    };
  }
}
