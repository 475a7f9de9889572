package org.kmem4j.memcg.group;

/**
 * A group left objects behind, which is an error where the program says so. Everything was handed
 * over before this was thrown: the group is closed, and its objects may be freed.
 */
public final class LeftoversException extends IllegalStateException {
  private static final long serialVersionUID = 1;

  private final transient Leftovers leftovers;

  LeftoversException(Leftovers leftovers) {
    super(leftovers.toString());
    this.leftovers = leftovers;
  }

  /** What was left, and who inherits it; null after the exception was serialized. */
  public Leftovers leftovers() {
    return leftovers;
  }
}
