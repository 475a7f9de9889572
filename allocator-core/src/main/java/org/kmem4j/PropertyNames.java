package org.kmem4j;

import java.util.Locale;
import java.util.Set;

/**
 * The system properties of a module. Each module present registers its own as a service, so that an
 * unknown {@code kmem4j.} name is an error that can say which known one is near.
 */
public interface PropertyNames {
  /** Complete names. */
  Set<String> names();

  /** Beginnings of names whose rest the module itself checks, such as {@code kmem4j.memcg.}. */
  default Set<String> prefixes() {
    return Set.of();
  }

  /** Of some names that which is most like another, for a message; empty if there are none. */
  static String nearest(String name, Set<String> known) {
    String best = "";
    int distance = Integer.MAX_VALUE;
    for (String candidate : known) {
      int here = distance(name.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT));
      if (here < distance) {
        distance = here;
        best = candidate;
      }
    }
    return best;
  }

  /** Levenshtein's: insertions, deletions and replacements that lead from one to the other. */
  private static int distance(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int replace = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replace, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[to.length()];
  }
}
