package org.kmem4j.page;

/**
 * How pages are got and given back.
 *
 * @param maxBytes the ceiling: memory that the allocator may hold at once
 * @param decayNanos how long free pages keep their memory, or {@link #NEVER} to give none back
 * @param preTouch whether the pages of a region are touched when it is opened
 * @param lockInMemory whether regions are locked in memory; implies that nothing is given back
 * @param hugePages whether transparent huge pages are asked for
 */
public record PageSettings(
    long maxBytes, long decayNanos, boolean preTouch, boolean lockInMemory, boolean hugePages) {
  public static final long NEVER = Long.MAX_VALUE;

  /** Whether free pages may be given back so that others can be mapped. */
  boolean tradesFreePages() {
    return decayNanos != NEVER && !preTouch && !lockInMemory;
  }
}
