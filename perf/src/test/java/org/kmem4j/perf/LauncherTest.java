package org.kmem4j.perf;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script {@code bin/kmem} where no JDK is new enough. */
final class LauncherTest {
  @TempDir private Path folder;

  private Path script;

  /** A copy that wants a JDK which nobody has. */
  @BeforeEach
  void copy() throws IOException {
    String text = Files.readString(Path.of("../bin/kmem"));
    String wanting = text.replace("least_version=25", "least_version=999");
    assertTrue(!wanting.equals(text), "the script says what it wants");
    script = Files.createDirectory(folder.resolve("bin")).resolve("kmem");
    Files.writeString(script, wanting);
  }

  private record Run(int status, String output) {}

  private Run run(Map<String, String> environment) throws IOException, InterruptedException {
    var builder = new ProcessBuilder("bash", script.toString(), "layout").redirectErrorStream(true);
    builder.environment().remove("JAVA_HOME");
    builder.environment().putAll(environment);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Run(process.waitFor(), output);
  }

  @Test
  void withoutAJdkItSaysWhichFoldersWereSearchedAndWhatToInstall() throws Exception {
    Run run = run(Map.of("HOME", "/home/nobody"));

    assertAll(
        () -> assertEquals(1, run.status),
        () -> assertTrue(run.output.startsWith("kmem: no JDK 999 or newer was found."), run.output),
        () -> assertTrue(run.output.contains("\n  JAVA_HOME (not set)\n"), run.output),
        () -> assertTrue(run.output.contains("\n  PATH ("), run.output),
        () -> assertTrue(run.output.contains("\n  /usr/lib/jvm/*\n"), run.output),
        () -> assertTrue(run.output.contains("\n  /home/nobody/.jdks/*\n"), run.output),
        () -> assertTrue(run.output.contains("point JAVA_HOME at it"), run.output));
  }

  @Test
  void aJdkThatIsTooOldIsNamedAsSearched() throws Exception {
    String jdk = System.getProperty("java.home");

    Run run = run(Map.of("JAVA_HOME", jdk, "JAVA25_HOME", "/no/such/folder"));

    assertAll(
        () -> assertEquals(1, run.status),
        () -> assertTrue(run.output.contains("\n  JAVA_HOME (" + jdk + ")\n"), run.output),
        () -> assertTrue(run.output.contains("JAVA25_HOME (/no/such/folder)"), run.output));
  }
}
