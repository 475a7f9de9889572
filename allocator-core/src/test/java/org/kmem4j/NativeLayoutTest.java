package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@code native-layout.md} is printed from the code; {@code -Dlayout.rewrite=true} does it. */
final class NativeLayoutTest {
  @Test
  void thePageSaysWhatTheCodeSays() throws IOException {
    Path page = root().resolve("native-layout.md");
    if (Boolean.getBoolean("layout.rewrite")) {
      Files.writeString(page, NativeLayout.print());
    }

    String written = Files.exists(page) ? Files.readString(page) : "";

    assertEquals(
        NativeLayout.print(),
        written,
        "the layout has changed; this rewrites the page: ./mvnw test -pl allocator-core"
            + " -Dtest=NativeLayoutTest -Dlayout.rewrite=true");
  }

  /** The folder of the project: the test runs in its module's. */
  private static Path root() {
    Path at = Path.of("").toAbsolutePath();
    while (!Files.exists(at.resolve("mvnw"))) {
      at = at.getParent();
    }
    return at;
  }
}
