package org.kmem4j.memcg.group;

import org.kmem4j.slab.LeakReport;

/**
 * A group left objects behind, which is an error where the program says so. Everything was handed
 * over before this was thrown: the group is closed, and its objects may be freed.
 */
public final class LeftoversException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  private final transient Leftovers leftovers;

  LeftoversException(Leftovers leftovers) {
    super(sentence(leftovers, leftovers.leaks()));
    this.leftovers = leftovers;
  }

  private static String sentence(Leftovers left, LeakReport leaks) {
    return leaks.isEmpty() ? left.toString() : left + "\n" + leaks;
  }

  /** What was left, and who inherits it; null after the exception was serialized. */
  public Leftovers leftovers() {
    return leftovers;
  }
}
