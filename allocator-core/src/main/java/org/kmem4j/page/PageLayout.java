package org.kmem4j.page;

import java.util.List;

/** The native structs of this package and those below. */
public final class PageLayout {
  private PageLayout() {}

  /** Each as a section of Markdown. */
  public static List<String> structs() {
    return List.of(PageMap.FRAME_LAYOUT);
  }
}
