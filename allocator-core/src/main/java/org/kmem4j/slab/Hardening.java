package org.kmem4j.slab;

/**
 * What makes wrong use harmless or visible in production, for all caches of an allocator. The links
 * of free objects are encoded in any case.
 *
 * @param doubleFree whether a mark beside each object says where it is, so that a free of what is
 *     free is refused at once
 * @param headers whether each free looks at its slab's header; else only when objects return there
 * @param randomOrder whether a new slab hands its objects out in random order
 * @param initOnAlloc whether an object is zeroed when it is handed out
 * @param initOnFree whether an object is zeroed when it is freed
 */
public record Hardening(
    boolean doubleFree,
    boolean headers,
    boolean randomOrder,
    boolean initOnAlloc,
    boolean initOnFree) {
  /** Nothing of it. */
  public static final Hardening NONE = new Hardening(false, false, false, false, false);

  /** Whether a cache has anything to do when an object is taken or freed. */
  boolean isGuarding() {
    return doubleFree || headers || initOnAlloc || initOnFree;
  }
}
