package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.kmem4j.NativeLayout;

/** {@code native-layout.md} is printed from the code; {@code -Dlayout.rewrite=true} does it. */
final class NativeLayoutTest {
  @Test
  void thePageSaysWhatTheCodeSays() throws IOException {
    Path page = root().resolve("native-layout.md");
    String printed = NativeLayout.print() + MemcgLayout.print();
    if (Boolean.getBoolean("layout.rewrite")) {
      Files.writeString(page, printed);
    }

    String written = Files.exists(page) ? Files.readString(page) : "";

    assertEquals(
        printed,
        written,
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
