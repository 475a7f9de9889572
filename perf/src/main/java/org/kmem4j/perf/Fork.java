package org.kmem4j.perf;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A JVM of its own, with this one's class path, flags and properties, that runs a main class and
 * answers with one object.
 *
 * @param what names the child in messages, such as {@code "The JVM of malloc"}
 * @param flags come before those that this JVM was started with, so that what the user asked for
 *     wins
 */
public record Fork(String what, List<String> flags, Class<?> main, List<String> arguments) {
  /** Tells the child where its answer is expected. */
  private static final String ANSWER = "kmem.answer";

  /** What the user told this JVM, such as {@code -Dkmem4j.} properties, holds for forks too. */
  public static List<String> inherited() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> !argument.startsWith("-agentlib:jdwp"))
        .filter(argument -> !argument.startsWith("-D" + ANSWER + "="))
        .toList();
  }

  /** In the child: gives the answer, which JSON must be able to carry. */
  public static void answer(Object answer) throws IOException {
    new ObjectMapper().writeValue(Path.of(System.getProperty(ANSWER)).toFile(), answer);
  }

  /**
   * Runs the child and returns its answer. It ends if this JVM ends first.
   *
   * @param output where its output goes, {@code INHERIT} or the end of a log
   * @throws KmemException if it failed or gave no answer
   */
  public <T> T run(Class<T> type, ProcessBuilder.Redirect output) {
    Path answer = null;
    Process child = null;
    try {
      answer = Files.createTempFile("kmem-answer", ".json");
      Process started =
          new ProcessBuilder(command(answer)).redirectOutput(output).redirectError(output).start();
      child = started;
      Thread killer = new Thread(started::destroyForcibly);
      Runtime.getRuntime().addShutdownHook(killer);
      int status = child.waitFor();
      Runtime.getRuntime().removeShutdownHook(killer);
      if (status != 0) {
        throw new KmemException(
            "%s ended with exit status %d; what it said is in %s."
                .formatted(what, status, output.file() == null ? "the output" : output.file()));
      }
      return new ObjectMapper().readValue(answer.toFile(), type);
    } catch (IOException e) {
      throw new KmemException("%s could not be run: %s.".formatted(what, e.getMessage()), e);
    } catch (InterruptedException e) {
      throw new KmemException("The run was interrupted.", e);
    } finally {
      if (child != null) {
        child.destroyForcibly();
      }
      TemporaryFile.delete(answer);
    }
  }

  private List<String> command(Path answer) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(inherited());
    command.add("-D" + ANSWER + "=" + answer);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
    return command;
  }
}
