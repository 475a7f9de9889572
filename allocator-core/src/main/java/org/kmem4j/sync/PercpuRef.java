package org.kmem4j.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * {@code struct percpu_ref}: a reference count that costs its users no shared atomic once they
 * collide, and is exact at the end of its life.
 *
 * <pre>
 *   per-thread   gets and puts go to the caller's cell, or to the biased central count: zero is
 *                never seen, {@link #tryGet} never fails
 *   killed       by {@link #kill}: the central count alone changes; cells may still be in use
 *   atomic       by {@link #confirm}, a grace period later: the cells have been added, the bias and
 *                the initial reference are gone; the put that reaches 0 releases, exactly once
 * </pre>
 *
 * <p><b>Ordering.</b> A cell is used only inside a section that has read "not killed"; so when the
 * grace period after {@link #kill} has ended, no cell changes any more, and its last value is
 * visible ({@link Rcu#exit} releases). Cells are indexed by slot, not by thread: they survive the
 * slot's adoption by another thread. They appear when two threads first collide on the central
 * count, for slots that exist by then; all others use the central count for ever.
 */
public final class PercpuRef {
  private static final long BIAS = 1L << 62;
  private static final VarHandle CENTRAL;
  private static final VarHandle KILLED;
  private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

  static {
    try {
      var lookup = MethodHandles.lookup();
      CENTRAL = lookup.findVarHandle(PercpuRef.class, "central", long.class);
      KILLED = lookup.findVarHandle(PercpuRef.class, "killed", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Runnable release;

  @SuppressWarnings("unused") // by CENTRAL
  private volatile long central = BIAS + 1;

  private volatile boolean killed;
  private volatile long[] cells;

  /**
   * A count of one, the initial reference.
   *
   * @param release run once, by whoever puts the last reference, on any thread and in any state: it
   *     may only queue
   */
  public PercpuRef(Runnable release) {
    this.release = release;
  }

  /** Takes {@code count} references; the caller knows that there is one already. */
  public void get(long count) {
    if (!addToCell(count)) {
      addToCentral(count);
    }
  }

  /**
   * Takes a reference.
   *
   * @return false if the last one was put: the caller has none
   */
  public boolean tryGet() {
    if (addToCell(1)) {
      return true;
    }
    while (true) {
      long count = central;
      if (count == 0) {
        return false;
      }
      if (CENTRAL.compareAndSet(this, count, count + 1)) {
        return true;
      }
    }
  }

  /** As {@link #tryGet}, but fails already when the reference was killed. */
  public boolean tryGetLive() {
    if (killed || !tryGet()) {
      return false;
    }
    if (killed) { // it may have been killed, and even confirmed, between the two
      put(1);
      return false;
    }
    return true;
  }

  /** Puts {@code count} references. The last one releases, once the reference was confirmed. */
  public void put(long count) {
    if (!addToCell(-count)) {
      addToCentral(-count);
    }
  }

  private void addToCentral(long count) {
    long before = central;
    if (!CENTRAL.compareAndSet(this, before, before + count)) {
      makeCells();
      before = (long) CENTRAL.getAndAdd(this, count);
    }
    assert before > 0 && before + count >= 0 : "count=" + before + ", added " + count;
    if (before + count == 0) {
      release.run();
    }
  }

  /** Adds to the cell of the calling thread; false if it has none, or there are none any more. */
  private boolean addToCell(long count) {
    if (cells == null) {
      return false;
    }
    Slot slot = PerThread.existing();
    if (slot == null) {
      return false;
    }
    if (Rcu.isInSection(slot)) {
      return addToCell(slot.index(), count);
    }
    Rcu.enter(slot);
    try {
      return addToCell(slot.index(), count);
    } finally {
      Rcu.exit(slot);
    }
  }

  /** In a section of the slot. */
  private boolean addToCell(int index, long count) {
    long[] mine = cells;
    if (killed || index >= mine.length) {
      return false;
    }
    CELL.setOpaque(mine, index, (long) CELL.getOpaque(mine, index) + count);
    return true;
  }

  /** Leaves the central count to those without a cell. */
  void makeCells() {
    if (cells == null && !killed) {
      synchronized (this) {
        if (cells == null) {
          try {
            cells = new long[PerThread.slotCount()];
          } catch (OutOfMemoryError e) {
            return; // all go on with the central count
          }
        }
      }
    }
  }

  /**
   * Begins the end: from the next grace period on the count is exact, see {@link #confirm}.
   *
   * @throws IllegalStateException if called twice
   */
  public void kill() {
    if (!KILLED.compareAndSet(this, false, true)) {
      throw new IllegalStateException("the reference was killed before");
    }
  }

  /**
   * Adds up the cells and puts the initial reference, which may release. Once, after a grace period
   * that began after {@link #kill}.
   */
  public void confirm() {
    assert killed;
    long[] mine = cells;
    addToCentral(sum(mine) - BIAS - 1);
  }

  /** References now, the initial one included; exact at rest. */
  public long count() {
    long count = central;
    long[] mine = cells;
    if (count < BIAS / 2) {
      return count;
    }
    return count - BIAS + sum(mine);
  }

  /** Takes no memory: a count that is being ended cannot fail half-way. */
  private static long sum(long[] some) {
    long sum = 0;
    for (int i = 0; some != null && i < some.length; i++) {
      sum += some[i];
    }
    return sum;
  }
}
