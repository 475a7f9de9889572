package org.kmem4j.memcg.reclaim;

import org.kmem4j.memcg.group.MemCgroup;

/**
 * A private walk: every group of the subtree, whatever others do. For requests at a limit: of those
 * that share a walk each sees only a part, and would be refused although another part has room.
 */
final class FullWalk implements Walk {
  private final MemCgroup root;
  private MemCgroup at;
  private boolean begun;

  FullWalk(MemCgroup root) {
    this.root = root;
  }

  @Override
  public MemCgroup next() {
    MemCgroup next = !begun ? root : at == null ? null : Walk.after(root, at);
    begun = true;
    Walk.put(root, at);
    at = next;
    return next;
  }

  @Override
  public void close() {
    Walk.put(root, at);
    at = null;
    begun = true;
  }
}
