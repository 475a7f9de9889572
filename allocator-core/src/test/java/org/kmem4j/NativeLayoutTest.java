package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@code native-layout.md} begins with the structs of this module, printed from the code. */
final class NativeLayoutTest {
  @Test
  void thePageSaysWhatTheCodeSays() throws IOException {
    String printed = NativeLayout.print();

    String written = Files.readString(root().resolve("native-layout.md"));

    assertEquals(
        printed,
        written.substring(0, Math.min(printed.length(), written.length())),
        "the layout has changed; this rewrites the page: bin/kmem layout > native-layout.md");
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
