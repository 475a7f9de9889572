package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.kmem4j.perf.bench.Group.Ratio;
import org.kmem4j.perf.bench.Report.Asked;
import org.kmem4j.perf.bench.Report.Line;
import org.kmem4j.perf.bench.Report.Row;

/** A report question by question, with what follows from its numbers. */
record Findings(Report report, List<Section> sections) {
  /** A question: its rows, those together that can be compared, and its curves. */
  record Section(Asked question, List<Group> groups, List<Line> curves) {}

  /** A row of ours beside somebody who is better. */
  record Loss(Row row, Ratio ratio) {}

  static Findings of(Report report) {
    return new Findings(
        report,
        report.questions().stream()
            .map(
                question ->
                    new Section(
                        question,
                        groups(report, question),
                        report.curves().stream()
                            .filter(line -> line.question().equals(question.name()))
                            .toList()))
            .toList());
  }

  private static List<Group> groups(Report report, Asked question) {
    Map<List<String>, List<Row>> groups = new LinkedHashMap<>();
    for (Row row : report.rows()) {
      if (row.question().equals(question.name())) {
        groups
            .computeIfAbsent(List.of(row.measure(), row.unit()), key -> new ArrayList<>())
            .add(row);
      }
    }
    return groups.values().stream().map(Group::new).toList();
  }

  /** Where the whole interval says that the heap or a peer is better than one of ours. */
  List<Loss> losses() {
    List<Loss> losses = new ArrayList<>();
    for (Section section : sections) {
      for (Group group : section.groups) {
        for (Group.Entry entry : group.entries()) {
          if (entry.row().side() == Side.OURS) {
            for (Optional<Ratio> ratio : List.of(entry.toHeap(), entry.toBestPeer())) {
              ratio.filter(group::isLost).ifPresent(it -> losses.add(new Loss(entry.row(), it)));
            }
          }
        }
      }
    }
    return losses;
  }
}
