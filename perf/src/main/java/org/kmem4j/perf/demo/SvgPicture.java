package org.kmem4j.perf.demo;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Paint;
import java.awt.Shape;
import java.awt.Stroke;
import java.awt.geom.Path2D;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.FieldPosition;
import java.text.NumberFormat;
import java.text.ParsePosition;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.LegendItem;
import org.jfree.chart.LegendItemCollection;
import org.jfree.chart.annotations.XYTextAnnotation;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.block.BlockBorder;
import org.jfree.chart.plot.CombinedDomainXYPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.plot.ValueMarker;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.xy.StackedXYAreaRenderer2;
import org.jfree.chart.renderer.xy.XYDifferenceRenderer;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.chart.title.LegendTitle;
import org.jfree.chart.title.TextTitle;
import org.jfree.chart.ui.HorizontalAlignment;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.chart.ui.RectangleInsets;
import org.jfree.chart.ui.TextAnchor;
import org.jfree.data.xy.DefaultTableXYDataset;
import org.jfree.data.xy.DefaultXYDataset;
import org.jfree.data.xy.XYSeries;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Svg;
import org.kmem4j.perf.demo.Timeline.Slice;

/**
 * All lanes as one drawing: for each a line of words, latency on a logarithmic scale and memory,
 * all over one axis of time. It brings its own background, so that it can be read on any page.
 */
final class SvgPicture {
  private static final String FONTS = "Helvetica, Arial, 'DejaVu Sans', sans-serif";

  private static final int WIDTH = 1080;
  private static final int HEAD_HEIGHT = 142;
  private static final int LANE_HEIGHT = 258;
  private static final int FOOT_HEIGHT = 84;

  // Parts of the height.
  private static final int QUARTERS = 2;
  private static final int WORDS = 5;
  private static final int LATENCY = 12;
  private static final int MEMORY = 7;

  private static final double LEAST_MICROS = 1;

  private static final Color PAPER = new Color(0xFDFDFC);
  private static final Color INK = new Color(0x1F2328);
  private static final Color MUTED = new Color(0x59636E);
  private static final Color GRID = new Color(0xE4E6E8);
  private static final Color LIVE_A = new Color(0x7D8792);
  private static final Color LIVE_B = new Color(0x1F2328);
  private static final Color RESIDENT = new Color(0xDDE1E5);

  private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 20);
  private static final Font QUARTER = new Font(Font.SANS_SERIF, Font.BOLD, 14);
  private static final Font LANE = new Font(Font.SANS_SERIF, Font.BOLD, 15);
  private static final Font STRONG = new Font(Font.SANS_SERIF, Font.BOLD, 12);
  private static final Font TEXT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
  private static final Font SMALL = new Font(Font.SANS_SERIF, Font.PLAIN, 11);

  private static final Stroke THIN = new BasicStroke(1);
  private static final Stroke LINE = new BasicStroke(1.4f);
  private static final Stroke DASHED =
      new BasicStroke(1, BasicStroke.CAP_BUTT, BasicStroke.JOIN_MITER, 1, new float[] {4, 3}, 0);

  /** Of the words over a quarter. */
  private static final int WORD_COLUMNS = 42;

  private final Demo demo;
  private final Plan plan;
  private final double mostMicros;
  private final double mostMegabytes;

  private SvgPicture(Demo demo) {
    this.demo = demo;
    plan = demo.plan();
    mostMicros = 10 * demo.mostMicros(); // and room for words above
    mostMegabytes = demo.mostBytes() / 1e6;
  }

  /** Throws a sentence if the file cannot be written, or nothing can be drawn on this machine. */
  static void check(Path file, Plan plan) {
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file) || !Files.isWritable(Files.exists(file) ? file : folder)) {
      throw new KmemException(
          "--svg %s cannot be written; accepted is a file that this user may write."
              .formatted(file));
    }
    new SvgPicture(Demo.of(plan, List.of())).draw();
  }

  static void write(Path file, Demo demo) {
    try {
      Files.writeString(file, new SvgPicture(demo).draw());
    } catch (IOException e) {
      throw new KmemException("--svg %s cannot be written: %s.".formatted(file, e.getMessage()), e);
    }
  }

  private String draw() {
    CombinedDomainXYPlot all = new CombinedDomainXYPlot(time());
    all.setGap(8);
    all.add(quarters(), QUARTERS);
    for (Timeline lane : demo.lanes()) {
      all.add(words(lane), WORDS);
      all.add(latency(lane), LATENCY);
      all.add(memory(lane), MEMORY);
    }
    JFreeChart chart = new JFreeChart(null, TITLE, all, false);
    chart.setBackgroundPaint(PAPER);
    chart.setPadding(new RectangleInsets(14, 14, 10, 22));
    TextTitle title = new TextTitle(Words.title(), TITLE);
    left(title, INK);
    chart.setTitle(title);
    TextTitle conditions = new TextTitle(String.join("\n", Words.conditions(plan)), TEXT);
    left(conditions, MUTED);
    chart.addSubtitle(conditions);
    chart.addSubtitle(legend());
    int height = HEAD_HEIGHT + LANE_HEIGHT * demo.lanes().size() + FOOT_HEIGHT;
    Map<String, String> attributes = Map.of("width", Integer.toString(WIDTH));
    return Svg.of("--svg", chart, WIDTH, height, "demo", attributes).replace("sans-serif", FONTS);
  }

  private static void left(TextTitle title, Paint paint) {
    title.setPaint(paint);
    title.setHorizontalAlignment(HorizontalAlignment.LEFT);
    title.setTextAlignment(HorizontalAlignment.LEFT);
    title.setExpandToFitSpace(true);
  }

  // ------------------------------------------------------------------ a lane

  /** What A does in each quarter, over all lanes. */
  private XYPlot quarters() {
    XYPlot plot = blank();
    List<String> quarters = Words.quarters(plan);
    for (int quarter = 0; quarter < quarters.size(); quarter++) {
      write(plot, plan.seconds() * quarter / 4.0, 0.5, quarters.get(quarter), QUARTER, INK);
    }
    return plot;
  }

  /** Its name, and what became of A, each where it happened. */
  private XYPlot words(Timeline lane) {
    XYPlot plot = blank();
    write(plot, 0, 0.8, lane.lane().title, LANE, ink(lane));
    write(plot, 0, 0.44, lane.version(), SMALL, MUTED);
    write(plot, 0, 0.12, lane.lane().memory(plan), SMALL, MUTED);
    int quarter = 1;
    for (Timeline.Event event : lane.events()) {
      double y = 0.88;
      for (String line : Words.wrap(event.what(), WORD_COLUMNS)) {
        write(plot, plan.seconds() * quarter / 4.0, y, line, SMALL, INK);
        y -= 0.36;
      }
      quarter++;
    }
    return plot;
  }

  private XYPlot latency(Timeline lane) {
    LogAxis axis = new LogAxis();
    axis.setRange(LEAST_MICROS, mostMicros);
    axis.setNumberFormatOverride(new Times());
    axis.setMinorTickMarksVisible(false);
    style(axis);
    XYPlot plot = plot(axis);
    Color colour = ink(lane);
    DefaultXYDataset band = new DefaultXYDataset();
    band.addSeries("max", points(lane, Slice::maxMicros));
    band.addSeries("p50", points(lane, Slice::p50Micros));
    XYDifferenceRenderer between =
        new XYDifferenceRenderer(translucent(colour), translucent(colour), false);
    between.setSeriesPaint(0, colour);
    between.setSeriesPaint(1, colour);
    between.setSeriesStroke(0, LINE);
    between.setSeriesStroke(1, LINE);
    plot.setDataset(0, band);
    plot.setRenderer(0, between);
    DefaultXYDataset stops = new DefaultXYDataset();
    List<Timeline.Stop> seen =
        lane.stops().stream().filter(stop -> stop.millis() * 1e3 >= LEAST_MICROS).toList();
    stops.addSeries(
        "stops",
        new double[][] {
          seen.stream().mapToDouble(Timeline.Stop::second).toArray(),
          seen.stream().mapToDouble(stop -> stop.millis() * 1e3).toArray()
        });
    XYLineAndShapeRenderer crosses = new XYLineAndShapeRenderer(false, true);
    crosses.setSeriesPaint(0, INK);
    crosses.setSeriesShape(0, cross());
    crosses.setSeriesShapesFilled(0, false);
    crosses.setSeriesStroke(0, LINE);
    plot.setDataset(1, stops);
    plot.setRenderer(1, crosses);
    for (int quarter = 0; quarter < 4; quarter++) {
      Timeline.Phase phase = lane.phases().get(quarter);
      write(
          plot,
          plan.seconds() * quarter / 4.0,
          mostMicros / 3.5,
          "p99.9 %s, max %s"
              .formatted(Words.time(phase.p999Micros()), Words.time(phase.maxMicros())),
          STRONG,
          colour.darker());
    }
    mark(plot);
    return plot;
  }

  private XYPlot memory(Timeline lane) {
    NumberAxis axis = new NumberAxis();
    axis.setRange(0, 1.4 * mostMegabytes);
    axis.setStandardTickUnits(NumberAxis.createIntegerTickUnits());
    axis.setNumberFormatOverride(new Megabytes());
    style(axis);
    XYPlot plot = plot(axis);
    String peak =
        String.format(Locale.ROOT, "resident: at most %,d MB", lane.peakBytes() / 1_000_000);
    plot.setRangeGridlinesVisible(false);
    write(plot, 0, 1.2 * mostMegabytes, peak, SMALL, MUTED);
    DefaultTableXYDataset stack = new DefaultTableXYDataset();
    stack.addSeries(series(lane, "B", Slice::liveBytesOfB));
    stack.addSeries(series(lane, "A", Slice::liveBytesOfA));
    stack.addSeries(
        series(
            lane,
            "rest",
            slice ->
                Math.max(0, slice.residentBytes() - slice.liveBytesOfA() - slice.liveBytesOfB())));
    StackedXYAreaRenderer2 areas = new StackedXYAreaRenderer2();
    areas.setSeriesPaint(0, LIVE_B);
    areas.setSeriesPaint(1, LIVE_A);
    areas.setSeriesPaint(2, RESIDENT);
    plot.setDataset(stack);
    plot.setRenderer(areas);
    mark(plot);
    return plot;
  }

  /** For words, from 0 at the bottom to 1 at the top. */
  private static XYPlot blank() {
    NumberAxis axis = new NumberAxis();
    axis.setRange(0, 1);
    axis.setVisible(false);
    XYPlot plot = plot(axis);
    plot.setRangeGridlinesVisible(false);
    return plot;
  }

  private static XYPlot plot(ValueAxis range) {
    XYPlot plot = new XYPlot(null, null, range, null);
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setDomainGridlinesVisible(false);
    plot.setRangeGridlinePaint(GRID);
    plot.setRangeGridlineStroke(THIN);
    plot.setOrientation(PlotOrientation.VERTICAL);
    return plot;
  }

  /** Where A's troubles begin. */
  private void mark(XYPlot plot) {
    for (double share : new double[] {Plan.LIMIT, Plan.OFFLINE, Plan.FREE}) {
      plot.addDomainMarker(new ValueMarker(plan.seconds() * share, MUTED, DASHED));
    }
  }

  private void write(XYPlot plot, double second, double y, String text, Font font, Paint paint) {
    XYTextAnnotation words = new XYTextAnnotation(text, second + plan.seconds() * 0.004, y);
    words.setFont(font);
    words.setPaint(paint);
    words.setTextAnchor(TextAnchor.CENTER_LEFT);
    plot.addAnnotation(words);
  }

  /** A slice's value stands over its middle. */
  private double[][] points(Timeline lane, ToDoubleFunction<Slice> value) {
    double half = plan.sliceNanos() / 2e9;
    return new double[][] {
      lane.slices().stream().mapToDouble(slice -> slice.end() - half).toArray(),
      lane.slices().stream().mapToDouble(value).map(v -> Math.max(v, LEAST_MICROS)).toArray()
    };
  }

  private static XYSeries series(Timeline lane, String name, ToDoubleFunction<Slice> bytes) {
    XYSeries series = new XYSeries(name, true, false);
    for (Slice slice : lane.slices()) {
      series.add(slice.end(), bytes.applyAsDouble(slice) / 1e6);
    }
    return series;
  }

  // ------------------------------------------------------------------ axes and legend

  private NumberAxis time() {
    NumberAxis axis = new NumberAxis();
    axis.setRange(0, plan.seconds());
    axis.setTickUnit(new NumberTickUnit(plan.seconds() / 12.0, new Seconds(), 0));
    style(axis);
    return axis;
  }

  private static void style(ValueAxis axis) {
    axis.setTickLabelFont(SMALL);
    axis.setTickLabelPaint(MUTED);
    axis.setAxisLineVisible(false);
    axis.setTickMarksVisible(false);
  }

  private LegendTitle legend() {
    LegendItemCollection items = new LegendItemCollection();
    Shape box = new Rectangle2D.Double(-6, -5, 12, 10);
    items.add(item("slowest request of a slice, over the median", box, translucent(MUTED)));
    items.add(item("the JVM stopped for so long", cross(), INK));
    items.add(item("resident", box, RESIDENT));
    items.add(item("live objects of A", box, LIVE_A));
    items.add(item("of B", box, LIVE_B));
    LegendTitle legend = new LegendTitle(() -> items);
    legend.setItemFont(TEXT);
    legend.setItemPaint(INK);
    legend.setBackgroundPaint(null);
    legend.setFrame(BlockBorder.NONE);
    legend.setPosition(RectangleEdge.BOTTOM);
    return legend;
  }

  private static LegendItem item(String text, Shape shape, Paint paint) {
    return new LegendItem(text, null, null, null, shape, paint, LINE, paint);
  }

  private static Color ink(Timeline lane) {
    return new Color(lane.lane().rgb);
  }

  private static Color translucent(Color colour) {
    return new Color(colour.getRed(), colour.getGreen(), colour.getBlue(), 90);
  }

  private static Shape cross() {
    Path2D cross = new Path2D.Double();
    cross.moveTo(-3, -3);
    cross.lineTo(3, 3);
    cross.moveTo(-3, 3);
    cross.lineTo(3, -3);
    return cross;
  }

  // ------------------------------------------------------------------ SVG

  /** Formats numbers one way; nobody parses them. */
  private abstract static class Format extends NumberFormat {
    private static final long serialVersionUID = 1L;

    abstract String text(double number);

    @Override
    public StringBuffer format(double number, StringBuffer to, FieldPosition position) {
      return to.append(text(number));
    }

    @Override
    public StringBuffer format(long number, StringBuffer to, FieldPosition position) {
      return format((double) number, to, position);
    }

    @Override
    public Number parse(String source, ParsePosition position) {
      throw new UnsupportedOperationException();
    }
  }

  /** The first and the last of a lane have no room. */
  private final class Times extends Format {
    private static final long serialVersionUID = 1L;

    @Override
    String text(double micros) {
      boolean isInside = micros > 1.5 * LEAST_MICROS && micros < mostMicros / 5;
      return isInside ? Words.time(micros).replace(".0", "") : " ";
    }
  }

  private static final class Seconds extends Format {
    private static final long serialVersionUID = 1L;

    @Override
    String text(double seconds) {
      return String.format(Locale.ROOT, "%.1f s", seconds).replace(".0", "");
    }
  }

  private static final class Megabytes extends Format {
    private static final long serialVersionUID = 1L;

    @Override
    String text(double megabytes) {
      return String.format(Locale.ROOT, "%.0f MB", megabytes);
    }
  }
}
