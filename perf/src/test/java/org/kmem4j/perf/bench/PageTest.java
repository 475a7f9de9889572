package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.kmem4j.perf.KmemException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** What stands on the page of planted numbers; a browser looks at real ones. */
final class PageTest {
  @TempDir private Path folder;

  private final Planted planted = new Planted();

  @Test
  void aPlotOfBarsHasABarForEachRow() {
    for (String size : List.of("16", "64", "1024")) {
      planted.row(Question.PAIR, "kmemCache", Map.of("size", size), 4, 5, 6);
      planted.row(Question.PAIR, "heap", Map.of("size", size), 7, 8, 900);
    }

    Plot plot = bars().get(0);

    assertAll(
        () -> assertEquals(1, bars().size()),
        () -> assertEquals(List.of("kmemCache", "heap"), contenders(plot)),
        () -> assertEquals(3, plot.legend().get(0).points()),
        () -> assertEquals(3, bars(plot.svg(), "o0")),
        () -> assertEquals(3, bars(plot.svg(), "h0")),
        () -> assertTrue(texts(plot.svg()).contains("1024"), plot::svg));
  }

  @Test
  void aSecondParameterMakesAPlotForEachOfItsValues() {
    for (String live : List.of("1000", "1000000")) {
      for (String size : List.of("16", "64", "1024")) {
        planted.row(Question.PAIR, "kmemCache", Map.of("size", size, "live", live), 4);
        planted.row(Question.PAIR, "malloc", Map.of("size", size, "live", live), 4);
      }
    }

    assertEquals(List.of("live=1000", "live=1000000"), bars().stream().map(Plot::title).toList());
    assertTrue(bars().stream().allMatch(plot -> plot.legend().get(0).points() == 3));
  }

  @Test
  void anErrorThatReachesBelowNothingIsDrawnOnALogarithmicAxis() {
    planted.row(Question.PAIR, "kmemCache", Map.of("size", "64"), 1, 2, 90, 100);
    planted.row(Question.PAIR, "arrow", Map.of("size", "64"), 10_000, 10_000);

    String svg = bars().get(0).svg();

    assertTrue(texts(svg).contains("10k"), svg);
    assertEquals(1, bars(svg, "o0"));
    assertFalse(svg.contains("NaN"), svg);
  }

  @Test
  void aPlotOfLinesHasEveryPoint() {
    planted
        .row(Question.PAIR, "kmemCache", Map.of(), 5)
        .curve(curve("kmemCache", "resident", "s", new double[] {0, 1, 2}, new double[] {3, 5, 4}))
        .curve(curve("malloc", "resident", "s", new double[] {0, 1}, new double[] {3, 5}))
        .curve(curve("malloc", "latency", "s", new double[] {0, 1}, new double[] {3, 5}));

    List<Plot> plots = lines();

    assertAll(
        () ->
            assertEquals(List.of("resident", "latency"), plots.stream().map(Plot::title).toList()),
        () -> assertEquals(List.of("kmemCache", "malloc"), contenders(plots.get(0))),
        () -> assertEquals(List.of(3, 2), points(plots.get(0))),
        () -> assertEquals(3, vertices(plots.get(0).svg(), "o0")),
        () -> assertEquals(2, vertices(plots.get(0).svg(), "p0")));
  }

  @Test
  void aLongLineIsThinnedAndKeepsItsPeak() {
    double[] x = IntStream.range(0, 100_000).asDoubleStream().toArray();
    double[] y = new double[x.length];
    y[77_777] = 1_000;
    Curve curve = curve("kmemCache", "latency", "s", x, y);
    planted.curve(curve);

    Plot peak = lines().get(0);
    y[77_777] = 0;
    Plot flat = lines().get(0);

    assertTrue(points(peak).get(0) <= 1000, peak::toString);
    assertTrue(texts(peak.svg()).contains("1k"), peak::svg);
    assertFalse(texts(flat.svg()).contains("1k"));
  }

  @Test
  void ninesStandAtEqualDistances() {
    double[] percentiles = {50, 90, 99, 99.9, 100};
    planted.curve(
        curve("kmemCache", "latency", "percentile", percentiles, new double[] {1, 2, 3, 4, 5}));

    Plot plot = lines().get(0);

    assertAll(
        () -> assertEquals(5, vertices(plot.svg(), "o0")),
        () -> assertTrue(texts(plot.svg()).contains("99.9"), plot::svg));
    double[] nines = Axes.nines(percentiles, 3000);
    assertAll(
        () -> assertEquals(10, nines[2] / nines[1], 1e-6),
        () -> assertEquals(10, nines[3] / nines[2], 1e-6),
        () -> assertEquals(3000, nines[4]));
  }

  @Test
  void whatDidNotHappenHasNoPoint() {
    planted.curve(
        curve("kmemCache", "a", "s", new double[] {0, 1, 2}, new double[] {3, Double.NaN, 4}));

    assertEquals(List.of(2), points(lines().get(0)));
  }

  @Test
  void thePageHasAllPlotsTablesAndCircumstances() {
    planted
        .row(Question.PAIR, "kmemCache", Map.of("size", "64"), 4, 5, 6)
        .row(Question.PAIR, "heap", Map.of("size", "64"), 8, 10, 12)
        .row(Question.PAIR, "malloc", Map.of("size", "64"), 2, 2.5, 3)
        .curve(curve("kmemCache", "resident", "s", new double[] {0, 1}, new double[] {3, 5}));

    String page = Page.of(planted.findings());

    assertAll(
        () -> assertEquals(2, count(page, "<figure")),
        () -> assertEquals(2, count(page, "<svg ")),
        () -> assertTrue(page.contains("<td class=\"number\">0.500 ± 0.000</td>"), page),
        () -> assertTrue(page.contains("<td class=\"number\">2.00 ± 0.00</td><td>malloc</td>")),
        () -> assertTrue(page.contains("verdict met")),
        () -> assertTrue(page.contains("3 forks; 10 are asked for")),
        () -> assertTrue(page.contains("<code>bin/kmem bench --only &#x27;a|b&#x27;</code>"), page),
        () -> assertTrue(page.contains("zalloc is missing")),
        () -> assertTrue(page.contains("-Xmx1g")),
        () -> assertTrue(page.contains("agrona 2.")),
        () -> assertTrue(page.contains("href=\"#q-pair\"") && page.contains("id=\"q-pair\"")));
  }

  @Test
  void whereTheProjectLiesIsNotTold() throws IOException {
    Path json = folder.resolve("r.json");
    Files.writeString(
        json,
        """
        {"rows":[],"jvm":{"name":"VM","version":"25","flags":[],
          "inheritedFlags":["-Dkmem.home=/home/me","-Dkmem4j.decay=1s"]}}
        """);

    String page = Page.of(Findings.of(Report.read(json)));

    assertFalse(page.contains("/home/me"), page);
    assertTrue(page.contains("-Dkmem4j.decay=1s"), page);
  }

  @Test
  void thePageNeedsNothingBesideItself() {
    planted
        .row(Question.PAIR, "kmemCache", Map.of("size", "64"), 4)
        .row(Question.PAIR, "heap", Map.of("size", "64"), 8)
        .curve(curve("kmemCache", "resident", "s", new double[] {0, 1}, new double[] {3, 5}));

    String page = Page.of(planted.findings()).replaceAll("xmlns(:xlink)?=\"[^\"]*\"", "");

    assertEquals(0, count(page, "<script|<link|<img|<iframe|@import|https?:|src="), page);
    List<String> ids =
        Pattern.compile(" id=\"([^\"]*)\"").matcher(page).results().map(it -> it.group(1)).toList();
    assertEquals(new TreeSet<>(ids).size(), ids.size(), ids::toString);
  }

  @Test
  void everyColourIsInTheStyleSheetForLightAndForDark() {
    String page = Page.of(planted.row(Question.PAIR, "kmemCache", Map.of(), 4).findings());

    Palette.COUNT.forEach(
        (side, count) -> {
          String prefix = Map.of(Side.OURS, "o", Side.HEAP, "h", Side.PEER, "p").get(side);
          for (int i = 0; i < count; i++) {
            assertEquals(2, count(page, "--" + prefix + i + ": #"), prefix + i);
          }
        });
  }

  @Test
  void thoseWhoAreAskedTheSameHaveTheirOwnColours() {
    for (int i = 0; i < 16; i++) {
      planted.row(Question.PAIR, "malloc" + i, Map.of(), 4);
    }
    planted.row(Question.POOL, "stormpot", Map.of(), 4);
    planted.row(Question.POOL, "malloc15", Map.of(), 4);

    Palette palette = new Palette(planted.findings());

    assertEquals(
        16,
        IntStream.range(0, 16).mapToObj(i -> palette.variable("malloc" + i)).distinct().count());
    assertFalse(palette.variable("stormpot").equals(palette.variable("malloc15")));
  }

  @Test
  void namesAreTextAndNotMarkup() throws IOException {
    Path json = folder.resolve("r.json");
    Files.writeString(
        json,
        """
        {"rows":[
          {"question":"<q> & more","params":{"<p>":"<v>"},"contender":"<c>","unit":"<u>","score":5},
          {"question":"<q> & more","params":{"<p>":"<w>"},"contender":"malloc","unit":"<u>","score":6}],
         "curves":[{"question":"<q> & more","contender":"<c>","name":"<n>","xUnit":"<x>","yUnit":"<y>",
          "x":[1,2],"y":[1,2]}]}
        """);

    String page = Page.of(Findings.of(Report.read(json)));

    assertEquals(0, count(page, "<(q|v|w|c|u|n|x|y)>"), page);
    assertTrue(page.contains("&lt;q&gt; &amp; more"));
    assertTrue(page.contains("id=\"q--q----more\""));
  }

  @Test
  void thePageIsWrittenIntoAFolderThatIsMade() throws IOException {
    Path made = folder.resolve("new").resolve("deep");
    planted.row(Question.PAIR, "kmemCache", Map.of(), 4);

    Page.check(made);
    Path file = Page.write(planted.findings(), made);

    assertTrue(Files.readString(file).startsWith("<!DOCTYPE html>"));
  }

  @Test
  void aFileInTheWayIsTold() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));

    KmemException e = assertThrows(KmemException.class, () -> Page.check(file));

    assertTrue(e.getMessage().startsWith("--html " + file), e::getMessage);
  }

  private static Curve curve(String contender, String name, String xUnit, double[] x, double[] y) {
    return new Curve(Question.PAIR, contender, Map.of(), name, xUnit, "MiB", x, y);
  }

  private List<Plot> bars() {
    Findings findings = planted.findings();
    return Plot.bars(findings.sections().get(0).groups().get(0), new Palette(findings), "t");
  }

  private List<Plot> lines() {
    Findings findings = planted.findings();
    return Plot.lines(findings.sections().get(0).curves(), new Palette(findings), "t");
  }

  private static List<String> contenders(Plot plot) {
    return plot.legend().stream().map(Plot.Series::contender).toList();
  }

  private static List<Integer> points(Plot plot) {
    return plot.legend().stream().map(Plot.Series::points).toList();
  }

  private static int count(String text, String regex) {
    return (int) Pattern.compile(regex).matcher(text).results().count();
  }

  /** Of the lines in a colour. */
  private static int vertices(String svg, String colour) {
    return shapes(svg, "path").stream()
        .filter(path -> style(path, "stroke").equals("var(--" + colour + ")"))
        .filter(path -> style(path, "fill").equals("none"))
        .mapToInt(path -> count(path.getAttribute("d"), "[ML]"))
        .sum();
  }

  private static int bars(String svg, String colour) {
    return (int)
        shapes(svg, "rect").stream()
            .filter(rect -> style(rect, "fill").equals("var(--" + colour + ")"))
            .count();
  }

  private static List<String> texts(String svg) {
    return shapes(svg, "text").stream().map(text -> text.getTextContent().strip()).toList();
  }

  private static List<Element> shapes(String svg, String tag) {
    try {
      NodeList nodes =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new InputSource(new StringReader(svg)))
              .getElementsByTagName(tag);
      return IntStream.range(0, nodes.getLength()).mapToObj(i -> (Element) nodes.item(i)).toList();
    } catch (IOException | ParserConfigurationException | SAXException e) {
      throw new AssertionError(svg, e);
    }
  }

  /** A property as a browser sees it: the element's, or that of what is around it. */
  private static String style(Element element, String property) {
    for (Node node = element; node instanceof Element e; node = node.getParentNode()) {
      for (String declaration : e.getAttribute("style").split(";")) {
        String[] parts = declaration.split(":", 2);
        if (parts[0].strip().equals(property)) {
          return parts[1].strip();
        }
      }
    }
    return "";
  }
}
