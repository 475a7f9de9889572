package org.kmem4j.memcg;

import java.util.List;
import org.kmem4j.memcg.group.MemCgroup;

/** Paths of groups, and patterns of paths, in which {@code *} stands for any one name. */
final class GroupPath {
  static final String ANY = "*";

  private GroupPath() {}

  /**
   * The names on the way from the root to a group, none for the root itself.
   *
   * @throws IllegalArgumentException if the path is illegal; the message says what is accepted
   */
  static List<String> names(String path) {
    return split(path, false);
  }

  /** As {@link #names}, where {@code *} may stand for a name. */
  static List<String> pattern(String path) {
    return split(path, true);
  }

  private static List<String> split(String path, boolean mayBePattern) {
    if (!path.startsWith("/") || path.length() > 1 && path.endsWith("/") || path.contains("//")) {
      throw new IllegalArgumentException(
          "path=\"" + path + "\": a path begins with / and has one name after each, as /tenants/a");
    }
    List<String> names = path.equals("/") ? List.of() : List.of(path.substring(1).split("/"));
    if (names.size() > MemCgroup.MAX_DEPTH) {
      throw new IllegalArgumentException(
          "path=\"" + path + "\" has " + names.size() + " names, accepted: " + MemCgroup.MAX_DEPTH);
    }
    for (String name : names) {
      if (!mayBePattern || !name.equals(ANY)) {
        try {
          MemCgroup.checkName(name);
        } catch (IllegalArgumentException e) {
          String also = mayBePattern ? "; * alone stands for any one name" : "";
          throw new IllegalArgumentException("path=\"" + path + "\": " + e.getMessage() + also, e);
        }
      }
    }
    return names;
  }
}
