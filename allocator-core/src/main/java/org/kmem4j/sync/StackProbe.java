package org.kmem4j.sync;

/**
 * Finds out whether there is stack left, before a slow path changes anything: a stack overflow in
 * the middle would leave half a change behind. Interpreted frames are larger and need more; so are
 * the probe's own.
 */
public final class StackProbe {
  private static final int DEPTH = 40;

  private static int sink;

  private StackProbe() {}

  /**
   * Returns if a slow path fits on the stack.
   *
   * @throws StackOverflowError if not; nothing was changed
   */
  public static void probe() {
    if (descend(DEPTH) < 0) {
      sink++; // never: keeps the recursion from being removed
    }
  }

  private static int descend(int depth) {
    return depth == 0 ? sink & 1 : descend(depth - 1) + (depth & 1);
  }
}
