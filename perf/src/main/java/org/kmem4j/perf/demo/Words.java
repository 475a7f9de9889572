package org.kmem4j.perf.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What both pictures say. */
final class Words {
  private Words() {}

  static String title() {
    return "What tenant B notices when tenant A misbehaves";
  }

  /** What is measured and under which conditions, in lines of at most 80 columns. */
  static List<String> conditions(Plan plan) {
    return List.of(
        String.format(
            Locale.ROOT,
            "B: %,d requests a second, each creates, updates and deletes an object.",
            plan.rate()),
        "Latency counts from when a request was due, so a stop is felt by all that wait.",
        String.format(
            Locale.ROOT,
            "Each lane: a JVM of its own, at most %,d MB resident, %d bytes an object.",
            plan.budgetBytes() / 1_000_000,
            Plan.OBJECT_BYTES),
        String.format(
            Locale.ROOT,
            "Java %s on %d processors; lanes one after the other, %d s each.",
            Runtime.version(),
            Runtime.getRuntime().availableProcessors(),
            plan.seconds()));
  }

  /** What tenant A does in each quarter. */
  static List<String> quarters(Plan plan) {
    return List.of(
        "A fills up",
        "A hammers its limit",
        String.format(Locale.ROOT, "A is closed, %s live on", count(plan.objects())),
        "those are freed, late");
  }

  private static String count(int objects) {
    return objects % 1_000_000 == 0
        ? objects / 1_000_000 + " M"
        : String.format(Locale.ROOT, "%,d", objects);
  }

  /** A time in two or three digits. */
  static String time(double micros) {
    if (micros < 1_000) {
      return digits(micros) + " µs";
    }
    return micros < 1_000_000 ? digits(micros / 1e3) + " ms" : digits(micros / 1e6) + " s";
  }

  private static String digits(double value) {
    return String.format(Locale.ROOT, value < 10 ? "%.1f" : "%.0f", value);
  }

  /** Breaks a text at blanks into lines of at most so many columns, if its words are not longer. */
  static List<String> wrap(String text, int columns) {
    List<String> lines = new ArrayList<>();
    StringBuilder line = new StringBuilder();
    for (String word : text.split(" ")) {
      if (line.length() > 0 && line.length() + 1 + word.length() > columns) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.length() == 0 ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
