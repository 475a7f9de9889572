package org.kmem4j.memcg.group;

import org.kmem4j.memory.Os;

/**
 * A request that a limit refused.
 *
 * @param group path of the group that asked
 * @param refusedBy path of the group whose limit it was: itself or one above
 * @param usageBytes what was charged there
 * @param maxBytes its limit
 * @param requestedBytes what was asked for
 * @param reclaimedBytes what was given back in the attempt to make room
 */
public record Refusal(
    String group,
    String refusedBy,
    long usageBytes,
    long maxBytes,
    long requestedBytes,
    long reclaimedBytes) {

  static Refusal ofPages(
      MemCgroup group, MemCgroup refusedBy, long usage, long max, long requested, long reclaimed) {
    return new Refusal(
        group.path(),
        refusedBy.path(),
        usage << Os.PAGE_SHIFT,
        max << Os.PAGE_SHIFT,
        requested << Os.PAGE_SHIFT,
        reclaimed << Os.PAGE_SHIFT);
  }

  /** The system property that raises the limit. */
  public String property() {
    return "kmem4j.memcg." + refusedBy + ".max";
  }

  @Override
  public String toString() {
    return group
        + " was refused "
        + requestedBytes
        + " bytes: "
        + (refusedBy.equals(group) ? "it" : refusedBy)
        + " uses "
        + usageBytes
        + " of at most "
        + maxBytes
        + " bytes, and reclaim gave back "
        + reclaimedBytes
        + "; -D"
        + property()
        + "=<size> raises the limit";
  }
}
