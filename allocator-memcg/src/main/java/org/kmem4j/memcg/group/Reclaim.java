package org.kmem4j.memcg.group;

/** What makes room when a group has none, beyond what threads have cached. */
@FunctionalInterface
public interface Reclaim {
  /**
   * Tries to give back pages of a group and those below it. Called without any lock; what it
   * allocates is refused if it does not fit, what it frees is welcome.
   *
   * @return about how many pages were given back; 0 if trying again is useless
   */
  long reclaim(MemCgroup top, long pages);
}
