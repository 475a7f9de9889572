package org.kmem4j;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory an allocator may hold when nobody says: what the container or the machine has,
 * less the Java heap and a margin for the rest of the JVM.
 */
final class DefaultCeiling {
  private static final long MIN_MARGIN = 128 << 20;
  private static final long NO_LIMIT = Long.MAX_VALUE;

  private DefaultCeiling() {}

  static long bytes() {
    return bytes(Path.of("/"), Runtime.getRuntime().maxMemory());
  }

  /** The same for files under another root: {@code proc} and {@code sys} as Linux shows them. */
  static long bytes(Path root, long heapBytes) {
    long limit = Math.min(physicalBytes(root), containerBytes(root));
    if (limit == NO_LIMIT) {
      return Math.max(heapBytes, 1 << 30); // no Linux: as much again as the heap
    }
    long margin = Math.max(limit / 16, MIN_MARGIN);
    // A heap sized to fill the machine still leaves us an eighth: the JVM rarely commits it all.
    return Math.max(limit - heapBytes - margin, limit / 8) & -4096;
  }

  private static long physicalBytes(Path root) {
    for (String line : lines(root.resolve("proc/meminfo"))) {
      if (line.startsWith("MemTotal:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    return NO_LIMIT;
  }

  /** The smallest limit on the way from this process's cgroup to the root; version 1 and 2. */
  private static long containerBytes(Path root) {
    Path mount = root.resolve("sys/fs/cgroup");
    long limit = NO_LIMIT;
    for (String line : lines(root.resolve("proc/self/cgroup"))) {
      String[] parts = line.split(":", 3);
      if (parts.length == 3 && parts[0].equals("0")) {
        limit = Math.min(limit, smallest(mount, parts[2], "memory.max"));
      } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
        Path hierarchy = mount.resolve("memory");
        limit = Math.min(limit, smallest(hierarchy, parts[2], "memory.limit_in_bytes"));
      }
    }
    return limit;
  }

  private static long smallest(Path mount, String group, String file) {
    long limit = read(mount.resolve(file));
    Path at = mount;
    for (Path name : Path.of(group)) {
      at = at.resolve(name.toString());
      limit = Math.min(limit, read(at.resolve(file)));
    }
    return limit;
  }

  private static long read(Path file) {
    for (String line : lines(file)) {
      if (line.matches("\\d{1,18}")) {
        return Long.parseLong(line);
      }
    }
    return NO_LIMIT; // "max", a number beyond all memory, or no such file
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }
}
