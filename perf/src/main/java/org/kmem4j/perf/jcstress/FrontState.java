package org.kmem4j.perf.jcstress;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.Linked;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.Slot;

/**
 * One link with a front, of a slot that the first actor may use as its own: a stripe that is locked
 * for ever. Links are used in turn, since jcstress makes states by the thousand.
 */
class FrontState {
  static final Slot SLOT = PerThread.tryLockStripe();

  private static final int LINKS = 100_000;
  private static final Linked[] ALL = new Linked[LINKS];
  private static final AtomicInteger NEXT = new AtomicInteger();

  static {
    Arrays.setAll(ALL, i -> new Linked());
  }

  final Linked link = ALL[Math.floorMod(NEXT.getAndIncrement(), LINKS)];
  final Sheaf sheaf = new Sheaf(2);

  /** Begins with a front that holds one object. */
  FrontState() {
    clear();
    sheaf.push(8);
    Front.detach(SLOT, link);
    attach();
  }

  /** Makes the link absent, whatever an earlier state has left there. */
  private void clear() {
    Front.unlink(SLOT, link);
    Front.detach(SLOT, link);
    Front.attach(SLOT, link, null, () -> false);
  }

  final boolean attach() {
    return Front.attach(SLOT, link, sheaf, () -> true);
  }
}
