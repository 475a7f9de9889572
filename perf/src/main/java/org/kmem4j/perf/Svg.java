package org.kmem4j.perf;

import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGIDGenerator;
import org.jfree.chart.JFreeChart;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Draws charts as SVG. */
public final class Svg {
  private static final String NAMESPACE = "http://www.w3.org/2000/svg";

  private Svg() {}

  /**
   * Draws a chart into a document of its own.
   *
   * @param what is drawn, as a message names it
   * @param idPrefix keeps its ids apart from those of other drawings on the same page
   * @param attributes of the root, beside its size as a view box and its role
   * @throws KmemException if this machine cannot draw text
   */
  public static String of(
      String what,
      JFreeChart chart,
      int width,
      int height,
      String idPrefix,
      Map<String, String> attributes) {
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
      attributes.forEach((name, value) -> root.setAttributeNS(null, name, value));
      StringWriter text = new StringWriter();
      graphics.stream(root, text, true, false);
      return text.toString();
    } catch (ParserConfigurationException | IOException e) {
      throw new IllegalStateException(e);
    } catch (NoClassDefFoundError | UnsatisfiedLinkError | InternalError e) {
      // A JDK draws text, even into a file, only where the system has fonts.
      throw new KmemException(
          "%s cannot be drawn, for Java finds no fonts (%s); install fontconfig and a font."
              .formatted(what, e.getMessage()),
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
