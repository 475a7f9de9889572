package org.kmem4j.perf.demo;

import com.github.freva.asciitable.ColumnData;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.demo.Timeline.Slice;
import org.kmem4j.perf.demo.Timeline.Stop;
import picocli.CommandLine.Help.Ansi;

/** The lanes as text of at most 80 columns. */
final class TerminalPicture {
  private static final int GUTTER = 13;
  private static final int SLICES_PER_COLUMN = 2;
  private static final int COLUMNS = Plan.SLICES / SLICES_PER_COLUMN;
  private static final int QUARTER = COLUMNS / 4;

  /** The height of a column of latency: a row for each power of ten from 10 µs to 1 s. */
  private static final int ROWS = 5;

  private static final double LEAST_MICROS = 10;
  private static final String[] DECADES = {"10 µs", "100 µs", "1 ms", "10 ms", "100 ms"};
  private static final List<String> QUARTERS =
      List.of("A fills up", "A at limit", "A closed", "late frees");
  private static final String EIGHTHS = " ▁▂▃▄▅▆▇█";
  private static final char MARK = '┊';

  /** Shorter stops are not worth a mark. */
  private static final double STOP_MILLIS = 1;

  private final Plan plan;
  private final Ansi ansi;

  TerminalPicture(Plan plan, Ansi ansi) {
    this.plan = plan;
    this.ansi = ansi;
  }

  /** What stands above the lanes. */
  List<String> head() {
    List<String> lines = new ArrayList<>();
    lines.add(ansi.string("@|bold " + Words.title() + "|@"));
    lines.addAll(Words.conditions(plan));
    lines.add("Bars: the slowest request. ▼: the JVM stopped for a millisecond or longer.");
    return lines;
  }

  /** A lane that is still running, as far as it has come. */
  List<String> running(Lane lane, List<Slice> slices) {
    return block(lane, slices, List.of());
  }

  /** A lane with all that happened in it. */
  List<String> finished(Timeline timeline) {
    List<String> lines = block(timeline.lane(), timeline.slices(), timeline.stops());
    for (Timeline.Event event : timeline.events()) {
      String second = String.format(Locale.ROOT, "%" + (GUTTER - 3) + ".1f s ", event.second());
      for (String line : Words.wrap(event.what(), 80 - GUTTER)) {
        lines.add(second + line);
        second = " ".repeat(GUTTER);
      }
    }
    return lines;
  }

  /** The numbers of all lanes, quarter by quarter. */
  static String table(List<Timeline> lanes) {
    return Table.of(
        lanes,
        List.of(
            Table.text("B's p99.9", timeline -> timeline.lane().title),
            quarter(0),
            quarter(1),
            quarter(2),
            quarter(3),
            Table.number("max", timeline -> Words.time(timeline.maxMicros()))));
  }

  private static ColumnData<Timeline> quarter(int index) {
    return Table.number(
        QUARTERS.get(index), timeline -> Words.time(timeline.phases().get(index).p999Micros()));
  }

  private List<String> block(Lane lane, List<Slice> slices, List<Stop> stops) {
    List<String> lines = new ArrayList<>();
    lines.add("");
    lines.add(ansi.string("@|bold " + lane.title + "|@") + ", " + lane.memory(plan));
    StringBuilder quarters = new StringBuilder(" ".repeat(GUTTER));
    for (String quarter : QUARTERS) {
      quarters.append(quarter).append(" ".repeat(QUARTER - quarter.length()));
    }
    lines.add(quarters.toString().stripTrailing());
    double[] max = columns(slices, Slice::maxMicros);
    for (int row = ROWS - 1; row >= 0; row--) {
      lines.add(label(DECADES[row]) + coloured(lane, latency(max, row)));
    }
    lines.add(label("stops") + stops(stops));
    lines.add(label("resident") + memory(slices, Slice::residentBytes));
    lines.add(label("live, A + B") + memory(slices, s -> s.liveBytesOfA() + s.liveBytesOfB()));
    return lines;
  }

  private static String label(String text) {
    return " ".repeat(GUTTER - 2 - text.length()) + text + " │";
  }

  private String coloured(Lane lane, String text) {
    return ansi.string("@|fg(" + lane.terminalColour + ") " + text + "|@");
  }

  /** The greatest of the slices of each column, as many as there are. */
  private static double[] columns(List<Slice> slices, ToDoubleFunction<Slice> value) {
    double[] columns = new double[slices.size() / SLICES_PER_COLUMN];
    for (int slice = 0; slice < columns.length * SLICES_PER_COLUMN; slice++) {
      int column = slice / SLICES_PER_COLUMN;
      columns[column] = Math.max(columns[column], value.applyAsDouble(slices.get(slice)));
    }
    return columns;
  }

  private static String latency(double[] micros, int row) {
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < COLUMNS; column++) {
      double height = column < micros.length ? Math.log10(micros[column] / LEAST_MICROS) - row : 0;
      line.append(cell(column, height));
    }
    return line.toString().stripTrailing();
  }

  /** Resident memory at the height of the budget is a full cell. */
  private String memory(List<Slice> slices, ToDoubleFunction<Slice> bytes) {
    double[] values = columns(slices, bytes);
    StringBuilder line = new StringBuilder();
    for (int column = 0; column < COLUMNS; column++) {
      double share = column < values.length ? values[column] / plan.budgetBytes() : 0;
      line.append(cell(column, share));
    }
    line.append(String.format(Locale.ROOT, "%4.0f MB", max(values) / 1e6));
    return line.toString();
  }

  private static double max(double[] values) {
    double max = 0;
    for (double value : values) {
      max = Math.max(max, value);
    }
    return max;
  }

  private String stops(List<Stop> stops) {
    char[] line = " ".repeat(COLUMNS).toCharArray();
    for (Stop stop : stops) {
      if (stop.millis() >= STOP_MILLIS) {
        int column = (int) (stop.second() / plan.seconds() * COLUMNS);
        line[Math.clamp(column, 0, COLUMNS - 1)] = '▼';
      }
    }
    return new String(line).stripTrailing();
  }

  /** A bar of so many eighths, or a mark where a quarter begins and there is room. */
  private static char cell(int column, double height) {
    int eighths = (int) Math.ceil(8 * Math.clamp(height, 0, 1));
    return eighths == 0 && column > 0 && column % QUARTER == 0 ? MARK : EIGHTHS.charAt(eighths);
  }
}
