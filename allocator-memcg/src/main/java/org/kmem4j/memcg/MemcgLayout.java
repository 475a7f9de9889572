package org.kmem4j.memcg;

import java.util.stream.Collectors;
import org.kmem4j.memcg.group.GroupLayout;

/** The native structs of this module, printed from the code that uses them. */
public final class MemcgLayout {
  private MemcgLayout() {}

  /** What {@code native-layout.md} has behind that of the core. */
  public static String print() {
    return GroupLayout.structs().stream()
        .map(struct -> '\n' + struct)
        .collect(Collectors.joining());
  }
}
