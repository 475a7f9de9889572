package org.kmem4j.slab;

import java.util.List;

/**
 * Live objects that were allocated at one place, for one account. Whether they are leaked the
 * program knows: what is meant to live long is among them.
 *
 * @param site the stack of the caller, innermost frame first; the allocator's own are left out
 * @param cache the cache's name
 * @param paidBy who paid for it, such as a group's path; null for nobody
 * @param sampled objects that were tracked from there
 * @param estimated objects from there, sampled or not: the live objects of the cache, shared out as
 *     those that were tracked are; the same number if every object is tracked
 * @param bytes what {@code estimated} objects were made to hold
 * @param oldestNanos how long ago the oldest of the tracked was allocated
 */
public record Leak(
    List<StackTraceElement> site,
    String cache,
    String paidBy,
    long sampled,
    long estimated,
    long bytes,
    long oldestNanos) {

  /** Frames that {@link #toString} shows. */
  private static final int SHOWN = 6;

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(estimated == sampled ? "" : "about ").append(estimated);
    text.append(" of \"%s\", %d bytes".formatted(cache, bytes));
    text.append(estimated == sampled ? "" : " (%d of them seen)".formatted(sampled));
    text.append(", the oldest %.3f s old".formatted(oldestNanos / 1e9));
    text.append(paidBy == null ? "" : ", paid by " + paidBy);
    for (StackTraceElement frame : site.subList(0, Math.min(SHOWN, site.size()))) {
      text.append("\n    at ").append(frame);
    }
    return text.toString();
  }
}
