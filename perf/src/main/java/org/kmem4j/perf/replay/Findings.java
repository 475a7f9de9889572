package org.kmem4j.perf.replay;

import java.util.ArrayList;
import java.util.List;

/** What a pass found wrong, the first few in words. */
final class Findings {
  private static final int MOST = 5;

  private final List<String> sentences = new ArrayList<>(); // Guarded by this.

  synchronized void add(String what, Object... values) {
    if (sentences.size() < MOST) {
      sentences.add(what.formatted(values));
    }
  }

  synchronized List<String> sentences() {
    return List.copyOf(sentences);
  }
}
