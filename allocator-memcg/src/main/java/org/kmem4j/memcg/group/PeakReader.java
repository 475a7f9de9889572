package org.kmem4j.memcg.group;

/**
 * One reader of a group's peak, as an open file of {@code memory.peak} is: until it is reset it
 * reads the group's own, from then on the most since then. Resetting one affects no other. Any
 * thread may call any method.
 */
public final class PeakReader {
  private final MemCgroup group;
  private final Peak peak;

  /** The span in which this was reset last, and what was highest in those that ended since. */
  private Peak.Span since; // guarded by this

  private long highest; // the same; pages

  PeakReader(MemCgroup group, Peak peak) {
    this.group = group;
    this.peak = peak;
  }

  /** The most bytes charged since the last {@link #reset}, or ever; 0 if the group is closed. */
  public synchronized long bytes() {
    if (since == null) {
      return group.peak();
    }
    if (!group.hasNumbers()) {
      return 0;
    }
    long recent;
    do {
      while (since.next != null) {
        highest = Math.max(highest, since.highest);
        since = since.next;
      }
      recent = peak.recent();
    } while (since.next != null); // another reader was reset meanwhile: it was of the next span
    return group.bytesIfOnline(Math.max(highest, recent));
  }

  /**
   * Begins anew, from what is charged now.
   *
   * @throws IllegalStateException if the group is closed
   */
  public synchronized void reset() {
    since = group.whileAlive(peak::reset);
    highest = 0;
  }

  @Override
  public String toString() {
    return group.path() + " peak " + bytes();
  }
}
