package org.kmem4j.sync;

/** A pop that is held between its two halves: it has found the sheaf, and has taken nothing yet. */
public record HeldPop(Sheaf sheaf) {
  /** The first half; the caller is in a section. */
  public static HeldPop lookUp(Slot slot, Linked owner) {
    return new HeldPop(slot.link(owner.link()));
  }

  /** The second half. */
  public long goOn() {
    return Front.pop(sheaf);
  }
}
