package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.kmem4j.pool.Flyweight;

/**
 * What a user sees who forgot a flag: one sentence that names it. Each case is a JVM of its own.
 */
final class MissingFlagTest {
  private static final String NATIVE = "--enable-native-access=ALL-UNNAMED";
  private static final String OPENS = "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED";

  /** Opens an allocator, and a pool if told to. */
  public static final class Program {
    private Program() {}

    public static void main(String[] args) {
      try (SlabAllocator allocator = SlabAllocator.builder().max(1 << 20).build()) {
        allocator.free(allocator.alloc(100));
        if (args[0].equals("pool")) {
          var pool = allocator.pool("orders", 24);
          pool.release(pool.acquire(new Flyweight()));
        }
        System.out.println("done");
      } catch (RuntimeException | ExceptionInInitializerError e) {
        Throwable cause = e;
        while (cause instanceof ExceptionInInitializerError && cause.getCause() != null) {
          cause = cause.getCause();
        }
        System.out.println(cause.getMessage());
      }
    }
  }

  private record Run(int status, String output) {}

  private static Run run(String what, String... flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(List.of("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx64m"));
    command.addAll(List.of("--illegal-native-access=deny"));
    command.addAll(List.of(flags));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Program.class.getName(), what));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Run(process.exitValue(), output.strip());
  }

  @Test
  void withBothFlagsAPoolWorks() throws Exception {
    assertEquals(new Run(0, "done"), run("pool", NATIVE, OPENS));
  }

  @Test
  void theAllocatorNeedsTheFirstFlagOnly() throws Exception {
    assertEquals(new Run(0, "done"), run("allocator", NATIVE));
  }

  @Test
  void withoutNativeAccessOneSentenceNamesTheFlag() throws Exception {
    Run run = run("allocator");

    assertEquals(
        "Kmem4j may not call native code: start the JVM with --enable-native-access=ALL-UNNAMED",
        run.output);
  }

  @Test
  void withoutOpensThePoolNamesTheFlag() throws Exception {
    Run run = run("pool", NATIVE);

    assertAll(
        () -> assertTrue(run.output.contains("--add-opens"), run.output),
        () -> assertTrue(run.output.contains("java.base/jdk.internal.misc=ALL-UNNAMED")),
        () -> assertEquals(1, run.output.lines().count(), run.output));
  }

  @Test
  void aWrongPropertyIsFoundAtTheStart() throws Exception {
    Run run = run("allocator", NATIVE, "-Dkmem4j.maxorder=3");

    assertTrue(run.output.contains("the nearest name is kmem4j.maxOrder"), run.output);
  }

  @Test
  void withoutMembarrierReadersUseFences() throws Exception {
    assertEquals(new Run(0, "done"), run("allocator", NATIVE, "-Dkmem4j.rcu.fence=true"));
  }
}
