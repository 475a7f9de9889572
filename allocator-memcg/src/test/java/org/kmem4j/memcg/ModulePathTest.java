package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kmem4j.SlabAllocator;

/** A module of somebody else's that requires ours, on the module path. */
final class ModulePathTest {
  @TempDir private Path folder;

  @Test
  void namesOfPropertiesAndTheMBeanAreFoundThere() throws Exception {
    String ours = pathOf(MemCgroups.class);
    String modulePath =
        String.join(
            File.pathSeparator,
            ours,
            pathOf(SlabAllocator.class),
            pathOf(org.agrona.DirectBuffer.class));
    compile(
        modulePath,
        """
        package server;

        import org.kmem4j.SlabAllocator;
        import org.kmem4j.memcg.MemCgroups;
        import org.kmem4j.memcg.group.MemCgroup;

        public class Main {
          public static void main(String[] args) {
            try (var allocator = SlabAllocator.builder().max(1 << 20).build();
                var groups = MemCgroups.on(allocator)) {
              MemCgroup acme = groups.create("/tenants/acme.com");
              groups.registerMBean();
              System.out.println(acme.max() + " in " + Main.class.getModule());
            } catch (IllegalArgumentException e) {
              System.out.println(e.getMessage());
            }
          }
        }
        """);

    assertEquals("65536 in module server", run(modulePath, "kmem4j.memcg./tenants/*.max=64k"));
    String unknown = run(modulePath, "kmem4j.confi=x");
    assertTrue(unknown.contains("the nearest name is kmem4j.config"), unknown);
  }

  private void compile(String modulePath, String program) throws Exception {
    Path module =
        Files.writeString(
            folder.resolve("module-info.java"), "module server { requires org.kmem4j.memcg; }");
    Path main = Files.writeString(folder.resolve("Main.java"), program);
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "--module-path",
                modulePath,
                "-d",
                folder.resolve("server").toString(),
                module.toString(),
                main.toString());
    assertEquals(0, status, "the module compiles");
  }

  private static String pathOf(Class<?> member) throws URISyntaxException {
    return Path.of(member.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
  }

  private String run(String modulePath, String property) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-Xmx64m", "-D" + property));
    command.add("--enable-native-access=org.kmem4j");
    command.addAll(
        List.of("--module-path", modulePath + File.pathSeparator + folder.resolve("server")));
    command.addAll(List.of("--module", "server/server.Main"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output.strip();
  }
}
