package org.kmem4j.slab;

import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Slot;

/**
 * One long read section around a duty cycle: operations that are given the pin pay neither for
 * finding their thread nor for entering and leaving a section.
 *
 * <p>Platform threads only, one at a time per thread, and only on the thread that made it. While it
 * is held, others who wait for a grace period (drains, {@code shrink}, {@code destroy}, {@code
 * close}) wait: a duty cycle calls {@link #renew} every so often and closes the pin before it
 * parks. A pin protects no address; an operation that takes its slow path suspends and renews it.
 */
public final class Pin implements AutoCloseable {
  private final Thread owner = Thread.currentThread();
  private final Slot slot;

  /**
   * Pins the calling thread.
   *
   * @throws IllegalStateException on a virtual thread, if there are too many threads, or if the
   *     thread is pinned already
   */
  public Pin() {
    this.slot = PerThread.find();
    if (slot == null) {
      throw new IllegalStateException(
          "only a platform thread with a slot can be pinned, not " + owner);
    }
    if (Rcu.isReading(slot)) {
      throw new IllegalStateException(owner + " is pinned already");
    }
    Rcu.pin(slot);
  }

  boolean isMine() {
    return PerThread.existing() == slot && Rcu.isPinned(slot);
  }

  Slot slot() {
    return slot;
  }

  /**
   * Lets waiting grace periods pass. One store; call it once per duty cycle.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public void renew() {
    if (!Rcu.isPinned(slot)) {
      throw new IllegalStateException("the pin was closed");
    }
    Rcu.pin(slot);
  }

  @Override
  public void close() {
    Rcu.unpin(slot);
  }
}
