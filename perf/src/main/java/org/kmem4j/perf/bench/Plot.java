package org.kmem4j.perf.bench;

import java.awt.BasicStroke;
import java.awt.geom.Ellipse2D;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.CategoryAxis;
import org.jfree.chart.axis.CategoryLabelPositions;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.XYPlot;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.chart.renderer.category.StatisticalBarRenderer;
import org.jfree.chart.renderer.xy.XYLineAndShapeRenderer;
import org.jfree.chart.ui.RectangleInsets;
import org.jfree.data.statistics.DefaultStatisticalCategoryDataset;
import org.jfree.data.xy.DefaultXYDataset;
import org.kmem4j.perf.Svg;
import org.kmem4j.perf.bench.Report.Line;
import org.kmem4j.perf.bench.Report.Row;

/**
 * A plot as SVG for the inside of a page; its title and legend are text of the page.
 *
 * @param title what distinguishes it from its neighbours, or nothing
 * @param svg coloured by CSS variables: see {@link Palette}
 */
record Plot(String title, List<Series> legend, String svg, boolean isWide) {
  /** A contender with how many points, or bars, the plot has of it. */
  record Series(String contender, String colour, int points) {}

  private static final String PERCENTILE = "percentile";

  private static final int WIDE = 1080;
  private static final int NARROW = 540;
  private static final int HEIGHT = 300;

  /** How far apart values lie on an axis that is logarithmic. */
  private static final double LOG_RANGE = 30;

  private static final double LOG_RANGE_OF_X = 1000;

  /** Bars on a logarithmic axis: their errors end at this share of the score. */
  private static final double MOST_ERROR = 0.9;

  /** Lines of more points are thinned; those of few show each. */
  private static final int MOST_POINTS = 1000;

  private static final int FEW_POINTS = 40;

  /** Bars of a plot that stands beside another. */
  private static final int FEW_BARS = 24;

  /** Names of categories that would overlap if they stood beside each other. */
  private static final int MANY_CHARACTERS = 60;

  /**
   * The scores of a group with their errors: a plot for all values of one parameter, and as many as
   * the others have combinations.
   */
  static List<Plot> bars(Group group, Palette palette, String idPrefix) {
    List<Row> rows =
        group.entries().stream().map(Group.Entry::row).filter(row -> row.score() != null).toList();
    String x = mostVaried(rows);
    Map<String, List<Row>> panels = new LinkedHashMap<>();
    for (Row row : rows) {
      panels.computeIfAbsent(where(row.params(), x), key -> new ArrayList<>()).add(row);
    }
    List<Plot> plots = new ArrayList<>();
    panels.forEach(
        (where, panel) -> {
          String title = panels.size() > 1 ? where : "";
          String id = idPrefix + "-" + plots.size();
          plots.add(bars(title, panel, x, rows, palette, id));
        });
    return plots;
  }

  /** The curves of one question: a plot for each name and each combination of parameters. */
  static List<Plot> lines(List<Line> lines, Palette palette, String idPrefix) {
    Map<List<String>, List<Line>> panels = new LinkedHashMap<>();
    for (Line line : lines) {
      panels
          .computeIfAbsent(
              List.of(line.name(), line.where(), line.xUnit(), line.yUnit()),
              key -> new ArrayList<>())
          .add(line);
    }
    List<Plot> plots = new ArrayList<>();
    for (List<Line> panel : panels.values()) {
      plots.add(linesOfOne(panel, palette, idPrefix + "-" + plots.size()));
    }
    return plots;
  }

  /** The parameter with the most values, the first by name among equals; null if there is none. */
  private static String mostVaried(List<Row> rows) {
    Map<String, Set<Object>> values = new TreeMap<>();
    for (Row row : rows) {
      row.params()
          .forEach(
              (name, value) ->
                  values.computeIfAbsent(name, key -> new LinkedHashSet<>()).add(value));
    }
    String most = null;
    for (String name : values.keySet()) {
      if (most == null || values.get(name).size() > values.get(most).size()) {
        most = name;
      }
    }
    return most;
  }

  /** The parameters but one. */
  private static String where(Map<String, Object> params, String without) {
    Map<String, String> others = new TreeMap<>();
    params.forEach(
        (name, value) -> {
          if (!name.equals(without)) {
            others.put(name, String.valueOf(value));
          }
        });
    return Reading.text(others);
  }

  /** All rows of the group are on one scale, so that neighbours can be compared. */
  private static Plot bars(
      String title, List<Row> rows, String x, List<Row> all, Palette palette, String id) {
    boolean isLog = Axes.isLogarithmic(all.stream().mapToDouble(Row::score).toArray(), LOG_RANGE);
    double[] ends =
        all.stream()
            .flatMapToDouble(
                row ->
                    DoubleStream.of(
                        row.score() - error(row, isLog), row.score() + error(row, isLog)))
            .toArray();
    DefaultStatisticalCategoryDataset data = new DefaultStatisticalCategoryDataset();
    Map<String, Integer> counts = new LinkedHashMap<>();
    for (Row row : rows) {
      data.add(row.score().doubleValue(), error(row, isLog), row.who(), category(row, x));
      counts.merge(row.who(), 1, Integer::sum);
    }
    StatisticalBarRenderer renderer = new StatisticalBarRenderer();
    renderer.setBarPainter(new StandardBarPainter());
    renderer.setShadowVisible(false);
    renderer.setMaximumBarWidth(0.06);
    renderer.setItemMargin(0.1);
    renderer.setErrorIndicatorPaint(Palette.INK);
    renderer.setErrorIndicatorStroke(new BasicStroke(1.3f));
    List<Series> legend = new ArrayList<>();
    counts.forEach(
        (who, count) -> {
          renderer.setSeriesPaint(legend.size(), palette.of(who));
          legend.add(new Series(who, palette.variable(who), count));
        });
    String unit = rows.get(0).unit();
    ValueAxis axis = isLog ? Axes.logarithmic(unit, ends) : Axes.linear(unit, ends, true);
    boolean isWide = rows.size() > FEW_BARS;
    CategoryPlot plot = new CategoryPlot(data, categories(data, x, isWide), axis, renderer);
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setRangeGridlinePaint(Palette.GRID);
    plot.setRangeGridlineStroke(Axes.GRID_LINE);
    String label = "bars: " + unit + (title.isEmpty() ? "" : ", " + title);
    String svg = draw(plot, isWide ? WIDE : NARROW, id, label);
    return new Plot(title, legend, svg, isWide);
  }

  private static double error(Row row, boolean isLog) {
    double error = row.error() == null ? 0 : row.error();
    return isLog ? Math.min(error, MOST_ERROR * row.score()) : error;
  }

  /** A contender without the parameter stands beside any value. */
  private static String category(Row row, String x) {
    return x == null ? "" : String.valueOf(row.params().getOrDefault(x, "any"));
  }

  private static CategoryAxis categories(
      DefaultStatisticalCategoryDataset data, String label, boolean isWide) {
    CategoryAxis axis = Axes.styled(new CategoryAxis(label));
    axis.setCategoryMargin(0.15);
    axis.setLowerMargin(0.01);
    axis.setUpperMargin(0.01);
    int characters = 0;
    for (Object name : data.getColumnKeys()) {
      characters += name.toString().length() + 2;
    }
    if (characters > (isWide ? 2 : 1) * MANY_CHARACTERS) {
      axis.setCategoryLabelPositions(CategoryLabelPositions.UP_45);
    }
    return axis;
  }

  private static Plot linesOfOne(List<Line> lines, Palette palette, String id) {
    Line first = lines.get(0);
    boolean isPercentile = first.xUnit().equals(PERCENTILE);
    double most = isPercentile ? mostNines(lines) : 0;
    DefaultXYDataset data = new DefaultXYDataset();
    XYLineAndShapeRenderer renderer = new XYLineAndShapeRenderer(true, false);
    renderer.setDrawSeriesLineAsPath(true);
    renderer.setDrawOutlines(false);
    List<Series> legend = new ArrayList<>();
    DoubleStream.Builder xs = DoubleStream.builder();
    DoubleStream.Builder ys = DoubleStream.builder();
    for (Line line : lines) {
      double[] x = isPercentile ? Axes.nines(line.x(), most) : line.x();
      double[][] points = thinned(finite(x, line.y()));
      DoubleStream.of(points[0]).forEach(xs);
      DoubleStream.of(points[1]).forEach(ys);
      int series = legend.size();
      data.addSeries(line.contender(), points);
      renderer.setSeriesPaint(series, palette.of(line.contender()));
      renderer.setSeriesStroke(
          series, new BasicStroke(1.8f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
      renderer.setSeriesShape(series, new Ellipse2D.Double(-2.5, -2.5, 5, 5));
      renderer.setSeriesShapesVisible(series, points[0].length <= FEW_POINTS);
      legend.add(
          new Series(line.contender(), palette.variable(line.contender()), points[0].length));
    }
    XYPlot plot =
        new XYPlot(
            data,
            isPercentile
                ? Axes.percentiles(most)
                : axis(first.xUnit(), xs.build().toArray(), LOG_RANGE_OF_X, false),
            axis(first.yUnit(), ys.build().toArray(), LOG_RANGE, true),
            renderer);
    plot.setBackgroundPaint(null);
    plot.setOutlineVisible(false);
    plot.setDomainGridlinesVisible(false);
    plot.setRangeGridlinePaint(Palette.GRID);
    plot.setRangeGridlineStroke(Axes.GRID_LINE);
    String title = first.name() + (first.where().isEmpty() ? "" : " (" + first.where() + ")");
    return new Plot(title, legend, draw(plot, NARROW, id, "lines: " + title), false);
  }

  private static ValueAxis axis(String label, double[] values, double logRange, boolean hasZero) {
    return Axes.isLogarithmic(values, logRange)
        ? Axes.logarithmic(label, values)
        : Axes.linear(label, values, hasZero);
  }

  /** The percentile nearest to 100, or half a nine beyond it if some line reaches 100. */
  private static double mostNines(List<Line> lines) {
    double most = 1;
    boolean reachesEnd = false;
    for (Line line : lines) {
      for (double percentile : line.x()) {
        if (percentile < 100) {
          most = Math.max(most, 1 / (1 - percentile / 100));
        } else {
          reachesEnd = true;
        }
      }
    }
    return reachesEnd ? 3 * most : most;
  }

  /** What did not happen has no point. */
  private static double[][] finite(double[] x, double[] y) {
    int[] kept = IntStream.range(0, x.length).filter(i -> Double.isFinite(x[i] + y[i])).toArray();
    return new double[][] {
      IntStream.of(kept).mapToDouble(i -> x[i]).toArray(),
      IntStream.of(kept).mapToDouble(i -> y[i]).toArray()
    };
  }

  /** Of a long line the least and the greatest of each stretch, so that no peak is lost. */
  private static double[][] thinned(double[][] points) {
    double[] x = points[0];
    double[] y = points[1];
    if (x.length <= MOST_POINTS) {
      return points;
    }
    int stretches = MOST_POINTS / 2;
    double[][] kept = new double[2][MOST_POINTS];
    for (int i = 0; i < stretches; i++) {
      int from = (int) ((long) i * x.length / stretches);
      int to = (int) ((long) (i + 1) * x.length / stretches);
      int least = from;
      int greatest = from;
      for (int j = from; j < to; j++) {
        least = y[j] < y[least] ? j : least;
        greatest = y[j] > y[greatest] ? j : greatest;
      }
      int first = Math.min(least, greatest);
      int second = Math.max(least, greatest);
      kept[0][2 * i] = x[first];
      kept[1][2 * i] = y[first];
      kept[0][2 * i + 1] = x[second];
      kept[1][2 * i + 1] = y[second];
    }
    return kept;
  }

  /**
   * Without a legend, to be scaled by the page.
   *
   * @param label what a screen reader says
   */
  private static String draw(org.jfree.chart.plot.Plot plot, int width, String id, String label) {
    JFreeChart chart = new JFreeChart(plot);
    chart.removeLegend();
    chart.setBackgroundPaint(null);
    chart.setPadding(new RectangleInsets(4, 0, 0, 24));
    String svg = Svg.of("The plots", chart, width, HEIGHT, id, Map.of("aria-label", label));
    // Batik gives its own definitions, of which there are none here, one id in all plots.
    return Palette.resolve(svg.substring(svg.indexOf("<svg")).replace(" id=\"genericDefs\"", ""));
  }
}
