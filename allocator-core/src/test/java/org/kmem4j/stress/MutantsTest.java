package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Takes each rule out of a copy of the sources and runs its test there: a test that still passes
 * tests nothing. {@code ./mvnw -Pmutants -pl allocator-core test} runs them, and only them.
 *
 * <p>Another module extends it and hides {@link #mutants} and {@link #controls}.
 */
@Tag("mutant")
public class MutantsTest {
  private static final Path SOURCES = Path.of("src/main/java");
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static final String PART = System.getProperty("mutant", "");
  private static final int SHOWN = 160; // characters of what was seen
  private static final String TITLE =
      """
      # Rules of %s, taken out one by one

      Written by `./mvnw test -Pmutants -Dtest.jvm.args=-Dtest.mutants.write=true`; see [RELIABILITY.md](RELIABILITY.md). All %d were
      seen failing, and each test passes while the rule is there.

      | rule | test (`org.kmem4j.`) | until it failed | seen without the rule |
      |---|---|---:|---|
      """;

  private static final AtomicInteger RUN = new AtomicInteger();
  private static final List<String> SEEN = Collections.synchronizedList(new ArrayList<>());

  private static final List<Mutant> ALL =
      Stream.of(
              Mutant.ALL, LifeMutants.ALL, DebugMutants.ALL, HardeningMutants.ALL, LeakMutants.ALL)
          .flatMap(List::stream)
          .toList();

  @TempDir(cleanup = CleanupMode.ALWAYS)
  private Path folder;

  public static Stream<Mutant> mutants() {
    return chosen(ALL);
  }

  public static Stream<Mutant> controls() {
    return controls(ALL);
  }

  /** With {@code -Dmutant=stripe} those alone whose rule speaks of a stripe. */
  protected static Stream<Mutant> chosen(List<Mutant> all) {
    return all.stream().filter(mutant -> mutant.rule().contains(PART));
  }

  /** Each test with its flags once. */
  protected static Stream<Mutant> controls(List<Mutant> all) {
    return chosen(all)
        .map(mutant -> new Mutant("control", "", "", "", mutant.test(), mutant.flags()))
        .distinct();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mutants")
  void withoutTheRuleItsTestFails(Mutant mutant) throws Exception {
    RUN.incrementAndGet();
    compile(mutant);

    var result = run(mutant);

    System.out.printf(
        "%-70s %-60s %5.1f s  %s%n",
        mutant.rule(), mutant.test(), result.took().toMillis() / 1e3, result.summary());
    assertFalse(result.passed(), mutant.test() + " passes without: " + mutant.rule());
    SEEN.add(
        "| %s | `%s` | %.1f s | %s |%n"
            .formatted(
                mutant.rule(),
                mutant.test(),
                result.took().toMillis() / 1e3,
                inATable(result.summary())));
  }

  private static String inATable(String text) {
    String plain = text.replace("org.opentest4j.", "").replace("|", "\\|");
    return plain.length() <= SHOWN ? plain : plain.substring(0, SHOWN) + "…";
  }

  /** The page of the module's rules, if that is asked for and all of them were seen failing. */
  @AfterAll
  static void writeTable() throws IOException {
    if (Boolean.getBoolean("test.mutants.write") && PART.isEmpty() && SEEN.size() == RUN.get()) {
      String module = Path.of("").toAbsolutePath().getFileName().toString();
      Files.writeString(
          Path.of("../docs/mutants-" + module + ".md"),
          TITLE.formatted(module, SEEN.size()) + String.join("", SEEN));
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("controls")
  void withAllRulesTheSameTestPasses(Mutant control) throws Exception {
    compile(null);

    var result = run(control);

    assertTrue(result.passed(), control.test() + ": " + result.output());
  }

  private ChildJvm.Result run(Mutant mutant) throws IOException, InterruptedException {
    return ChildJvm.run(
        "org.kmem4j." + mutant.test(),
        folder.resolve("classes"),
        LIMIT,
        mutant.flags().toArray(String[]::new));
  }

  private void compile(Mutant mutant) throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    Path sources = folder.resolve("sources");
    List<Path> files;
    try (Stream<Path> walk = Files.walk(SOURCES)) {
      files =
          walk.filter(file -> file.toString().endsWith(".java"))
              .filter(file -> !file.endsWith("module-info.java"))
              .toList();
    }
    for (Path file : files) {
      String source = Files.readString(file);
      if (mutant != null && file.endsWith(Path.of("org/kmem4j").resolve(mutant.file()))) {
        source = withHelpers(mutant.apply(source));
      }
      Path copy = sources.resolve(SOURCES.relativize(file));
      Files.createDirectories(copy.getParent());
      Files.writeString(copy, source);
    }
    try (var manager = compiler.getStandardFileManager(null, null, null)) {
      var copies = files.stream().map(file -> sources.resolve(SOURCES.relativize(file))).toList();
      var messages = new StringWriter();
      var options =
          List.of(
              "-proc:none",
              "-nowarn",
              "-d",
              folder.resolve("classes").toString(),
              "-cp",
              System.getProperty("java.class.path"));
      boolean compiled =
          compiler
              .getTask(
                  messages,
                  manager,
                  null,
                  options,
                  null,
                  manager.getJavaFileObjectsFromPaths(copies))
              .call();
      assertTrue(compiled, () -> "the mutant does not compile: " + messages);
    }
  }

  /** What some replacements use. */
  private static String withHelpers(String source) {
    return source.replace(
        "\n  private Rcu() {}\n", "\n  private Rcu() {}\n\n  private static int lastCount;\n");
  }
}
