package org.kmem4j.perf.demo;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kmem4j.perf.demo.Timeline.Slice;
import picocli.CommandLine.Help.Ansi;

class TerminalPictureTest {
  private final Plan plan = new Plan(12, 20_000, 1_000_000);
  private final TerminalPicture picture = new TerminalPicture(plan, Ansi.OFF);

  @Test
  void aBarIsAsHighAsItsSlowestRequest() {
    List<Slice> slices = slices(Plan.SLICES);
    slices.set(30, slice(30, 1_000));
    slices.set(61, slice(61, 200_000));

    List<String> lines = picture.running(Lane.OURS, slices);

    assertAll(
        () -> assertEquals("█", cell(lines, "100 µs", 15), "up to 1 ms, which begins the next row"),
        () -> assertEquals("┊", cell(lines, "1 ms", 15), "A's limit is marked above it"),
        () -> assertEquals("▃", cell(lines, "100 ms", 30), "0.3 of the way from 100 ms to 1 s"),
        () -> assertEquals(" ", cell(lines, "100 µs", 16)));
  }

  @Test
  void aRunningLaneIsDrawnAsFarAsItHasCome() {
    List<String> lines = picture.running(Lane.OURS, slices(Plan.SLICES / 2));

    assertAll(
        () -> assertEquals("▁", cell(lines, "10 µs", 29)),
        () -> assertEquals(" ", cell(lines, "10 µs", 31)));
  }

  @Test
  void aStopStandsWhereItBegan() {
    Timeline timeline =
        new Timeline(
            Lane.G1,
            "1",
            List.of(),
            slices(Plan.SLICES),
            List.of(
                new Timeline.Event(3, "something of more words than one line may hold ".repeat(3))),
            List.of(new Timeline.Stop(6, 5, "G1"), new Timeline.Stop(9, 0.5, "short")),
            List.of(),
            0);

    List<String> lines = picture.finished(timeline);

    assertAll(
        () -> assertEquals("▼", cell(lines, "stops", 30)),
        () -> assertEquals(1, line(lines, "stops").chars().filter(c -> c == '▼').count()),
        () -> assertTrue(lines.stream().allMatch(line -> line.length() <= 80)));
  }

  private static String cell(List<String> lines, String label, int column) {
    return line(lines, label).substring(13 + column, 14 + column);
  }

  /** Padded, for blanks at the end are not drawn. */
  private static String line(List<String> lines, String label) {
    return lines.stream()
            .filter(line -> line.stripLeading().startsWith(label + " │"))
            .findFirst()
            .orElseThrow()
        + " ".repeat(60);
  }

  private List<Slice> slices(int count) {
    List<Slice> slices = new ArrayList<>();
    for (int index = 0; index < count; index++) {
      slices.add(slice(index, 12));
    }
    return slices;
  }

  private Slice slice(int index, double maxMicros) {
    double end = (index + 1) * plan.sliceNanos() / 1e9;
    return new Slice(end, 2, maxMicros, maxMicros, plan.budgetBytes() / 2, 0, 0);
  }
}
