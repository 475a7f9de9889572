package org.kmem4j.perf.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the JVM's log tells of the times when nothing ran: safepoints, of collectors and others, and
 * threads that waited for a collector to make room.
 */
final class StopLog {
  /** Each line begins with {@code System.nanoTime()}. */
  private static final Pattern SAFEPOINT =
      Pattern.compile("\\[(\\d+)ns] Safepoint \"(\\w+)\".* Total:\\s+(\\d+) ns");

  private static final Pattern STALL =
      Pattern.compile("\\[(\\d+)ns].*Allocation Stall \\(([^)]*)\\) ([\\d.]+)ms");

  private StopLog() {}

  /** What makes a JVM write it. */
  static String flag(Path file) {
    return "-Xlog:safepoint,gc:file=" + file + ":timenanos:filecount=0";
  }

  /** The stops within a time. */
  static List<Timeline.Stop> read(Path log, long start, long end) throws IOException {
    List<Timeline.Stop> stops = new ArrayList<>();
    for (String line : Files.readAllLines(log)) {
      Matcher safepoint = SAFEPOINT.matcher(line);
      Matcher stall = STALL.matcher(line);
      if (safepoint.find()) {
        add(stops, safepoint, Long.parseLong(safepoint.group(3)), "", start, end);
      } else if (stall.find()) {
        long nanos = (long) (Double.parseDouble(stall.group(3)) * 1e6);
        add(stops, stall, nanos, "Allocation stall of ", start, end);
      }
    }
    return stops;
  }

  private static void add(
      List<Timeline.Stop> stops, Matcher line, long nanos, String what, long start, long end) {
    long began = Long.parseLong(line.group(1)) - nanos; // It is written at the end.
    if (began >= start && began < end) {
      stops.add(new Timeline.Stop((began - start) / 1e9, nanos / 1e6, what + line.group(2)));
    }
  }
}
