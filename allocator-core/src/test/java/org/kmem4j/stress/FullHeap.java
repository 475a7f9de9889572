package org.kmem4j.stress;

import java.util.Arrays;

/**
 * A Java heap that is full but for a few bytes, so that an operation fails at its first allocation
 * of memory there, at its second, and so on. For a JVM of its own with a small heap, {@link
 * #FLAGS}.
 */
public final class FullHeap {
  /** Memory is given object by object, and what was freed lies in one piece. */
  public static final String[] FLAGS = {"-Xmx8m", "-Xmn1m", "-XX:+UseSerialGC", "-XX:-UseTLAB"};

  /** The same, and every amount of heap that is left is tried. */
  public static final String[] FLAGS_FOR_ALL = with("-Dtest.everyAmount=true");

  private static String[] with(String flag) {
    String[] flags = Arrays.copyOf(FLAGS, FLAGS.length + 1);
    flags[FLAGS.length] = flag;
    return flags;
  }

  /** An array of one element takes so much. */
  private static final int CRUMB_BYTES = 24;

  private static final int CRUMBS = 2000;

  // Fields, for what a method does not use any more is no reason to keep it.
  private static Object[] hoard;
  private static Object[] crumbs;

  private FullHeap() {}

  /**
   * Runs an operation with about so many bytes of heap, which are free again afterwards.
   *
   * @return false if it failed for want of heap
   */
  public static boolean attempt(int spareBytes, Runnable operation) {
    crumbs = new Object[CRUMBS];
    for (int i = 0; i < CRUMBS; i++) {
      crumbs[i] = new Object[1];
    }
    fill();
    for (int i = 0; i < Math.min(CRUMBS, spareBytes / CRUMB_BYTES); i++) {
      crumbs[i] = null;
    }
    try {
      operation.run();
      return true;
    } catch (OutOfMemoryError e) {
      return false;
    } finally {
      hoard = null;
    }
  }

  private static void fill() {
    for (int length = 1 << 13; length > 0; length >>>= 6) {
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
