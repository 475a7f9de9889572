package org.kmem4j.pool;

import org.agrona.concurrent.UnsafeBuffer;

/**
 * A view of one pooled object, owned and reused by the caller: extend it with typed accessors. It
 * is an Agrona buffer, bounds-checked against the object, and points nowhere until a pool wraps it.
 *
 * <pre>{@code
 * final class Order extends Flyweight {
 *   static final int BYTES = 24;
 *
 *   long id() { return getLong(0); }
 *   Order id(long id) { putLong(0, id); return this; }
 * }
 * }</pre>
 *
 * <p>One thread at a time, like any Agrona buffer. After {@code release} every access throws {@link
 * IndexOutOfBoundsException}, as long as Agrona's bounds checks are on.
 */
public class Flyweight extends UnsafeBuffer {
  /** A view of nothing. */
  public Flyweight() {
    super(0, 0);
  }

  /** The object's address: keep this, not the view. 0 if the view points nowhere. */
  public final long address() {
    return addressOffset();
  }

  final void unwrap() {
    wrap(0, 0);
  }
}
