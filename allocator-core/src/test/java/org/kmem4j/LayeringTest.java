package org.kmem4j;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A package uses only what lies below it, and what could crash the JVM lies in one class. */
final class LayeringTest {
  /** From the ground up. */
  private static final List<String> LAYERS =
      List.of(
          "org.kmem4j.memory",
          "org.kmem4j.sync",
          "org.kmem4j.page",
          "org.kmem4j.slab",
          "org.kmem4j.pool",
          "org.kmem4j");

  private static final JavaClasses CORE = new ClassFileImporter().importUrl(mainClasses());

  private static URL mainClasses() {
    return SlabAllocator.class.getProtectionDomain().getCodeSource().getLocation();
  }

  @Test
  void everyClassLiesInALayer() {
    classes().should().resideInAnyPackage(LAYERS.toArray(String[]::new)).check(CORE);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4})
  void aLayerUsesOnlyThoseBelowIt(int layer) {
    String[] above = LAYERS.subList(layer + 1, LAYERS.size()).toArray(String[]::new);

    ArchRule rule =
        noClasses()
            .that()
            .resideInAPackage(LAYERS.get(layer))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(above);

    rule.check(CORE);
  }

  @Test
  void theRuleAboutLayersCanFail() {
    ArchRule upsideDown =
        noClasses()
            .that()
            .resideInAPackage("org.kmem4j.page")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.kmem4j.memory");

    assertThrows(AssertionError.class, () -> upsideDown.check(CORE));
  }

  @Test
  void theCoreNeedsTheJdkAndAgronaOnly() {
    DescribedPredicate<JavaClass> allowed =
        resideInAnyPackage("java..", "org.agrona..", "org.kmem4j..");

    classes().should().onlyDependOnClassesThat(are(allowed)).check(CORE);
  }

  @Test
  void theAllocatorItselfUsesNoUnsafe() {
    noClasses()
        .should()
        .dependOnClassesThat(resideInAPackage("sun.misc..").or(resideInAPackage("jdk.internal..")))
        .check(CORE);
  }

  @Test
  void onlyNativeCallsRestrictedMethods() {
    ArchCondition<JavaClass> callThem = callRestrictedMethods();

    noClasses().that().doNotHaveSimpleName("Native").should(callThem).check(CORE);

    assertThrows(
        AssertionError.class,
        () -> noClasses().that().haveSimpleName("Native").should(callThem).check(CORE),
        "the rule sees the calls where they are");
  }

  private static ArchCondition<JavaClass> callRestrictedMethods() {
    return new ArchCondition<>("call restricted methods") {
      @Override
      public void check(JavaClass caller, ConditionEvents events) {
        for (JavaMethodCall call : caller.getMethodCallsFromSelf()) {
          if (isRestricted(call)) {
            events.add(SimpleConditionEvent.satisfied(caller, call.getDescription()));
          }
        }
      }
    };
  }

  private static boolean isRestricted(JavaMethodCall call) {
    String owner = call.getTargetOwner().getName();
    String name = call.getName();
    return owner.equals(MemorySegment.class.getName()) && name.equals("reinterpret")
        || owner.equals("java.lang.foreign.Linker")
            && (name.equals("downcallHandle") || name.equals("upcallStub"))
        || owner.equals("java.lang.foreign.SymbolLookup") && name.equals("libraryLookup")
        || owner.equals("java.lang.foreign.AddressLayout") && name.equals("withTargetLayout")
        || owner.equals("java.lang.System") && name.startsWith("load");
  }

  @Test
  void theWarningAboutThemIsSuppressedInOneFile() throws IOException {
    Path sources = Path.of("src/main/java").toAbsolutePath();

    List<Path> found;
    try (Stream<Path> files = Files.walk(sources)) {
      found =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> contains(file, "\"restricted\""))
              .toList();
    }

    assertEquals(List.of(sources.resolve("org/kmem4j/memory/Native.java")), found);
  }

  private static boolean contains(Path file, String text) {
    try {
      return Files.readString(file).contains(text);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void onlyTheDoorStartsAThread() {
    DescribedPredicate<JavaMethodCall> starts =
        DescribedPredicate.describe(
            "starts a thread",
            call ->
                call.getTargetOwner().isAssignableTo(Thread.class)
                        && (call.getName().equals("start")
                            || call.getName().equals("startVirtualThread"))
                    || call.getTargetOwner().getName().startsWith("java.lang.Thread$Builder")
                    || call.getTargetOwner().getName().equals("java.util.concurrent.Executors")
                    || call.getName().equals("startOnThread")
                    || call.getName().equals("commonPool")
                    || call.getName().endsWith("Async"));

    List<String> callers =
        CORE.stream()
            .flatMap(some -> some.getMethodCallsFromSelf().stream())
            .filter(starts)
            .map(call -> call.getOrigin().getFullName())
            .toList();

    assertEquals(List.of("org.kmem4j.SlabAllocator.startAgent()"), callers);
  }
}
