package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A program whose classes and ours lie in one place, as in a jar that holds all it needs. */
final class FatJarTest {
  private Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createTempDirectory("fat-jar");
  }

  @AfterEach
  void deleteFolder() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    }
  }

  private static Path placeOf(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  private void copyOurs() throws Exception {
    Path ours = placeOf(SlabAllocator.class);
    try (Stream<Path> all = Files.walk(ours)) {
      for (Path from : (Iterable<Path>) all::iterator) {
        Path to = folder.resolve(ours.relativize(from).toString());
        if (Files.isDirectory(from)) {
          Files.createDirectories(to);
        } else if (!from.endsWith("module-info.class")) {
          Files.copy(from, to);
        }
      }
    }
  }

  private void compileProgram() throws IOException {
    Path source =
        Files.writeString(
            folder.resolve("Main.java"),
            """
            package app;

            import org.kmem4j.SlabAllocator;

            public class Main {
              public static void main(String[] args) {
                try (var allocator = SlabAllocator.builder().max(1 << 20).debug("U").build()) {
                  allocateHere(allocator);
                  System.out.println(allocator.leaks());
                }
              }

              private static void allocateHere(SlabAllocator allocator) {
                allocator.alloc(100);
              }
            }
            """);
    String place = folder.toString();
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", place, "-d", place, source.toString());
    assertEquals(0, status, "the program compiles");
  }

  @Test
  void aStackBeginsWithTheProgramsFrames() throws Exception {
    copyOurs();
    compileProgram();
    String path = folder + File.pathSeparator + placeOf(org.agrona.DirectBuffer.class);

    var run =
        ChildProgram.java(List.of("--enable-native-access=ALL-UNNAMED", "-cp", path, "app.Main"));

    assertEquals(0, run.status(), run.output());
    assertTrue(run.output().contains("app.Main.allocateHere"), run.output());
    assertTrue(!run.output().contains("at org.kmem4j.slab."), run.output());
  }
}
