package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.page.PageLayout;

/**
 * The native structs of this package and those below, in the order in which one leads to another.
 */
public final class SlabLayout {
  private SlabLayout() {}

  /** Each as a section of Markdown. */
  public static List<String> structs() {
    List<String> all =
        new ArrayList<>(
            List.of(
                Slab.LAYOUT,
                KmemCache.LAYOUT,
                SlabDebug.STATE_LAYOUT,
                Guard.LAYOUT,
                Tracks.LAYOUT,
                LargeBlocks.LAYOUT));
    all.addAll(PageLayout.structs());
    return all;
  }
}
