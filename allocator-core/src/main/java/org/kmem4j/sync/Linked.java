package org.kmem4j.sync;

/**
 * Whoever has fronts: the number under which every slot keeps a link for it.
 *
 * <p>The number may end before the object does, for a program may keep a handle of a cache that is
 * long gone. Fast paths therefore read it inside their section: {@link #endLink} replaces it by a
 * number that never has a front, and a grace period later the old one may serve another.
 */
public class Linked {
  private int link = PerThread.takeLink();

  /** Takes a number that no slot has a front for; see {@link #hasLink}. */
  public Linked() {}

  /** The number; inside a section it stays this one's until the section ends. */
  public final int link() {
    return link;
  }

  /** False if all numbers of the process were taken: then this can have no fronts. */
  public final boolean hasLink() {
    return link != PerThread.NO_LINK;
  }

  /**
   * From here on this has no fronts. All that it had were unlinked, and none is attached any more.
   *
   * @return the number, to be given back by {@link PerThread#giveLink} after a grace period
   */
  public final int endLink() {
    int ended = link;
    link = PerThread.NO_LINK;
    return ended;
  }
}
