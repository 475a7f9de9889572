package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Says, without running them, which mutants a change of the sources has left behind. */
class MutantTest {
  @ParameterizedTest(name = "{0}")
  @MethodSource("org.kmem4j.stress.MutantsTest#mutants")
  void theTextThatItReplacesIsStillThere(Mutant mutant) throws Exception {
    String source = Files.readString(Path.of("src/main/java/org/kmem4j", mutant.file()));

    assertNotEquals(source, mutant.apply(source));
  }
}
