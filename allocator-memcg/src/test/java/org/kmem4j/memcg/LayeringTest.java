package org.kmem4j.memcg;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memcg.counter.PageCounter;

/** A package uses only what lies below it. */
final class LayeringTest {
  /** From the ground up. */
  private static final List<String> LAYERS =
      List.of(
          "org.kmem4j.memcg.counter",
          "org.kmem4j.memcg.group",
          "org.kmem4j.memcg.reclaim",
          "org.kmem4j.memcg");

  private static final JavaClasses MEMCG =
      new ClassFileImporter()
          .importUrl(PageCounter.class.getProtectionDomain().getCodeSource().getLocation());

  @Test
  void everyClassLiesInALayer() {
    classes().should().resideInAnyPackage(LAYERS.toArray(String[]::new)).check(MEMCG);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aLayerUsesOnlyThoseBelowIt(int layer) {
    String[] above = LAYERS.subList(layer + 1, LAYERS.size()).toArray(String[]::new);

    ArchRule rule =
        noClasses()
            .that()
            .resideInAPackage(LAYERS.get(layer))
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(above);

    rule.allowEmptyShould(true).check(MEMCG); // a layer that is still to be built
  }

  @Test
  void theRuleAboutLayersCanFail() {
    ArchRule upsideDown =
        noClasses()
            .that()
            .resideInAPackage("org.kmem4j.memcg.counter")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.kmem4j.memory");

    assertThrows(AssertionError.class, () -> upsideDown.check(MEMCG));
  }

  @Test
  void itNeedsTheJdkAgronaAndTheCoreOnly() {
    DescribedPredicate<JavaClass> allowed =
        resideInAnyPackage("java..", "javax.management..", "org.agrona..", "org.kmem4j..");

    classes().should().onlyDependOnClassesThat(are(allowed)).check(MEMCG);
  }
}
