package org.kmem4j.perf.bench;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;
import java.util.Optional;
import org.kmem4j.perf.bench.Group.Ratio;
import org.kmem4j.perf.bench.Report.BarRow;
import org.kmem4j.perf.bench.Report.Row;

/** Numbers as the terminal, the page and the document write them. */
final class Numbers {
  private static final String NOT_KNOWN = "n/a";
  private static final double LITTLE = 0.01;
  private static final double MANY = 1e4;
  private static final double TOO_LONG = 1e7;

  private Numbers() {}

  /** Two decimals, three or two digits where the number is small, none where it is large. */
  static String decimals(Double value) {
    if (value == null || value.isNaN()) {
      return NOT_KNOWN;
    }
    if (value != 0 && Math.abs(value) < LITTLE) { // 0.000 would tell nothing
      return new BigDecimal(value).round(new MathContext(2)).toPlainString();
    }
    return String.format(Locale.ROOT, format(value), value);
  }

  private static String format(double value) {
    double size = Math.abs(value);
    return size < 1 ? "%.3f" : size < MANY ? "%.2f" : size < TOO_LONG ? "%.0f" : "%.3g";
  }

  static String range(Double low, Double high) {
    return decimals(low) + ".." + decimals(high);
  }

  static String range(Row row) {
    return range(row.min(), row.max());
  }

  static String range(BarRow bar) {
    return range(bar.low(), bar.high());
  }

  /** The median with half of the interval's width. */
  static String ratio(Optional<Ratio> ratio) {
    return ratio.map(Ratio::number).map(Numbers::ratioOf).orElse("");
  }

  static String ratioOf(Interval number) {
    String format = format(number.median());
    return String.format(Locale.ROOT, format + " ± " + format, number.median(), number.error());
  }

  /** The same, with whom it is formed against. */
  static String ratioAndPeer(Optional<Ratio> ratio) {
    return ratio.map(it -> ratioOf(it.number()) + " (" + it.against() + ")").orElse("");
  }

  static String garbage(Double bytes) {
    if (bytes == null) {
      return NOT_KNOWN;
    }
    return bytes <= Bar.NO_GARBAGE ? "0" : String.format(Locale.ROOT, "%.2f", bytes);
  }

  static String limit(BarRow bar) {
    return bar.limit() == null ? "" : (bar.atLeast() ? "≥ " : "≤ ") + bar.limit();
  }

  static String aim(BarRow bar) {
    return bar.aim() == null ? "" : bar.aim().toString();
  }
}
