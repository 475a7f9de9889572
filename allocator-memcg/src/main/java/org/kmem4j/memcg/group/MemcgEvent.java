package org.kmem4j.memcg.group;

/**
 * Something happened at a group since the agent last looked at it.
 *
 * @param group path of the group
 * @param kind what
 * @param count how often, in all
 */
public record MemcgEvent(String group, Kind kind, long count) {
  /** The keys of {@code memory.events}. */
  public enum Kind {
    /** Protected memory was reclaimed, for nothing else was left. */
    LOW,
    /** Usage was found above {@code high}. */
    HIGH,
    /** A charge would have exceeded {@code max}. */
    MAX,
    /** No room could be made, and a request failed. */
    OOM
  }
}
