package org.kmem4j.stress;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A test in a JVM of its own, with flags of its own, which may hang or crash. */
public final class ChildJvm {
  /**
   * How it ended.
   *
   * @param exit 0 if the test passed, 1 if it failed, another number after a crash, -1 if it hung
   * @param output what it printed
   */
  public record Result(int exit, String output, Duration took) {
    public boolean passed() {
      return exit == 0;
    }

    /** The first line that says what was wrong. */
    public String summary() {
      if (exit == -1) {
        return "hung";
      }
      String first = "";
      String cause = "";
      for (String line : output.lines().toList()) {
        if (line.startsWith("#  SIG")) {
          return "the JVM crashed: " + line.substring(3).replaceAll(" at .*", "");
        }
        if (line.startsWith("Caused by: ")) {
          cause = line.substring(11);
        } else if (first.isEmpty() && line.matches("[a-z.]+[A-Za-z0-9.$]*(Error|Exception).*")) {
          first = line;
        }
      }
      return cause.isEmpty() ? first : cause;
    }
  }

  private ChildJvm() {}

  /**
   * Runs a test.
   *
   * @param test a class, or class and method with # between
   * @param classesFirst a folder that beats the class path, or null
   */
  public static Result run(String test, Path classesFirst, Duration limit, String... flags)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-ea");
    command.add("-Xmx512m");
    command.add("-XX:-CreateCoredumpOnCrash");
    command.add("-XX:ErrorFile=/dev/null");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of(System.getProperty("test.jvm.args", "").split(" +")));
    command.removeIf(String::isEmpty);
    command.addAll(List.of(flags));
    command.add("-cp");
    String classPath = System.getProperty("java.class.path");
    command.add(
        classesFirst == null ? classPath : classesFirst + java.io.File.pathSeparator + classPath);
    command.add(TestMain.class.getName());
    command.add(test);
    Path output = Files.createTempFile("kmem4j-child", ".txt");
    long start = System.nanoTime();
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
      // Else a thread that the JVM starts has malloc reserve 64 MiB, which tests take for ours.
      builder.environment().put("MALLOC_ARENA_MAX", "1");
      Process child = builder.start();
      boolean ended = child.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
      if (!ended) {
        child.destroyForcibly().waitFor();
      }
      return new Result(
          ended ? child.exitValue() : -1,
          Files.readString(output),
          Duration.ofNanos(System.nanoTime() - start));
    } finally {
      Files.delete(output);
    }
  }
}
