package org.kmem4j.perf.contender;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.kmem4j.perf.clib.CLibrary;

/** The allocators that {@code --allocator} knows. */
public enum Contender {
  SLAB,
  MALLOC(CLibrary.MALLOC),
  MIMALLOC(CLibrary.MIMALLOC),
  JEMALLOC(CLibrary.JEMALLOC),
  TCMALLOC(CLibrary.TCMALLOC),
  HEAP,
  ARENA;

  /** Those of a run that names none. */
  public static final List<Contender> USUAL = List.of(SLAB, MALLOC, MIMALLOC, HEAP);

  private final CLibrary library; // Null for those that need none.

  Contender() {
    this(null);
  }

  Contender(CLibrary library) {
    this.library = library;
  }

  /** All names, as a message lists them. */
  public static String names() {
    return Arrays.stream(values()).map(Contender::toString).collect(Collectors.joining(", "));
  }

  /** The name on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  public boolean isInstalled() {
    return library == null || library.isInstalled();
  }

  /** Says what to install; to be asked only if {@link #isInstalled} says no. */
  public String whatIsMissing() {
    return library.whatIsMissing();
  }

  /**
   * Sets the contender up. Only its own class is loaded by this, so that the JIT sees one contender
   * in a JVM.
   */
  public Allocator open(int cells, boolean manyThreads) {
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
