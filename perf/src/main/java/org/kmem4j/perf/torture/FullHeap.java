package org.kmem4j.perf.torture;

/** Has something done while the Java heap is full but for a few bytes. One thread, others rest. */
final class FullHeap {
  /** Filling a larger heap takes too long. */
  private static final long LARGEST = 512 << 20;

  private static final int CRUMBS = 2000;

  // Fields, for what a method does not use any more is no reason to keep it.
  private Object[] hoard;
  private Object[] crumbs;

  /** Whether the heap of this JVM can be filled in a moment. */
  static boolean isPossible() {
    return Runtime.getRuntime().maxMemory() <= LARGEST;
  }

  /**
   * Does something.
   *
   * @param spare how many of {@value #CRUMBS} small objects there is room for, about
   * @return false if it failed for want of heap
   */
  boolean attempt(int spare, Runnable something) {
    crumbs = new Object[CRUMBS];
    for (int i = 0; i < CRUMBS; i++) {
      crumbs[i] = new Object[1];
    }
    fill();
    for (int i = 0; i < spare; i++) {
      crumbs[i] = null;
    }
    try {
      something.run();
      return true;
    } catch (OutOfMemoryError e) {
      return false;
    } finally {
      hoard = null;
    }
  }

  private void fill() {
    for (int length = 1 << 15; length > 0; length >>>= 5) {
      try {
        while (true) {
          Object[] more = {hoard, null}; // arrays of numbers are nothing to look through
          hoard = more;
          more[1] = new long[length];
        }
      } catch (OutOfMemoryError e) {
        // the next smaller
      }
    }
  }
}
