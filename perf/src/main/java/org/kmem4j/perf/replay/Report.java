package org.kmem4j.perf.replay;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;

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
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    try {
      return mapper.writeValueAsString(reports.size() == 1 ? reports.get(0) : reports);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The table of this trace, a row for each allocator. */
  String table() {
    Double malloc =
        runs.stream()
            .filter(run -> run.allocator.equals(Allocator.MALLOC.toString()))
            .map(Run::nsPerEvent)
            .filter(Objects::nonNull)
            .findFirst()
            .orElse(null);
    List<ColumnData<Run>> columns =
        List.of(
            new Column()
                .header("allocator")
                .headerAlign(HorizontalAlign.LEFT)
                .dataAlign(HorizontalAlign.LEFT)
                .with(Run::allocator),
            number("ns/event", run -> decimals(run.nsPerEvent)),
            number("min..max", Report::range),
            number("÷ malloc", run -> ratio(run.nsPerEvent, malloc)),
            number("peak live", run -> mib(peakLiveBytes)),
            number("peak mapped", run -> mib(run.peakMappedBytes)),
            number("peak resident", run -> mib(run.peakResidentBytes)),
            number("resident ÷ live", run -> decimals(run.residentPerLive)),
            number("leaked", run -> Long.toString(run.leakedObjects)),
            number("corrupt", run -> Long.toString(run.corruptObjects)));
    return "%s: %,d events, %s, %s%s%n%s%n"
        .formatted(
            trace,
            events,
            threads == 1 ? "1 thread" : threads + " threads",
            passes == 1 ? "1 pass" : passes + " passes",
            verified ? ", every byte verified" : "",
            AsciiTable.getTable(AsciiTable.FANCY_ASCII, runs, columns));
  }

  private static ColumnData<Run> number(String header, Function<Run, String> value) {
    return new Column()
        .header(header)
        .headerAlign(HorizontalAlign.RIGHT)
        .dataAlign(HorizontalAlign.RIGHT)
        .with(value);
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
