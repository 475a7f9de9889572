package org.kmem4j.perf.torture;

/**
 * What one run does.
 *
 * @param maxBytes the allocator's ceiling
 * @param faults whether failures are injected
 * @param plant what is broken on purpose
 */
record Plan(long seconds, int threads, long seed, long maxBytes, boolean faults, Plant plant) {

  /** What is broken on purpose, to see that it is found. */
  enum Plant {
    NOTHING,

    /**
     * An object that is handed out is put aside, and one that a worker holds given in its place.
     */
    DOUBLE_HANDOUT,

    /** A page that a cache has is taken off the books of the group that pays for it. */
    LOST_CHARGE,

    /** A reference on a group is taken just before it is closed, and never put. */
    STUCK_GROUP
  }
}
