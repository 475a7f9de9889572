package org.kmem4j.perf.bench;

import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.io.StringWriter;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGIDGenerator;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.ui.RectangleInsets;
import org.kmem4j.perf.KmemException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Draws charts as SVG elements for the inside of a page. */
final class Svg {
  private static final String NAMESPACE = "http://www.w3.org/2000/svg";

  private Svg() {}

  /**
   * Draws a chart without its legend, to be scaled by the page.
   *
   * @param idPrefix keeps its ids apart from those of the page's other plots
   * @param label what a screen reader says
   */
  static String of(JFreeChart chart, int width, int height, String idPrefix, String label) {
    chart.removeLegend();
    chart.setBackgroundPaint(null);
    chart.setPadding(new RectangleInsets(4, 0, 0, 24));
    try {
      Document document =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .getDOMImplementation()
              .createDocument(NAMESPACE, "svg", null);
      SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
      context.setComment(null);
      context.setIDGenerator(new PrefixedIds(idPrefix));
      SVGGraphics2D graphics = new SVGGraphics2D(context, false);
      chart.draw(graphics, new Rectangle2D.Double(0, 0, width, height));
      Element root = graphics.getRoot();
      root.setAttributeNS(null, "viewBox", "0 0 %d %d".formatted(width, height));
      root.setAttributeNS(null, "role", "img");
      root.setAttributeNS(null, "aria-label", label);
      StringWriter text = new StringWriter();
      graphics.stream(root, text, true, false);
      String svg = text.toString();
      // Batik gives its own definitions, of which there are none here, one id in all plots.
      return Palette.resolve(svg.substring(svg.indexOf("<svg")).replace(" id=\"genericDefs\"", ""));
    } catch (ParserConfigurationException | IOException e) {
      throw new IllegalStateException(e);
    } catch (NoClassDefFoundError | UnsatisfiedLinkError | InternalError e) {
      // A JDK draws text, even into a file, only where the system has fonts.
      throw new KmemException(
          "The plots cannot be drawn, for Java finds no fonts (%s); install fontconfig and a font."
              .formatted(e.getMessage()),
          e);
    }
  }

  private static final class PrefixedIds extends SVGIDGenerator {
    private final String prefix;

    PrefixedIds(String prefix) {
      this.prefix = prefix;
    }

    @Override
    public String generateID(String what) {
      return super.generateID(prefix + "-" + what);
    }
  }
}
