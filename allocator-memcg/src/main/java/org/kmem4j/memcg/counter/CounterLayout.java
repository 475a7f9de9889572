package org.kmem4j.memcg.counter;

import java.util.List;

/** The native structs of this package, for {@code native-layout.md}. */
public final class CounterLayout {
  private CounterLayout() {}

  public static List<String> structs() {
    return List.of(PageCounter.toMarkdown(), Stock.toMarkdown());
  }
}
