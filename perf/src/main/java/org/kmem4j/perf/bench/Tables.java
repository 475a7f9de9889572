package org.kmem4j.perf.bench;

import com.github.freva.asciitable.ColumnData;
import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.bench.Findings.Section;
import org.kmem4j.perf.bench.Group.Entry;
import org.kmem4j.perf.bench.Report.BarRow;

/** What the terminal shows of a run. */
final class Tables {
  private Tables() {}

  /** A table for each question, then that of the bars. */
  static String of(Findings findings) {
    StringBuilder text = new StringBuilder();
    for (Section section : findings.sections()) {
      if (!section.groups().isEmpty()) {
        text.append(
            "%s: %s%n%s%n%n"
                .formatted(section.question().name(), section.question().title(), table(section)));
      }
    }
    Report report = findings.report();
    if (!report.bars().isEmpty()) {
      text.append(
          "bars: medians of the forks' ratios, with %s%n"
              .formatted(Interval.named(report.forks())));
      text.append(barTable(report.bars())).append(System.lineSeparator());
      if (report.hasFewForks()) {
        text.append(fewForks(report)).append(System.lineSeparator());
      }
    }
    return text.toString();
  }

  static String fewForks(Report report) {
    return "The verdicts are of %d %s; %d are asked for."
        .formatted(report.forks(), report.forks() == 1 ? "fork" : "forks", BenchCommand.FULL_FORKS);
  }

  /** A column of ratios appears where there is something to divide by. */
  private static String table(Section section) {
    List<Entry> entries =
        section.groups().stream().flatMap(group -> group.entries().stream()).toList();
    List<ColumnData<Entry>> columns = new ArrayList<>();
    columns.add(Table.text("contender", entry -> entry.row().contender()));
    columns.add(Table.text("params", entry -> entry.row().where()));
    columns.add(Table.text("unit", entry -> entry.row().unit()));
    columns.add(Table.number("median", entry -> Numbers.decimals(entry.row().score())));
    columns.add(Table.number("min..max", entry -> Numbers.range(entry.row())));
    if (section.groups().stream().anyMatch(Group::hasHeap)) {
      columns.add(Table.number("÷ heap", entry -> Numbers.ratio(entry.toHeap())));
    }
    if (section.groups().stream().anyMatch(Group::hasPeer)) {
      columns.add(Table.text("÷ best peer", entry -> Numbers.ratioAndPeer(entry.toBestPeer())));
    }
    columns.add(Table.number("B/op", entry -> Numbers.garbage(entry.row().bytesPerOp())));
    return Table.of(entries, columns);
  }

  private static String barTable(List<BarRow> bars) {
    List<ColumnData<BarRow>> columns =
        List.of(
            Table.text("what", BarRow::bar),
            Table.number("median", bar -> Numbers.decimals(bar.ratio())),
            Table.number("low..high", Numbers::range),
            Table.number("bar", Numbers::limit),
            Table.number("aim", Numbers::aim),
            Table.text("verdict", BarRow::verdict));
    return Table.of(bars, columns);
  }
}
