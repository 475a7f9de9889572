package org.kmem4j.memcg.group;

import org.kmem4j.memcg.group.MemcgEvent.Kind;

/** What makes room when a group has none, beyond what threads have cached. */
@FunctionalInterface
public interface Reclaim {
  /**
   * Tries to give back pages of a group and those below it. Called without any lock; what it
   * allocates is refused if it does not fit, what it frees is welcome. The group is not released
   * meanwhile.
   *
   * @param why {@link Kind#MAX} for a request that would be refused, {@link Kind#HIGH} for the
   *     agent
   * @return about how many pages were given back; 0 if trying again is useless
   */
  long reclaim(MemCgroup top, long pages, Kind why);

  /** A group was closed, and its heir owns what it had. Called without any lock. */
  default void closed(MemCgroup group, MemCgroup heir) {}
}
