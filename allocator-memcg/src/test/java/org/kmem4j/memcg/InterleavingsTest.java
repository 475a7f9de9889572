package org.kmem4j.memcg;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.stress.ChildJvm;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Steps;
import org.kmem4j.stress.Mutant;

/**
 * Runs the scenes of stock, walk and look-up, and with {@code -Pmutants} without the rules that
 * they hold. See {@link Interleavings}.
 */
final class InterleavingsTest {
  private static final String STOCK = "memcg.counter.StockInterleavings";
  private static final String WALK = "memcg.reclaim.WalkInterleavings";
  private static final String LOOKUP = "memcg.LookupInterleavings";

  @TempDir private Path folder;

  /** A step may not begin under a lock that another thread of the scene wants. */
  private ChildJvm.Result run(String tests, Mutant mutant) throws Exception {
    List<Steps> copies =
        tests.startsWith(LOOKUP)
            ? List.of(
                Steps.of(
                    "slab/KmemCache.java",
                    "KmemCache child = children.get(payer);",
                    "Account heir = payer.heir();",
                    "KmemCache fresh = new KmemCache(",
                    "slabs.publish(fresh"),
                Steps.of(
                    "memcg/group/MemCgroup.java",
                    "synchronized (tree.lock) {",
                    "Leftovers report = new Leftovers("))
            : List.of(
                Interleavings.MEMORY,
                Interleavings.WAITING,
                Steps.of("memcg/counter/Stock.java"),
                Steps.of(
                    "memcg/reclaim/ReclaimIterator.java",
                    "Position seen = position.get();",
                    "Walk.put(root, at);",
                    "if (!position.compareAndSet"));
    return Interleavings.run(tests, mutant, folder, copies);
  }

  @ParameterizedTest
  @ValueSource(strings = {STOCK, WALK, LOOKUP})
  void allIsRightInEveryOrderOfTheSteps(String tests) throws Exception {
    Interleavings.assertRight(run(tests, null));
  }

  static Stream<Mutant> mutants() {
    return Stream.of(
        Mutant.of(
            "a drainer takes by getAndSet",
            "memcg/counter/Stock.java",
            "pages += release(Memory.getAndSetLong(at, 0));",
            "long had = Memory.getLongVolatile(at); Memory.putLongVolatile(at, 0); pages +="
                + " release(had);",
            STOCK),
        Mutant.of(
            "an owner consumes by CAS",
            "memcg/counter/Stock.java",
            "if (Memory.casLong(at, entry, entry - pages)) {",
            "Memory.putLongVolatile(at, entry - pages); if (true) {",
            STOCK),
        Mutant.of(
            "an owner opens its window first",
            "memcg/counter/Stock.java",
            "Memory.putLongVolatile(line + WINDOW, 1);",
            "",
            STOCK),
        Mutant.of(
            "who loses the race for a step takes another",
            "memcg/reclaim/ReclaimIterator.java",
            "if (!position.compareAndSet(seen, fresh)) {",
            "position.set(fresh); if (false) {",
            WALK),
        Mutant.of(
            "tryGet after a match",
            "memcg/reclaim/ReclaimIterator.java",
            "group != null && group.tryGet() ? group : null;",
            "group != null ? group : null;",
            WALK),
        Mutant.of(
            "no cache is made for a closed group",
            "memcg/group/MemCgroup.java",
            "if (!css.isOnline()) { return false; }",
            "",
            LOOKUP));
  }

  @ParameterizedTest
  @MethodSource("mutants")
  @Tag("mutant")
  void withoutTheRuleSomeOrderIsWrong(Mutant mutant) throws Exception {
    Interleavings.assertWrong(run(mutant.test(), mutant), mutant);
  }
}
