package org.kmem4j.perf.latency;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Reads what HotSpot tells of its pauses, with uptimes in milliseconds before each line. */
final class GcLog {
  private static final Pattern SAFEPOINT =
      Pattern.compile("^\\[(\\d+)ms].*Safepoint \".*Total: +(\\d+) ns");
  private static final Pattern STALL =
      Pattern.compile("^\\[(\\d+)ms].*(?:Allocation|Relocation) Stall \\(.*\\) ([\\d.]+)ms");

  private GcLog() {}

  /** The option that has a JVM write such a log. */
  static String flag(Path file) {
    return "-Xlog:gc*,safepoint:file=" + file + ":uptimemillis,level,tags:filecount=0";
  }

  /** How often, how long together, how long at most. */
  public record Times(long count, long totalNanos, long maxNanos) {
    private Times plus(long nanos) {
      return new Times(count + 1, totalNanos + nanos, Math.max(maxNanos, nanos));
    }
  }

  /**
   * What stopped the program.
   *
   * @param pauses of all threads: safepoints, from the request to the last thread's departure
   * @param stalls of one thread that waited for ZGC to free something; they are no pauses
   */
  public record Pauses(Times pauses, Times stalls) {}

  /** Whatever ended between two moments of the JVM's uptime. */
  static Pauses read(Path file, long fromMillis, long toMillis) throws IOException {
    try (Stream<String> lines = Files.lines(file)) {
      return read(lines, fromMillis, toMillis);
    }
  }

  static Pauses read(Stream<String> lines, long fromMillis, long toMillis) {
    Times[] times = {new Times(0, 0, 0), new Times(0, 0, 0)};
    lines.forEach(
        line -> {
          Matcher safepoint = SAFEPOINT.matcher(line);
          Matcher stall = STALL.matcher(line);
          if (safepoint.find() && isWithin(safepoint, fromMillis, toMillis)) {
            times[0] = times[0].plus(Long.parseLong(safepoint.group(2)));
          } else if (stall.find() && isWithin(stall, fromMillis, toMillis)) {
            times[1] = times[1].plus((long) (1e6 * Double.parseDouble(stall.group(2))));
          }
        });
    return new Pauses(times[0], times[1]);
  }

  private static boolean isWithin(Matcher line, long fromMillis, long toMillis) {
    long millis = Long.parseLong(line.group(1));
    return millis >= fromMillis && millis <= toMillis;
  }
}
