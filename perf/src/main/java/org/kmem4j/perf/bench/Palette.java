package org.kmem4j.perf.bench;

import java.awt.Color;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.kmem4j.perf.bench.Findings.Section;
import org.kmem4j.perf.bench.Report.Line;

/**
 * The colours of a page. Plots are drawn in stand-ins, which become CSS variables, so that the
 * style sheet says what each is in light and in dark. A contender has one colour on all of a page,
 * which nobody shares who is asked the same question: ours are blue and green, the heap is grey,
 * peers are the rest.
 */
final class Palette {
  static final Color INK = new Color(1, 1, 0);
  static final Color MUTED = new Color(1, 1, 1);
  static final Color GRID = new Color(1, 1, 2);

  private static final Map<Side, String> PREFIX =
      Map.of(Side.OURS, "o", Side.HEAP, "h", Side.PEER, "p");

  /** As many as {@code page.css} has; if one question asks more, colours are used again. */
  static final Map<Side, Integer> COUNT = Map.of(Side.OURS, 8, Side.HEAP, 4, Side.PEER, 16);

  private static final Pattern SERIES = Pattern.compile("rgb\\((\\d),2,(\\d+)\\)");

  private final Map<String, Integer> places = new HashMap<>();

  Palette(Findings findings) {
    List<Set<String>> together = findings.sections().stream().map(Palette::contenders).toList();
    for (Set<String> asked : together) {
      for (String contender : asked) {
        if (!places.containsKey(contender)) {
          places.put(contender, free(contender, together));
        }
      }
    }
  }

  private static Set<String> contenders(Section section) {
    Set<String> contenders = new LinkedHashSet<>();
    section
        .groups()
        .forEach(group -> group.entries().forEach(it -> contenders.add(it.row().who())));
    section.curves().stream().map(Line::contender).forEach(contenders::add);
    return contenders;
  }

  /** The first place that nobody beside the contender has. */
  private int free(String contender, List<Set<String>> together) {
    Side side = Side.of(contender);
    Set<Integer> taken =
        together.stream()
            .filter(asked -> asked.contains(contender))
            .flatMap(Set::stream)
            .filter(other -> Side.of(other) == side && places.containsKey(other))
            .map(places::get)
            .collect(Collectors.toSet());
    for (int place = 0; place < COUNT.get(side); place++) {
      if (!taken.contains(place)) {
        return place;
      }
    }
    return taken.size() % COUNT.get(side);
  }

  /** The stand-in of a contender. */
  Color of(String contender) {
    return new Color(Side.of(contender).ordinal(), 2, places.get(contender));
  }

  /** The CSS variable of a contender. */
  String variable(String contender) {
    return variable(Side.of(contender), places.get(contender));
  }

  private static String variable(Side side, int place) {
    return "var(--" + PREFIX.get(side) + place + ")";
  }

  /** Puts the variables into an SVG that was drawn in stand-ins. */
  static String resolve(String svg) {
    return SERIES
        .matcher(
            svg.replace("rgb(1,1,0)", "var(--ink)")
                .replace("rgb(1,1,1)", "var(--muted)")
                .replace("rgb(1,1,2)", "var(--grid)"))
        .replaceAll(
            match ->
                variable(
                    Side.values()[Integer.parseInt(match.group(1))],
                    Integer.parseInt(match.group(2))));
  }
}
