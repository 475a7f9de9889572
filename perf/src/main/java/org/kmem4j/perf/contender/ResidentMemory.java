package org.kmem4j.perf.contender;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import org.kmem4j.perf.KmemException;

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

  /**
   * Looks at resident memory again and again, and makes no garbage, which would fill the heap that
   * is looked at.
   */
  public static final class Gauge implements AutoCloseable {
    private static final int PAGE_SHIFT = 12;

    private final RandomAccessFile file;
    private final byte[] text = new byte[128];

    /** Throws if the system does not tell. */
    public Gauge() {
      try {
        file = new RandomAccessFile("/proc/self/statm", "r");
      } catch (IOException e) {
        throw new KmemException("The system does not tell what is resident: " + e.getMessage(), e);
      }
    }

    /** Resident bytes now: the second number of the file, in pages. */
    public long bytes() {
      try {
        file.seek(0);
        int length = file.read(text);
        long pages = 0;
        int at = 0;
        while (text[at++] != ' ') {}
        while (at < length && text[at] != ' ') {
          pages = 10 * pages + text[at++] - '0';
        }
        return pages << PAGE_SHIFT;
      } catch (IOException e) {
        throw new KmemException("The system does not tell what is resident: " + e.getMessage(), e);
      }
    }

    /**
     * Resident bytes now, less those of the Java heap that are free but were touched before: what
     * the heap as a contender starts from, for it uses these first.
     */
    public long bytesLessTouchedHeap() {
      long free = 0;
      for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
        if (pool.getType() == MemoryType.HEAP) {
          free += Math.max(0, pool.getPeakUsage().getUsed() - pool.getUsage().getUsed());
        }
      }
      return bytes() - free;
    }

    @Override
    public void close() {
      try {
        file.close();
      } catch (IOException e) {
        throw new KmemException("A file of the system cannot be closed: " + e.getMessage(), e);
      }
    }
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
