package org.kmem4j;

import org.kmem4j.slab.SlabLayout;

/** The native structs of this module, printed from the code that uses them. */
public final class NativeLayout {
  private NativeLayout() {}

  /** The page {@code native-layout.md}. */
  public static String print() {
    StringBuilder page = new StringBuilder();
    page.append("# Native layout\n\n");
    page.append("Printed by `bin/kmem layout` from the code; a test compares. Offsets in bytes.\n");
    for (String struct : SlabLayout.structs()) {
      page.append('\n').append(struct);
    }
    return page.toString();
  }
}
