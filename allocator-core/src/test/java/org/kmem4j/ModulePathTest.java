package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A module of somebody else's that requires ours, on the module path, with the flags of there. */
final class ModulePathTest {
  private static final String NATIVE = "--enable-native-access=org.kmem4j";
  private static final String OPENS = "--add-opens=java.base/jdk.internal.misc=org.agrona";

  @TempDir private static Path folder;

  private static String modulePath;

  /** Compiles the module {@code server}. */
  @BeforeAll
  static void compile() throws Exception {
    Path sources = Files.createDirectories(folder.resolve("sources/server"));
    Path classes = folder.resolve("classes");
    String ours = pathOf(SlabAllocator.class);
    String agronas = pathOf(org.agrona.DirectBuffer.class);
    modulePath = String.join(File.pathSeparator, ours, agronas, classes.toString());
    Path module =
        Files.writeString(
            sources.getParent().resolve("module-info.java"),
            "module server { requires org.kmem4j; }");
    Path main =
        Files.writeString(
            sources.resolve("Main.java"),
            """
            package server;

            import org.kmem4j.SlabAllocator;
            import org.kmem4j.SlabArena;
            import org.kmem4j.pool.Flyweight;
            import org.kmem4j.pool.ObjectPool;

            public class Main {
              public static void main(String[] args) {
                try (var allocator = SlabAllocator.builder().max(1 << 20).build();
                    var arena = SlabArena.confined(allocator)) {
                  arena.allocate(100).fill((byte) 1);
                  allocator.free(allocator.alloc(100));
                  if (args[0].equals("pool")) {
                    ObjectPool<Flyweight> pool = allocator.pool("orders", 24);
                    Flyweight view = new Flyweight();
                    pool.acquire(view).putLong(0, 7);
                    pool.release(view);
                  }
                  System.out.println("done in " + Main.class.getModule());
                } catch (IllegalStateException e) {
                  System.out.println(e.getMessage());
                }
              }
            }
            """);

    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "--module-path",
                ours + File.pathSeparator + agronas,
                "-d",
                classes.toString(),
                module.toString(),
                main.toString());
    assertEquals(0, status, "the module compiles");
  }

  private static String pathOf(Class<?> member) throws URISyntaxException {
    return Path.of(member.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
  }

  private static ChildProgram.Run run(String what, String... flags) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(flags));
    arguments.addAll(List.of("--module-path", modulePath, "--module", "server/server.Main", what));
    return ChildProgram.java(arguments);
  }

  @Test
  void theAllocatorNeedsTheFlagForOurModuleOnly() throws Exception {
    assertEquals(new ChildProgram.Run(0, "done in module server"), run("allocator", NATIVE));
  }

  @Test
  void aPoolNeedsTheOneForAgronasToo() throws Exception {
    assertEquals(new ChildProgram.Run(0, "done in module server"), run("pool", NATIVE, OPENS));
  }

  @Test
  void aMissingFlagIsNamedAsItIsWrittenForModules() throws Exception {
    ChildProgram.Run nothing = run("allocator");
    ChildProgram.Run noOpens = run("pool", NATIVE);

    assertAll(
        () ->
            assertEquals(
                "Kmem4j may not call native code: start the JVM with " + NATIVE, nothing.output()),
        () ->
            assertTrue(
                noOpens.output().endsWith("--add-opens java.base/jdk.internal.misc=org.agrona"),
                noOpens.output()),
        () -> assertEquals(1, noOpens.output().lines().count()));
  }
}
