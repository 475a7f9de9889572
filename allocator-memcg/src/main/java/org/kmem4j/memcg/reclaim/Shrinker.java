package org.kmem4j.memcg.reclaim;

import org.kmem4j.memcg.group.MemCgroup;

/**
 * A cache of the program that can give something up: asked when a group has no room, or uses more
 * than its {@code high}. The model is Linux's {@code struct shrinker}.
 *
 * <p>Called by threads whose allocation needs room and by the agent, several at a time, without any
 * lock. It may free, allocate (what does not fit is refused at once), and create and close groups.
 * What it throws is logged and counted, and stops nothing.
 */
public interface Shrinker {
  /** How many objects that this group pays for could be freed; 0 for none. Cheap. */
  long count(MemCgroup group);

  /**
   * Frees objects that this group pays for, those first that will be missed least.
   *
   * @param objects how many to look at, about
   * @return how many were freed
   */
  long scan(MemCgroup group, long objects);

  /**
   * A group was closed: what it paid for, {@code heir} pays for from now on. Whoever keeps lists by
   * group moves the closed one's to the heir's, for the closed one will not be asked for long. Also
   * when an entry is made for a group that is closed by then, it belongs in the list of {@link
   * MemCgroup#heir}.
   */
  default void closed(MemCgroup group, MemCgroup heir) {}

  /** A shrinker that is asked until this is closed. */
  interface Registration extends AutoCloseable {
    /** It is not asked again; a call that is running may go on. Closing twice does nothing. */
    @Override
    void close();
  }
}
