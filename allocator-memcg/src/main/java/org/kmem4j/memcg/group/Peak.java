package org.kmem4j.memcg.group;

import org.kmem4j.memcg.counter.PageCounter;

/**
 * What the readers of one group's peak share. The counter has one word for the peak, which charging
 * raises; a reset begins a new <em>span</em> of time with a new value there. A reader keeps the
 * span in which it was reset; spans lead to those after them, so that it finds what was highest
 * since, and those that no reader keeps are garbage.
 */
final class Peak {
  /** From one reset of whichever reader to the next. */
  static final class Span {
    /** Pages; written once, before {@link #next}. */
    long highest;

    /** Null for the present one. */
    volatile Span next;
  }

  private final PageCounter counter;
  private Span present = new Span(); // guarded by this
  private long before; // the highest of all spans that have ended; guarded by this

  Peak(PageCounter counter) {
    this.counter = counter;
  }

  /** Pages, the most since the group was made. */
  synchronized long overall() {
    return Math.max(counter.peak(), before);
  }

  /** Pages, the most in the present span. */
  long recent() {
    return counter.peak();
  }

  /** Ends the present span. Returns the new one. */
  synchronized Span reset() {
    present.highest = counter.resetPeak();
    before = Math.max(before, present.highest);
    Span next = new Span();
    present.next = next; // publishes `highest`
    present = next;
    return next;
  }
}
