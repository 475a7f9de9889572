package org.kmem4j.slab;

/**
 * Accounts object by object: the seam for the second accounting scheme. A cache created with one
 * keeps a word per object outside the objects, in the slab; the account may store there whom it
 * charged. Such a cache has no fronts; caches without one pay nothing for the possibility.
 *
 * <p>Called by any thread, never with a lock or inside a read section.
 */
public interface ObjectAccount {
  /**
   * Books one object.
   *
   * @param ownerWord address of the object's word, 0 before
   * @param bytes the object's stride in bytes
   * @return false to refuse the allocation: {@code tryX} then returns 0, {@code X} throws {@link
   *     OutOfNativeMemoryException}, which says that the account refused
   */
  boolean tryCharge(long ownerWord, long bytes);

  /**
   * Takes one object off the books; its word is set to 0 afterwards. Must not throw: the object is
   * free already, and stays so.
   */
  void uncharge(long ownerWord, long bytes);
}
