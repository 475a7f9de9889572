package org.kmem4j.slab;

/**
 * Whoever pays for pages: core's view of a memory cgroup (Linux's {@code mem_cgroup}, {@code
 * mm/memcontrol.c}). A cache with an account charges every slab page before it takes the page, and
 * uncharges it after it has given the page back; objects that are taken from pages already charged
 * cost the account nothing.
 *
 * <p>A cache is made for one account and stays the same when that account closes; who pays then is
 * whoever the cache's {@linkplain OwnedCache#ownerWord owner word} names, which the account
 * rewrites. So every question about money comes with the cache.
 *
 * <p>Called by any thread, never with a lock or inside a read section, unless a method says so.
 */
public interface Account {
  /** Address of the native struct that pays: what the owner words of its caches hold. */
  long address();

  /**
   * Books pages of 4 KiB to the owner of a cache if that is possible at once: no waiting, no
   * reclaim, no exception, no garbage.
   *
   * @return false to refuse; nothing is booked then
   */
  boolean tryCharge(OwnedCache cache, long pages);

  /**
   * Takes pages off the books of the owner of a cache. Must not throw: what was freed is free
   * already.
   */
  void uncharge(OwnedCache cache, long pages);

  /**
   * One step towards room for pages, after {@link #tryCharge} has refused them. By default what all
   * threads have cached of the cache is collected, once. The cache may have ended meanwhile: its
   * owner word must not be read.
   *
   * @param attempt how often this was called for the same request, from 0
   * @return what keeps the room for the request, run after its next attempt; null if nothing does
   * @throws OutOfNativeMemoryException if trying again would be useless; it says who refused
   */
  default Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
    if (attempt > 0) {
      throw cache.refusedByAccount(pages);
    }
    cache.collect();
    return null;
  }

  /**
   * Whether a charge would be refused anyway: read before each refill, so one word must do.
   * Refusals go uncounted then. The cache may have ended: its owner word must not be read.
   */
  default boolean isFull(OwnedCache cache) {
    return false;
  }

  /**
   * Enters a new cache into the books, as one of this account's, and publishes it, in one step that
   * excludes the account's closing.
   *
   * @param publish makes the cache visible to others; leaf code
   * @return false if the account is closed: nothing was entered or published
   */
  default boolean link(OwnedCache cache, Runnable publish) {
    publish.run();
    return true;
  }

  /**
   * Takes a cache off the books of its owner: it has no page and no user left. Called once for each
   * {@link #link}, by the thread that does the background work.
   */
  default void unlink(OwnedCache cache) {}

  /** Whether this can pay for caches of an allocator; of any by default. */
  default boolean paysIn(Slabs slabs) {
    return true;
  }

  /** Who pays for new caches in place of this account: itself while it is open; null for nobody. */
  default Account heir() {
    return this;
  }
}
