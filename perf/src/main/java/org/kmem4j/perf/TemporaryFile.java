package org.kmem4j.perf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files that nobody misses. */
public final class TemporaryFile {
  private TemporaryFile() {}

  /** Deletes a temporary file, or nothing if there is none. */
  public static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // It stays behind: the system clears it away.
    }
  }
}
