package org.kmem4j.perf.replay;

import com.github.freva.asciitable.ColumnData;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.contender.Contender;

/**
 * What a replay found on one trace, as JSON names it. A value is null where it was not measured.
 *
 * @param peakLiveBytes as the trace has it: several threads may drift apart and differ a little
 */
record Report(
    String trace,
    String file,
    long events,
    long peakLiveBytes,
    int threads,
    int passes,
    int forks,
    boolean verified,
    String jvm,
    List<Run> runs) {

  /** One allocator's part; ns per event are the median, least and most of forks or passes. */
  record Run(
      String allocator,
      String version,
      Double nsPerEvent,
      Double nsPerEventMin,
      Double nsPerEventMax,
      Long peakMappedBytes,
      Long peakResidentBytes,
      Double residentPerLive,
      long leakedObjects,
      long corruptObjects) {

    boolean isClean() {
      return leakedObjects == 0 && corruptObjects == 0;
    }
  }

  private static final String NOT_KNOWN = "n/a";

  /** One object, or an array if there are several traces. */
  static String toJson(List<?> reports) {
    return JsonFile.toJson(reports.size() == 1 ? reports.get(0) : reports);
  }

  /** The table of this trace, a row for each allocator. */
  String table() {
    Double malloc =
        runs.stream()
            .filter(run -> run.allocator.equals(Contender.MALLOC.toString()))
            .map(Run::nsPerEvent)
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
    List<ColumnData<Run>> columns =
        List.of(
            Table.text("allocator", Run::allocator),
            Table.number("ns/event", run -> decimals(run.nsPerEvent)),
            Table.number("min..max", Report::range),
            Table.number("÷ malloc", run -> ratio(run.nsPerEvent, malloc)),
            Table.number("peak live", run -> mib(peakLiveBytes)),
            Table.number("peak mapped", run -> mib(run.peakMappedBytes)),
            Table.number("peak resident", run -> mib(run.peakResidentBytes)),
            Table.number("resident ÷ live", run -> decimals(run.residentPerLive)),
            Table.number("leaked", run -> Long.toString(run.leakedObjects)),
            Table.number("corrupt", run -> Long.toString(run.corruptObjects)));
    return "%s: %,d events, %s, %s%s%n%s%n"
        .formatted(
            trace,
            events,
            threads == 1 ? "1 thread" : threads + " threads",
            passes == 1 ? "1 pass" : passes + " passes",
            verified ? ", every byte verified" : "",
            Table.of(runs, columns));
  }

  private static String range(Run run) {
    return run.nsPerEvent == null
        ? NOT_KNOWN
        : decimals(run.nsPerEventMin) + ".." + decimals(run.nsPerEventMax);
  }

  private static String ratio(Double value, Double base) {
    return value == null || base == null ? NOT_KNOWN : decimals(value / base);
  }

  private static String decimals(Double value) {
    return value == null ? NOT_KNOWN : String.format(Locale.ROOT, "%.2f", value);
  }

  private static String mib(Long bytes) {
    return bytes == null ? NOT_KNOWN : String.format(Locale.ROOT, "%.1f MiB", bytes / 1048576.0);
  }
}
