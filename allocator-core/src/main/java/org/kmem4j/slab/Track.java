package org.kmem4j.slab;

import java.util.List;

/**
 * One allocation or one free of an object, in a cache that {@linkplain Debug#TRACK tracks}.
 *
 * @param site the stack of the caller, innermost frame first; equal calls have the same list
 * @param thread the thread's name and number
 * @param nanoTime when, by {@link System#nanoTime()}
 */
public record Track(List<StackTraceElement> site, String thread, long nanoTime) {
  /** Frames that {@link #toString} shows. */
  private static final int SHOWN = 8;

  /** How long ago, by whom, and from where: a line for each frame. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    double seconds = (System.nanoTime() - nanoTime) / 1e9;
    text.append("%.3f s ago by %s".formatted(seconds, thread));
    for (StackTraceElement frame : site.subList(0, Math.min(SHOWN, site.size()))) {
      text.append("\n    at ").append(frame);
    }
    return text.toString();
  }
}
