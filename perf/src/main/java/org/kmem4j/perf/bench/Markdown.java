package org.kmem4j.perf.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.bench.Findings.Section;
import org.kmem4j.perf.bench.Group.Entry;
import org.kmem4j.perf.bench.Report.BarRow;

/** The measured part of a document, which stands between two comments in it; the rest is left. */
final class Markdown {
  static final String BEGIN = "<!-- measured: begin -->";
  static final String END = "<!-- measured: end -->";

  private final StringBuilder text = new StringBuilder();

  private Markdown() {}

  /** Throws a sentence unless the file has a place for the measured part and can be written. */
  static void check(Path file) {
    around(file);
    if (!Files.isWritable(file)) {
      throw new KmemException("--markdown %s: this user may not write it.".formatted(file));
    }
  }

  /** Puts the findings between the comments. */
  static void write(Findings findings, Path file) {
    List<String> around = around(file);
    String measured = BEGIN + "\n\n" + of(findings) + "\n" + END;
    try {
      Files.writeString(file, around.get(0) + measured + around.get(1));
    } catch (IOException e) {
      throw new KmemException("--markdown %s cannot be written: %s.".formatted(file, e), e);
    }
  }

  /** What stands before and after the measured part. */
  private static List<String> around(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new KmemException(
          "--markdown %s cannot be read (%s); accepted is a file that has the lines %s and %s."
              .formatted(file, e, BEGIN, END),
          e);
    }
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0
        || end < begin
        || text.indexOf(BEGIN, begin + 1) >= 0
        || text.indexOf(END, end + 1) >= 0) {
      throw new KmemException(
          "--markdown %s has no one place for the numbers; accepted is a file that has the lines %s and %s, once each and in that order."
              .formatted(file, BEGIN, END));
    }
    return List.of(text.substring(0, begin), text.substring(end + END.length()));
  }

  static String of(Findings findings) {
    Markdown markdown = new Markdown();
    markdown.write(findings);
    return markdown.text.toString();
  }

  private void write(Findings findings) {
    Report report = findings.report();
    table(
        List.copyOf(Facts.of(report).entrySet()),
        List.of(
            new Column<>("the run", fact -> fact.getKey(), false),
            new Column<>("", fact -> fact.getValue(), false)));
    paragraph(Facts.method(report));
    report.leftOut().forEach(sentence -> paragraph("Left out: " + sentence + "."));
    if (!report.bars().isEmpty()) {
      heading("What was to be reached");
      paragraph(Facts.verdicts(report));
      table(
          report.bars(),
          List.of(
              new Column<>("what", BarRow::bar, false),
              new Column<>("median", bar -> Numbers.decimals(bar.ratio()), true),
              new Column<>("interval", Numbers::range, true),
              new Column<>("bar", Numbers::limit, true),
              new Column<>("aim", Numbers::aim, true),
              new Column<>("", Markdown::verdict, false)));
    }
    findings.sections().forEach(this::section);
    losses(findings);
  }

  private static String verdict(BarRow bar) {
    return Bar.Verdict.MISSED.toString().equals(bar.verdict())
        ? "**" + bar.verdict() + "**"
        : bar.verdict();
  }

  private void section(Section section) {
    if (section.groups().isEmpty()) {
      return; // Curves are for the page.
    }
    heading(section.question().name() + ": " + section.question().title());
    for (Group group : section.groups()) {
      if (!group.measure().isEmpty()) {
        paragraph(group.measure() + ":");
      }
      List<Column<Entry>> columns = new ArrayList<>();
      columns.add(new Column<>("contender", entry -> entry.row().who(), false));
      columns.add(new Column<>("with", entry -> entry.row().where(), false));
      columns.add(new Column<>(group.unit(), entry -> Numbers.decimals(entry.row().score()), true));
      columns.add(new Column<>("±", entry -> Numbers.decimals(entry.row().error()), true));
      if (group.hasHeap()) {
        columns.add(new Column<>("÷ heap", entry -> Numbers.ratio(entry.toHeap()), true));
      }
      if (group.hasPeer()) {
        columns.add(
            new Column<>("÷ best peer", entry -> Numbers.ratioAndPeer(entry.toBestPeer()), true));
      }
      if (group.entries().stream().anyMatch(entry -> entry.row().bytesPerOp() != null)) {
        columns.add(new Column<>("B/op", entry -> Numbers.garbage(entry.row().bytesPerOp()), true));
      }
      table(group.entries(), columns);
    }
  }

  private void losses(Findings findings) {
    List<Findings.Loss> losses = findings.losses();
    if (!losses.isEmpty()) {
      heading("Where others are better");
      table(
          losses,
          List.of(
              new Column<>("question", loss -> loss.row().question(), false),
              new Column<>("with", loss -> loss.row().where(), false),
              new Column<>("ours", loss -> loss.row().contender(), false),
              new Column<>("better", loss -> loss.ratio().against(), false),
              new Column<>("ours ÷ better", loss -> Numbers.ratioOf(loss.ratio().number()), true)));
    }
  }

  private record Column<T>(String header, Function<T, String> value, boolean isNumber) {}

  private void heading(String words) {
    text.append("### ").append(words).append("\n\n");
  }

  private void paragraph(String words) {
    text.append(words).append("\n\n");
  }

  private <T> void table(List<T> rows, List<Column<T>> columns) {
    line(columns.stream().map(Column::header).toList());
    line(columns.stream().map(column -> column.isNumber ? "---:" : "---").toList());
    for (T row : rows) {
      line(columns.stream().map(column -> column.value.apply(row)).toList());
    }
    text.append("\n");
  }

  private void line(List<String> cells) {
    text.append(
        cells.stream()
            .map(cell -> cell.replace("|", "\\|").replace("\n", " "))
            .collect(Collectors.joining(" | ", "| ", " |\n")));
  }
}
