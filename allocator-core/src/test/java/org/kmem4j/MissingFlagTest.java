package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
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
      } catch (RuntimeException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private static ChildProgram.Run run(String what, String... flags) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(flags));
    arguments.addAll(List.of("-cp", System.getProperty("java.class.path")));
    arguments.addAll(List.of(Program.class.getName(), what));
    return ChildProgram.java(arguments);
  }

  @Test
  void withBothFlagsAPoolWorks() throws Exception {
    assertEquals(new ChildProgram.Run(0, "done"), run("pool", NATIVE, OPENS));
  }

  @Test
  void theAllocatorNeedsTheFirstFlagOnly() throws Exception {
    assertEquals(new ChildProgram.Run(0, "done"), run("allocator", NATIVE));
  }

  @Test
  void withoutNativeAccessOneSentenceNamesTheFlag() throws Exception {
    ChildProgram.Run run = run("allocator");

    assertEquals(
        "Kmem4j may not call native code: start the JVM with --enable-native-access=ALL-UNNAMED",
        run.output());
  }

  @Test
  void withoutOpensThePoolNamesTheFlag() throws Exception {
    ChildProgram.Run run = run("pool", NATIVE);

    assertAll(
        () -> assertTrue(run.output().contains("--add-opens"), run.output()),
        () -> assertTrue(run.output().contains("java.base/jdk.internal.misc=ALL-UNNAMED")),
        () -> assertEquals(1, run.output().lines().count(), run.output()));
  }

  @Test
  void aWrongPropertyIsFoundAtTheStart() throws Exception {
    ChildProgram.Run run = run("allocator", NATIVE, "-Dkmem4j.maxorder=3");

    assertTrue(run.output().contains("the nearest name is kmem4j.maxOrder"), run.output());
  }

  @Test
  void withoutMembarrierReadersUseFences() throws Exception {
    assertEquals(
        new ChildProgram.Run(0, "done"), run("allocator", NATIVE, "-Dkmem4j.rcu.fence=true"));
  }
}
