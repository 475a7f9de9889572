package org.kmem4j.perf.program;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.contender.ContenderJvm;

/**
 * Who takes part, by name: contenders that have objects of any size, and one of our typed caches
 * where a program has but one size that matters.
 */
public final class Candidates {
  static final String KMEM_CACHE = Contender.KMEM_CACHE.toString();
  static final String HEAP = Contender.HEAP.toString();

  /**
   * Nobody would run a program with an arena for each object: closing a shared one stops all
   * threads. And tcmalloc is for those who ask for it.
   */
  private static final Set<Contender> NOT_ASKED = EnumSet.of(Contender.ARENA, Contender.TCMALLOC);

  private Candidates() {}

  /** Ours first, in the order of the tables. */
  public static List<String> ofAnySize() {
    return Contender.ofAnySize().stream()
        .filter(contender -> !NOT_ASKED.contains(contender))
        .map(Contender::toString)
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
    return ContenderJvm.isHeap(contender(name));
  }

  /**
   * Sets it up, for as many objects at once as there are cells.
   *
   * @param objectBytes the one size, for which a typed cache is made; others can be had beside it
   */
  static Allocator open(String name, int objectBytes, int cells, boolean manyThreads) {
    return name.equals(KMEM_CACHE)
        ? new KmemCacheAllocator(objectBytes)
        : contender(name).open(cells, manyThreads);
  }

  /** The contender of a name. */
  public static Contender contender(String name) {
    return Contender.named(name)
        .orElseThrow(() -> new IllegalArgumentException("there is no contender " + name));
  }
}
