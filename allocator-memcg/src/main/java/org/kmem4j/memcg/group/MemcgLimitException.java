package org.kmem4j.memcg.group;

import org.kmem4j.slab.OutOfNativeMemoryException;

/** The limit of a group refused, and no room could be made. */
public final class MemcgLimitException extends OutOfNativeMemoryException {
  private static final long serialVersionUID = 1;

  private final transient Refusal refusal;

  MemcgLimitException(Refusal refusal) {
    super(
        refusal.toString(),
        refusal.requestedBytes(),
        refusal.usageBytes(),
        refusal.maxBytes(),
        null);
    this.refusal = refusal;
  }

  /** Who refused what, and what raises the limit; null after the exception was serialized. */
  public Refusal refusal() {
    return refusal;
  }
}
