package org.kmem4j.slab;

import org.kmem4j.sync.Sheaf;

/** For jcstress: a barn, which is its package's own. */
public final class SharedBarn {
  private final Barn barn = new Barn(8, 8);

  /** Leaves a full sheaf. */
  public void put(Sheaf sheaf) {
    barn.putFull(sheaf);
  }

  /** A full sheaf, or null. */
  public Sheaf take() {
    return barn.takeFull();
  }
}
