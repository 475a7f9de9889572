package org.kmem4j.chronicle;

import net.openhft.chronicle.bytes.PointerBytesStore;

/** Whether this JVM lets Chronicle reach native memory. */
final class ChronicleFlags {
  private static final LinkageError FAILURE = tryChronicle();

  private ChronicleFlags() {}

  @SuppressWarnings("EmptyCatch") // it is returned
  private static LinkageError tryChronicle() {
    try {
      new PointerBytesStore(); // its static initialisers allocate with sun.misc.Unsafe
      return null;
    } catch (LinkageError e) {
      return e;
    }
  }

  /**
   * Loads Chronicle, which takes some hundred milliseconds the first time.
   *
   * @throws IllegalStateException if the JVM denies it native memory; the flag is named
   */
  static void check() {
    if (FAILURE == null) {
      return;
    }
    if (FAILURE.getCause() instanceof UnsupportedOperationException) {
      throw new IllegalStateException(
          "pools of Bytes need Chronicle: start the JVM with --sun-misc-unsafe-memory-access=allow",
          FAILURE);
    }
    throw FAILURE;
  }
}
