package org.kmem4j.perf.bench;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The file by which JMH keeps runs apart, held over all rounds. JMH itself would take it for one
 * fork after the other, and end a long run if somebody else came in between.
 */
final class JmhLock implements AutoCloseable {
  private final FileChannel file; // Null if it could not be locked.

  private JmhLock(FileChannel file) {
    this.file = file;
  }

  /** Locks it if it is free. From here on JMH does not look at it. */
  static JmhLock take() {
    System.setProperty("jmh.ignoreLock", "true");
    FileChannel file = null;
    try {
      file =
          FileChannel.open(
              Path.of(System.getProperty("java.io.tmpdir"), "jmh.lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE);
      if (file.tryLock() != null) {
        return new JmhLock(file);
      }
    } catch (IOException | OverlappingFileLockException e) {
      // Somebody else's.
    }
    close(file);
    return new JmhLock(null);
  }

  boolean isHeld() {
    return file != null;
  }

  @Override
  public void close() {
    close(file);
  }

  private static void close(FileChannel file) {
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      // The lock ends with this JVM.
    }
  }
}
