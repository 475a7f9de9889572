package org.kmem4j.perf.program;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.Contender;

/**
 * Who takes part, by name: contenders that have objects of any size, and one of our typed caches
 * where a program has but one size that matters.
 */
public final class Candidates {
  static final String KMEM_CACHE = "kmemCache";
  static final String HEAP = Contender.HEAP.toString();

  /**
   * Not an arena for each object, which nobody would run a program with: closing a shared one stops
   * all threads. Those that the enum does not have are left out.
   */
  private static final List<String> OF_ANY_SIZE =
      List.of(
          "slab",
          "malloc",
          "mimalloc",
          "jemalloc",
          HEAP,
          "heapZgc",
          "nettyPooled",
          "nettyAdaptive",
          "arrow",
          "chronicle");

  private Candidates() {}

  /** Ours first, in the order of the tables. */
  public static List<String> ofAnySize() {
    return OF_ANY_SIZE.stream()
        .filter(name -> Arrays.stream(Contender.values()).anyMatch(it -> isNamed(it, name)))
        .toList();
  }

  static List<String> ofOneSize() {
    List<String> names = new ArrayList<>();
    names.add(KMEM_CACHE);
    names.addAll(ofAnySize());
    return names;
  }

  /** Whether the candidate's objects are on the Java heap. */
  static boolean isHeap(String name) {
    return name.startsWith(HEAP);
  }

  /**
   * Sets it up, for as many objects at once as there are cells.
   *
   * @param objectBytes the one size, for which a typed cache is made
   */
  static Allocator open(String name, int objectBytes, int cells, boolean manyThreads) {
    if (name.equals(KMEM_CACHE)) {
      return new KmemCacheAllocator(objectBytes);
    }
    return contender(name).open(cells, manyThreads);
  }

  /** The contender of a name. */
  public static Contender contender(String name) {
    for (Contender contender : Contender.values()) {
      if (isNamed(contender, name)) {
        return contender;
      }
    }
    throw new IllegalArgumentException("there is no contender " + name);
  }

  private static boolean isNamed(Contender contender, String name) {
    return contender.toString().equals(name);
  }
}
