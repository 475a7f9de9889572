package org.kmem4j.memcg.counter;

/**
 * A group as its {@link Stock} sees it. All methods are leaf code: they are called while a drain
 * may wait, so they neither charge, drain, wait nor call back; a last {@link #put} only queues.
 */
public interface Chargeable {
  PageCounter counter();

  /**
   * Index and generation of the group in one positive number: unique among all groups that are not
   * released, and not used again at once.
   */
  int stockId();

  /** Whether pages may be stocked. A volatile read: pairs with {@link Stock#drain}. */
  boolean isOnline();

  /** Takes a css reference, unless the group is being released. */
  boolean tryGet();

  /** Puts a css reference. */
  void put();
}
