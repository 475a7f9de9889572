package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The README's example of tenants is compiled, run with the property that the page shows, and its
 * output compared with what the page shows.
 */
class ReadmeTest {
  @TempDir Path folder;

  @Test
  void theExampleOfTenantsPrintsWhatThePageSays() throws Exception {
    String page = Files.readString(Path.of("../README.md"));
    String section = page.substring(page.indexOf("\n## Tenants\n"));
    Path source = Files.writeString(folder.resolve("Tenants.java"), block(section, "java"));
    Matcher property = Pattern.compile("'-D(kmem4j[^=]*)=(.*?)'").matcher(block(section, ""));
    assertTrue(property.find(), "the command sets a limit");

    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-cp", System.getProperty("java.class.path"), source.toString());
    assertEquals(0, status, "the example compiles");

    System.setProperty(property.group(1), property.group(2));
    try {
      assertEquals(block(section, "text"), run().replace(System.lineSeparator(), "\n"));
    } finally {
      System.clearProperty(property.group(1));
    }
  }

  private static String block(String page, String language) {
    Matcher block =
        Pattern.compile("\n\n```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(page);
    assertTrue(block.find(), "the README has a block of " + language);
    return block.group(1);
  }

  private String run() throws Exception {
    var printed = new ByteArrayOutputStream();
    PrintStream console = System.out;
    try (var classes = new URLClassLoader(new URL[] {folder.toUri().toURL()})) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      var main = classes.loadClass("Tenants").getMethod("main", String[].class);
      main.invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }
}
