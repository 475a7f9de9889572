package org.kmem4j.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;

/** Each in a JVM of its own, started with other flags. */
class ChronicleFlagsTest {
  /** What the JVMs run. */
  static final class Program {
    private Program() {}

    public static void main(String[] args) {
      for (int i = 0; i < 2; i++) { // a static initialiser fails otherwise the second time
        try (SlabAllocator allocator = SlabAllocator.create();
            BytesView view = new BytesView()) {
          BytesPool pool = new BytesPool(allocator.createCache("order", 64));
          pool.acquire(view).bytes().writeLong(42).append("hello").append(1.5);
          System.out.println(view.bytes().readLong());
          pool.release(view);
        } catch (IllegalStateException e) {
          System.out.println(e.getMessage());
        }
      }
    }
  }

  private static String run(String... flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Program.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    assertEquals(0, process.waitFor(), output);
    return output;
  }

  @Test
  void theFlagsOfTheReadmeAreEnoughAndNothingWarns() throws Exception {
    assertEquals(
        "42\n42",
        run(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
            "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED"));
  }

  @Test
  void aMissingFlagIsNamed() throws Exception {
    String output =
        run("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=deny");

    String sentence =
        "pools of Bytes need Chronicle: start the JVM with --sun-misc-unsafe-memory-access=allow";
    assertTrue(output.endsWith(sentence + "\n" + sentence), output);
  }
}
