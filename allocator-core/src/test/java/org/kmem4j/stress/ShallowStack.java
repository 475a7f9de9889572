package org.kmem4j.stress;

/**
 * Attempts something with almost no stack left. The thread recurses until its stack is used up, and
 * attempts it in every frame on the way back, each time with a few bytes more, until it has
 * succeeded several times in a row.
 */
public final class ShallowStack {
  /** What is attempted, and a look at what a failed attempt has left behind. */
  public interface Attempt {
    void run();

    /** Called after a stack overflow, with as little stack: it may read fields and set some. */
    void overflowed(StackOverflowError error);
  }

  private static final int ENOUGH = 50;

  private final Attempt attempt;
  private int overflows;
  private int successes;

  private ShallowStack(Attempt attempt) {
    this.attempt = attempt;
  }

  /**
   * Attempts on the calling thread, whose stack should be small.
   *
   * @param offset shifts all frames a little: another number, other remainders
   * @return how many attempts ended in a stack overflow
   */
  public static int exhaust(int offset, Attempt attempt) {
    var stack = new ShallowStack(attempt);
    stack.shift(offset);
    return stack.overflows;
  }

  private long shift(int offset) {
    switch (offset % 3) {
      case 0 -> descend();
      case 1 -> descend(offset);
      default -> descend(offset, 2L * offset, 3L * offset);
    }
    return offset;
  }

  private long descend(long... some) {
    descend();
    return some.length;
  }

  @SuppressWarnings("InfiniteRecursion") // that is the point
  private void descend() {
    try {
      descend();
    } catch (StackOverflowError e) {
      successes = 0; // the bottom
    }
    if (successes > ENOUGH) {
      return;
    }
    try {
      attempt.run();
      successes++;
    } catch (StackOverflowError e) {
      overflows++;
      successes = 0;
      attempt.overflowed(e);
    }
  }
}
