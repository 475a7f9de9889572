package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.stress.Mutant;

/** Says, without running them, which mutants a change of the sources has left behind. */
class MutantTest {
  static Stream<Mutant> mutants() {
    return MutantsTest.ALL.stream();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mutants")
  void theTextThatItReplacesIsStillThere(Mutant mutant) throws Exception {
    String source = Files.readString(Path.of("src/main/java/org/kmem4j", mutant.file()));

    assertNotEquals(source, mutant.apply(source));
  }
}
