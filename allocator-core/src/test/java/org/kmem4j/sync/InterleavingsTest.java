package org.kmem4j.sync;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Steps;
import org.kmem4j.stress.Mutant;

/** Runs {@link FrontInterleavings}, and with {@code -Pmutants} without the rules that they hold. */
final class InterleavingsTest {
  private static final String TESTS = "sync.FrontInterleavings";

  private static final List<Steps> COPIES =
      List.of(
          Steps.of(
              "sync/Slot.java",
              "Sheaf[] some = first;",
              "return (Sheaf) LINK.getVolatile(",
              "Sheaf[] chunk = chunk(link);"),
          Steps.of("sync/Rcu.java", "slot.word = GP.value;", "slot.word = 0;"),
          Steps.of(
              "sync/Front.java",
              "long first = sheaf.first;",
              "sheaf.first = 0;",
              "int top = sheaf.top;",
              "long object = objects[top];",
              "sheaf.top = top - 1;",
              "if (sheaf.first == 0) {",
              "sheaf.first = object;",
              "int next = sheaf.top + 1;",
              "objects[next] = object;",
              "sheaf.top = next;"));

  @TempDir private Path folder;

  @Test
  void frontsAreRightInEveryOrderOfTheirSteps() throws Exception {
    Interleavings.assertRight(Interleavings.run(TESTS, null, folder, COPIES));
  }

  static Stream<Mutant> mutants() {
    return Stream.of(
        Mutant.of(
            "a drainer takes only what its own CAS removed",
            "sync/Front.java",
            "if (slot.casLink(owner.link(), sheaf, next)) {",
            "slot.casLink(owner.link(), sheaf, next); if (true) {",
            TESTS + "#aFrontThatIsDetachedAndDrainedIsWithOne"),
        Mutant.of(
            "an owner detaches by CAS",
            "sync/Front.java",
            "if (slot.casLink(owner.link(), sheaf, DETACHED)) {",
            "slot.casLink(owner.link(), slot.linkVolatile(owner.link()), DETACHED); if (true) {",
            TESTS + "#aFrontThatIsDetachedAndDrainedIsWithOne"),
        Mutant.of(
            "who pops is in a section",
            "sync/Front.java",
            "Rcu.enter(slot); object = popPinned(slot, owner);",
            "object = popPinned(slot, owner);",
            TESTS + "#anObjectThatIsPoppedWhileItsFrontIsDrainedIsWithOne"),
        Mutant.of(
            "a front is attached only where fronts are allowed",
            "sync/Front.java",
            "attached = allowed.getAsBoolean() && slot.casLink",
            "attached = slot.casLink",
            TESTS + "#noFrontIsAttachedOnceItWasForbiddenAndAGracePeriodHasPassed"));
  }

  @ParameterizedTest
  @MethodSource("mutants")
  @Tag("mutant")
  void withoutTheRuleSomeOrderIsWrong(Mutant mutant) throws Exception {
    Interleavings.assertWrong(Interleavings.run(mutant.test(), mutant, folder, COPIES), mutant);
  }
}
