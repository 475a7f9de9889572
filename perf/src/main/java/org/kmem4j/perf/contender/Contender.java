package org.kmem4j.perf.contender;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.kmem4j.perf.clib.CLibrary;

/** Who is measured, each with the settings that its own users would choose. */
public enum Contender {
  SLAB("this allocator, by size and address", Kind.OF_ANY_SIZE),
  MALLOC("the C library's malloc through FFM", CLibrary.MALLOC),
  MIMALLOC("Microsoft's mimalloc through FFM", CLibrary.MIMALLOC),
  JEMALLOC("jemalloc through FFM", CLibrary.JEMALLOC),
  TCMALLOC("gperftools' tcmalloc through FFM", CLibrary.TCMALLOC),
  HEAP("byte[] on the Java heap with G1, zeroed", Kind.OF_ANY_SIZE, "-XX:+UseG1GC"),
  ARENA("an Arena for each object, confined if one thread does all; zeroed", Kind.OF_ANY_SIZE),
  HEAP_ZGC("byte[] on the Java heap with ZGC, zeroed", Kind.OF_ANY_SIZE, "-XX:+UseZGC"),
  NETTY_POOLED(
      "Netty's PooledByteBufAllocator, direct, with its ByteBuf",
      Kind.OF_ANY_SIZE,
      Flags.NETTY,
      Flags.UNSAFE),
  NETTY_ADAPTIVE(
      "Netty's AdaptiveByteBufAllocator, direct, with its ByteBuf",
      Kind.OF_ANY_SIZE,
      Flags.NETTY,
      Flags.UNSAFE),
  ARROW(
      "Arrow's RootAllocator over arrow-memory-unsafe, with its ArrowBuf, its checks switched off",
      Kind.OF_ANY_SIZE,
      "--add-opens=java.base/java.nio=ALL-UNNAMED",
      Flags.UNSAFE,
      // As its documentation has it for production: no checks of bounds, nor of null in vectors.
      "-Darrow.enable_unsafe_memory_access=true",
      "-Darrow.enable_null_check_for_get=false"),
  CHRONICLE(
      "Chronicle's native BytesStore, not zeroed, with its object",
      Kind.OF_ANY_SIZE,
      Flags.UNSAFE,
      "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
      "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
      "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED"),
  KMEM_CACHE("a cache of this allocator", Kind.OF_ONE_SIZE),
  KMEM_CACHE_IN_GROUP("the same, paid by a group", Kind.OF_ONE_SIZE),
  HAND_WRITTEN("one UnsafeBuffer and a long[] of free offsets; one thread", Kind.OF_ONE_SIZE),
  ARRAY_DEQUE("byte[]s kept in an ArrayDeque; one thread", Kind.OF_ONE_SIZE),
  AGRONA_QUEUE("byte[]s kept in Agrona's ManyToManyConcurrentArrayQueue", Kind.OF_ONE_SIZE),
  STORMPOT("Stormpot's pool of a fixed number of objects", Kind.POOL);

  /** What a contender can be asked for. */
  private enum Kind {
    OF_ANY_SIZE,
    OF_ONE_SIZE,
    /** Hands out objects of its own: it is asked what a pool is asked, and no more. */
    POOL
  }

  /** Flags that several need. */
  private static final class Flags {
    /** As in Netty's own benchmarks: to sample for leaks is for tests. */
    static final String NETTY = "-Dio.netty.leakDetection.level=disabled";

    /** The JDK would warn of {@code sun.misc.Unsafe}; Netty would do without it. */
    static final String UNSAFE = "--sun-misc-unsafe-memory-access=allow";
  }

  /** Those of a run that names none. */
  public static final List<Contender> USUAL = List.of(SLAB, MALLOC, MIMALLOC, HEAP);

  private final String what;
  private final Kind kind;
  private final CLibrary library; // Null for those that need none.
  private final List<String> flags;

  Contender(String what, Kind kind, String... flags) {
    this.what = what;
    this.kind = kind;
    this.library = null;
    this.flags = List.of(flags);
  }

  Contender(String what, CLibrary library) {
    this.what = what;
    this.kind = Kind.OF_ANY_SIZE;
    this.library = library;
    this.flags = List.of();
  }

  /** Those that allocate objects of any size, as a trace asks for. */
  public static List<Contender> ofAnySize() {
    return Arrays.stream(values()).filter(Contender::isOfAnySize).toList();
  }

  /** The names of {@link #ofAnySize}, as a message lists them. */
  public static String names() {
    return ofAnySize().stream().map(Contender::toString).collect(Collectors.joining(", "));
  }

  /** The contender of a name, in any case. */
  public static Optional<Contender> named(String name) {
    return Arrays.stream(values())
        .filter(contender -> contender.toString().equalsIgnoreCase(name))
        .findFirst();
  }

  /** The name on the command line and in JSON, in camel case. */
  @Override
  public String toString() {
    String[] words = name().toLowerCase(Locale.ROOT).split("_");
    return words[0]
        + Arrays.stream(words)
            .skip(1)
            .map(word -> word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1))
            .collect(Collectors.joining());
  }

  /** What it is, in a phrase. */
  public String what() {
    return what;
  }

  /** What the JVM is to be started with when this one is measured. */
  public List<String> flags() {
    return flags;
  }

  /** Whether a flag of the JVM chooses a garbage collector. */
  public static boolean choosesCollector(String flag) {
    return flag.matches("-XX:\\+Use\\w*GC");
  }

  /** Whether objects of any size can be had, or only of one. */
  public boolean isOfAnySize() {
    return kind == Kind.OF_ANY_SIZE;
  }

  /** Whether its objects are arrays on the Java heap. */
  public boolean isOnHeap() {
    return this == HEAP || this == HEAP_ZGC || this == ARRAY_DEQUE || this == AGRONA_QUEUE;
  }

  /** Whether {@link #open(int, int, boolean)} opens it. */
  public boolean isAllocator() {
    return kind != Kind.POOL;
  }

  /** Whether it is measured on Netty's own threads, see {@link Allocator#threads}. */
  public boolean isOfNetty() {
    return this == NETTY_POOLED || this == NETTY_ADAPTIVE;
  }

  /** Whether each piece of native memory has an object on the Java heap. */
  public boolean hasBufferObjects() {
    return isOfNetty() || this == ARROW || this == CHRONICLE;
  }

  public boolean isInstalled() {
    return library == null || library.isInstalled();
  }

  /** Says what to install; to be asked only if {@link #isInstalled} says no. */
  public String whatIsMissing() {
    return library.whatIsMissing();
  }

  /** Its version; to be asked only if {@link #isInstalled} says yes. */
  public String version() {
    return library != null ? library.version() : Makers.version(this);
  }

  /**
   * Sets the contender up for objects of any size. Only its own class is loaded by this, so that
   * the JIT sees one contender in a JVM.
   */
  public Allocator open(int cells, boolean manyThreads) {
    return switch (this) {
      case SLAB -> new SlabContender();
      case MALLOC -> new MallocContender();
      case MIMALLOC -> new MimallocContender();
      case JEMALLOC -> new JemallocContender();
      case TCMALLOC -> new TcmallocContender();
      case HEAP, HEAP_ZGC -> new HeapContender(cells);
      case ARENA -> new ArenaContender(cells, manyThreads);
      case NETTY_POOLED -> NettyContender.pooled(cells);
      case NETTY_ADAPTIVE -> NettyContender.adaptive(cells);
      case ARROW -> new ArrowContender(cells);
      case CHRONICLE -> new ChronicleContender(cells);
      case KMEM_CACHE, KMEM_CACHE_IN_GROUP, HAND_WRITTEN, ARRAY_DEQUE, AGRONA_QUEUE, STORMPOT ->
          throw new IllegalArgumentException(this + " has no objects of any size");
    };
  }

  /** Sets the contender up for objects of one size, of which at most {@code cells} live. */
  public Allocator open(int bytes, int cells, boolean manyThreads) {
    return switch (this) {
      case KMEM_CACHE -> new CacheContender(bytes, false);
      case KMEM_CACHE_IN_GROUP -> new CacheContender(bytes, true);
      case HAND_WRITTEN -> new HandWrittenContender(bytes, cells);
      case ARRAY_DEQUE -> QueueContender.arrayDeque(bytes, cells);
      case AGRONA_QUEUE -> QueueContender.agrona(bytes, cells);
      case STORMPOT -> throw new IllegalArgumentException(this + " is no allocator");
      default -> open(cells, manyThreads);
    };
  }
}
