package org.kmem4j.memcg.counter;

/**
 * How many pages reclaim has to spare: what {@code min} and {@code low} of a group come to, given
 * those of its parent. Computed from the top down, each level from the one above it; nothing is
 * remembered.
 */
public final class Protection {
  private Protection() {}

  /** What a group claims of its parent's protection: its setting, as far as it is used. */
  public static long claim(long setting, long usage) {
    return Math.min(setting, usage);
  }

  /**
   * The effective value of {@code min} or {@code low}. For a child of the root it is the setting.
   *
   * @param setting the group's own
   * @param usage the group's
   * @param parentEffective what this method returned for the parent
   * @param siblingsClaim the {@link #claim}s of all children of that parent together, this one's
   *     included
   */
  public static long effective(
      long setting, long usage, long parentEffective, long parentUsage, long siblingsClaim) {
    long claim = claim(setting, usage);
    if (siblingsClaim > parentEffective) {
      return part(claim, parentEffective, siblingsClaim);
    }
    if (siblingsClaim == parentEffective || usage <= claim || parentUsage <= siblingsClaim) {
      return claim;
    }
    // What nobody claims goes to all by what they use above their claims.
    long unclaimed = parentEffective - siblingsClaim;
    return claim + part(unclaimed, usage - claim, parentUsage - siblingsClaim);
  }

  /** {@code pages * share / whole}; exact below 2^53, then without overflow. */
  private static long part(long pages, long share, long whole) {
    return (long) ((double) pages * share / whole);
  }
}
