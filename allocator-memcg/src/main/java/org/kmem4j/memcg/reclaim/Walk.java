package org.kmem4j.memcg.reclaim;

import org.kmem4j.memcg.group.MemCgroup;

/**
 * One round over a group, the walk's <em>root</em>, and all groups below it: parents before
 * children, siblings by age. Dying groups are included, released ones are not.
 *
 * <p>The caller sees to it that the root is not released meanwhile; a walk takes no reference on
 * it, which might never come back or, if the root is dying, not be had. A walk belongs to one
 * thread.
 */
interface Walk extends AutoCloseable {
  /**
   * The next group, with a reference that lasts until the next call; null at the end of the round,
   * and ever after.
   */
  MemCgroup next();

  /** Ends the round, half-way perhaps, and puts the reference. */
  @Override
  void close();

  /**
   * The first group behind {@code at} that is not being released, with a reference; null if there
   * is none. Siblings are found by serial number, so {@code at} may be off its parent's list by
   * now.
   */
  @SuppressWarnings("ReferenceEquality") // it is that very group or not
  static MemCgroup after(MemCgroup root, MemCgroup at) {
    MemCgroup parent = at;
    long serial = 0;
    while (true) {
      MemCgroup child = parent.childAfter(serial);
      if (child != null) {
        if (child.tryGet()) {
          return child;
        }
        serial = child.serial(); // it is being released, so there is nothing below it
      } else if (parent == root) {
        return null;
      } else {
        serial = parent.serial();
        parent = parent.parent();
      }
    }
  }

  /** Puts what a walk took: nothing on the root. */
  @SuppressWarnings("ReferenceEquality") // it is that very group or not
  static void put(MemCgroup root, MemCgroup group) {
    if (group != null && group != root) {
      group.put();
    }
  }
}
