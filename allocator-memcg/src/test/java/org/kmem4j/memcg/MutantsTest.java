package org.kmem4j.memcg;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.kmem4j.stress.Mutant;

/** {@code ./mvnw -Pmutants -pl allocator-memcg -am test} runs them. */
@Tag("mutant")
class MutantsTest extends org.kmem4j.stress.MutantsTest {
  static final List<Mutant> ALL =
      Stream.of(CounterMutants.ALL, GroupMutants.ALL, FaceMutants.ALL, ReclaimMutants.ALL)
          .flatMap(List::stream)
          .toList();

  public static Stream<Mutant> mutants() {
    return chosen(ALL);
  }

  public static Stream<Mutant> controls() {
    return controls(ALL);
  }
}
