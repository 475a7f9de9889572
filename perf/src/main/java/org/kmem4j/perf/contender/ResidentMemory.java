package org.kmem4j.perf.contender;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Resident memory of this process, as Linux counts it; elsewhere nothing is known. */
public final class ResidentMemory {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR_REFS = Path.of("/proc/self/clear_refs");

  private ResidentMemory() {}

  /** Resident bytes now. */
  public static OptionalLong bytes() {
    return status("VmRSS:");
  }

  /** Forgets the peak, so that the next one is of what happens from now on. */
  public static boolean resetPeak() {
    try {
      Files.writeString(CLEAR_REFS, "5");
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** The most bytes resident since {@link #resetPeak}. */
  public static OptionalLong peakBytes() {
    return status("VmHWM:");
  }

  private static OptionalLong status(String field) {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith(field))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
