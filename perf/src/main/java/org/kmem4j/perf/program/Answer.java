package org.kmem4j.perf.program;

import java.util.ArrayList;
import java.util.List;

/**
 * What a contender was found to do.
 *
 * @param figures the first is the score, which has no name
 * @param findings what is wrong, in sentences; then the figures are worth nothing
 */
public record Answer(List<Figure> figures, List<Line> lines, List<String> findings) {
  /** A number. The name tells what it is besides the score, such as {@code "peakResident"}. */
  public record Figure(String name, String unit, double value) {
    static Figure score(String unit, double value) {
      return new Figure("", unit, value);
    }
  }

  /**
   * A line of a plot.
   *
   * @param name what of the contender is drawn, or nothing if it is the contender as such
   * @param y as many as {@code x}
   */
  public record Line(
      String name, String plot, String xUnit, String yUnit, double[] x, double[] y) {}

  static Answer of(List<Figure> figures, List<Line> lines) {
    return new Answer(figures, lines, List.of());
  }

  /** Both, as the answer of one trial; the score is this one's. */
  Answer and(Answer other) {
    return new Answer(
        joined(figures, other.figures),
        joined(lines, other.lines),
        joined(findings, other.findings));
  }

  Answer withFindings(List<String> more) {
    return new Answer(figures, lines, joined(findings, more));
  }

  private static <T> List<T> joined(List<T> some, List<T> others) {
    List<T> all = new ArrayList<>(some);
    all.addAll(others);
    return all;
  }
}
