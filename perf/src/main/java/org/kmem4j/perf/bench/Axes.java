package org.kmem4j.perf.bench;

import java.awt.BasicStroke;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.geom.Rectangle2D;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.text.FieldPosition;
import java.text.NumberFormat;
import java.text.ParsePosition;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;
import java.util.stream.DoubleStream;
import org.jfree.chart.axis.Axis;
import org.jfree.chart.axis.AxisState;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTick;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.TickType;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.axis.ValueTick;
import org.jfree.chart.text.TextUtils;
import org.jfree.chart.ui.RectangleEdge;

/** The axes of the page's plots: how far they reach, and what stands beside them. */
final class Axes {
  static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  static final BasicStroke GRID_LINE = new BasicStroke(1);

  static {
    // Else a text that stands upright is drawn as shapes and is none for readers and searches.
    TextUtils.setUseDrawRotatedStringWorkaround(false);
  }

  private Axes() {}

  /** Its labels are plain text, where those of its parent are drawn as shapes. */
  private static final class Decades extends LogAxis {
    private static final long serialVersionUID = 1L;

    Decades(String label) {
      super(label);
    }

    @Override
    @SuppressWarnings({"rawtypes", "unchecked"}) // JFreeChart's own list is raw.
    public List refreshTicks(
        Graphics2D graphics, AxisState state, Rectangle2D area, RectangleEdge edge) {
      List<ValueTick> ticks = super.refreshTicks(graphics, state, area, edge);
      return ticks.stream().map(this::plain).toList();
    }

    private ValueTick plain(ValueTick tick) {
      boolean isDecade = tick.getTickType().equals(TickType.MAJOR);
      return new NumberTick(
          tick.getTickType(),
          tick.getValue(),
          isDecade ? getNumberFormatOverride().format(tick.getValue()) : "",
          tick.getTextAnchor(),
          tick.getRotationAnchor(),
          tick.getAngle());
    }
  }

  /** Whether values lie so far apart that the small ones would be flat on a linear axis. */
  static boolean isLogarithmic(double[] values, double range) {
    double least = DoubleStream.of(values).min().orElse(0);
    return least > 0 && DoubleStream.of(values).max().orElse(0) / least >= range;
  }

  /** From the decade below the least value to a little above the greatest. */
  static ValueAxis logarithmic(String label, double[] values) {
    LogAxis axis = new Decades(label);
    axis.setSmallestValue(Double.MIN_NORMAL);
    double least = DoubleStream.of(values).min().orElseThrow();
    double most = DoubleStream.of(values).max().orElseThrow();
    axis.setRange(Math.pow(10, Math.floor(Math.log10(least))), most * 1.3);
    axis.setTickUnit(new NumberTickUnit(1));
    axis.setNumberFormatOverride(format(Axes::shortly));
    return styled(axis);
  }

  /** Upwards from 0 if {@code hasZero} and nothing is below. */
  static ValueAxis linear(String label, double[] values, boolean hasZero) {
    NumberAxis axis = new NumberAxis(label);
    double least = DoubleStream.of(values).min().orElse(0);
    double most = DoubleStream.of(values).max().orElse(1);
    double from = hasZero ? Math.min(0, least) : least;
    double to = hasZero ? Math.max(0, most) : most;
    double room = to > from ? 0.05 * (to - from) : 1;
    axis.setRange(hasZero ? from : from - room / 3, to + room / (hasZero ? 1 : 3));
    axis.setNumberFormatOverride(format(Axes::shortly));
    return styled(axis);
  }

  /** For values by {@link #nines}: 0, 90, 99, 99.9 at equal distances. */
  static ValueAxis percentiles(double most) {
    LogAxis axis = new Decades("percentile");
    axis.setRange(1, Math.max(10, 1.3 * most));
    axis.setTickUnit(new NumberTickUnit(1));
    axis.setNumberFormatOverride(format(value -> shortly(100 * (1 - 1 / value))));
    return styled(axis);
  }

  /** Where percentiles lie: one more nine is ten times as far. 100 lies a step beyond the rest. */
  static double[] nines(double[] percentiles, double most) {
    return Arrays.stream(percentiles).map(p -> Math.min(most, 1 / (1 - p / 100))).toArray();
  }

  static <A extends Axis> A styled(A axis) {
    axis.setTickLabelFont(TEXT);
    axis.setLabelFont(TEXT);
    axis.setTickLabelPaint(Palette.INK);
    axis.setLabelPaint(Palette.MUTED);
    axis.setAxisLinePaint(Palette.GRID);
    axis.setTickMarkPaint(Palette.GRID);
    return axis;
  }

  /** Three digits, thousands as k, M, G, T. */
  private static String shortly(double value) {
    double shown = value;
    String[] suffixes = {"", "k", "M", "G", "T"};
    int suffix = 0;
    while (Math.abs(shown) >= 1000 && suffix < suffixes.length - 1) {
      shown /= 1000;
      suffix++;
    }
    return new DecimalFormat("0.######", DecimalFormatSymbols.getInstance(Locale.ROOT))
            .format(shown)
        + suffixes[suffix];
  }

  private static NumberFormat format(DoubleFunction<String> text) {
    return new NumberFormat() {
      private static final long serialVersionUID = 1L;

      @Override
      public StringBuffer format(double value, StringBuffer to, FieldPosition position) {
        return to.append(text.apply(value));
      }

      @Override
      public StringBuffer format(long value, StringBuffer to, FieldPosition position) {
        return to.append(text.apply(value));
      }

      @Override
      public Number parse(String source, ParsePosition position) {
        throw new UnsupportedOperationException();
      }
    };
  }
}
