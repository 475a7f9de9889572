package org.kmem4j.slab;

/**
 * Whoever pays for pages: core's view of a memory cgroup (Linux's {@code mem_cgroup}, {@code
 * mm/memcontrol.c}). A cache with an account charges every slab page before it takes the page, and
 * uncharges it after it has given the page back; objects that are taken from pages already charged
 * cost the account nothing.
 *
 * <p>Called by any thread, never with a lock or inside a read section.
 */
public interface Account {
  /**
   * Address of the native struct that pays. A cache's {@code memcg} word holds it; reparenting
   * rewrites that one word.
   */
  long address();

  /**
   * Books pages of 4 KiB if that is possible at once: no waiting, no reclaim, no exception, no
   * garbage.
   *
   * @return false to refuse; nothing is booked then
   */
  boolean tryCharge(long pages);

  /**
   * Books pages, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if no room can be made; it says who refused
   */
  void charge(long pages);

  /** Takes pages off the books. Must not throw: what was freed is free already. */
  void uncharge(long pages);
}
