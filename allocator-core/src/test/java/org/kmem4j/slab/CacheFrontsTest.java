package org.kmem4j.slab;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Steps;
import org.kmem4j.stress.Mutant;

/** Runs {@link CacheFrontsInterleavings}, and with {@code -Pmutants} without the rule. */
final class CacheFrontsTest {
  private static final List<Steps> COPIES =
      List.of(Steps.of("slab/CacheFronts.java", "main = exchangeEmpty(main);"));

  private static final Mutant MUTANT =
      Mutant.of(
          "what was taken is free again if its front cannot be attached and is damaged",
          "slab/CacheFronts.java",
          "attach(slot, main, object);",
          "attach(slot, main);",
          "slab.CacheFrontsInterleavings");

  @TempDir private Path folder;

  @Test
  void slowPathsAreRightInEveryOrderOfTheirSteps() throws Exception {
    Interleavings.assertRight(Interleavings.run(MUTANT.test(), null, folder, COPIES));
  }

  @Test
  @Tag("mutant")
  void withoutTheRuleSomeOrderIsWrong() throws Exception {
    Interleavings.assertWrong(Interleavings.run(MUTANT.test(), MUTANT, folder, COPIES), MUTANT);
  }
}
