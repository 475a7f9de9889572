package org.kmem4j.memcg.group;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.memcg.counter.CounterLayout;

/** The native structs of this package and the one below, for {@code native-layout.md}. */
public final class GroupLayout {
  private GroupLayout() {}

  /** Each as a section of Markdown. */
  public static List<String> structs() {
    List<String> all = new ArrayList<>(List.of(MemCgroup.LAYOUT));
    all.addAll(CounterLayout.structs());
    return all;
  }
}
