package org.kmem4j.sync;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The fronts of one owner in all slots. One that is taken from its thread waits for a grace period,
 * before which that thread may be in the middle of a pop; then it is emptied. Until that is done,
 * whoever counts finds it here. Any thread.
 */
public final class AllFronts {
  private final Linked owner;
  private final Consumer<Sheaf> empty;
  private final ArrayList<Sheaf> waiting = new ArrayList<>(0); // guarded by itself

  /**
   * Has taken none yet.
   *
   * @param empty takes everything out of a front, the spare too; called by whoever finishes
   */
  public AllFronts(Linked owner, Consumer<Sheaf> empty) {
    this.owner = owner;
    this.empty = empty;
  }

  /** Takes the fronts of all slots, and leaves it to {@code deferred} to empty them. */
  public void unlink(Deferred deferred) {
    for (int i = 0; i < PerThread.slotCount(); i++) {
      if (!Front.isAbsent(PerThread.slot(i), owner)) {
        unlink(PerThread.slot(i), deferred);
      }
    }
  }

  private void unlink(Slot slot, Deferred deferred) {
    Unlinked item = new Unlinked(); // all memory that is needed is taken before the front is
    synchronized (waiting) {
      waiting.ensureCapacity(waiting.size() + 1);
      item.front = Front.unlink(slot, owner);
      if (item.front == null) {
        return;
      }
      waiting.add(item.front);
    }
    deferred.add(item);
  }

  private final class Unlinked extends Deferred.Item {
    private Sheaf front;

    @Override
    protected void finish() {
      front.settle();
      try {
        empty.accept(front);
      } finally { // it may report damage
        synchronized (waiting) {
          waiting.remove(front);
        }
      }
    }
  }

  /** Copies of all sheaves that slots hold or that were taken from them; exact at rest. */
  public List<Sheaf> peek() {
    List<Sheaf> all = new ArrayList<>();
    for (int i = 0; i < PerThread.slotCount(); i++) {
      all.addAll(Front.peek(PerThread.slot(i), owner));
    }
    synchronized (waiting) {
      waiting.forEach(front -> all.addAll(front.copyFront()));
    }
    return all;
  }

  /** Addresses in all of these sheaves: exact at rest, else a recent value. */
  public long peekCount() {
    long count = 0;
    for (int i = 0; i < PerThread.slotCount(); i++) {
      count += Front.peekCount(PerThread.slot(i), owner);
    }
    synchronized (waiting) {
      for (Sheaf front : waiting) {
        count += front.peekCount();
      }
    }
    return count;
  }
}
