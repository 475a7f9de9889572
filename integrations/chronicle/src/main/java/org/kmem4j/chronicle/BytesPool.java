package org.kmem4j.chronicle;

import java.util.Objects;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;

/**
 * Objects of one size, seen through Chronicle {@code Bytes} that the caller owns and reuses: no
 * object is made per operation. Any thread may call any method and release what another acquired; a
 * view is used by one thread at a time.
 *
 * <pre>{@code
 * BytesPool orders = new BytesPool(allocator.createCache("order", 64));
 * BytesView order = new BytesView(); // mine, reused for ever
 * if (orders.tryAcquire(order)) {
 *   order.bytes().writeLong(id).writeUtf8("GBP/USD");
 *   long kept = order.address(); // 8 bytes to keep
 *   orders.view(order, kept).bytes().readLong();
 *   orders.release(order);
 * }
 * }</pre>
 *
 * <p>An object is its address. It stays the caller's until it is released, whatever view points at
 * it. {@code Bytes} end with the object: a write beyond throws {@link
 * java.nio.BufferOverflowException}. What {@code Bytes.bytesStore()} and the addresses that {@code
 * Bytes} hand out reach is not checked to the last byte.
 *
 * <p>A second view of a released object, or a kept address, is undefined, as a dangling pointer is;
 * with debugging on for the cache it is caught: {@link #view} and {@link #release} of a free object
 * throw, and so does every access through a second view.
 */
public final class BytesPool {
  private final KmemCache cache;
  private final int objectBytes;
  private final KmemCache debugged;

  /**
   * A pool over a cache.
   *
   * @throws IllegalStateException if the JVM denies Chronicle native memory; the flag is named
   */
  public BytesPool(KmemCache cache) {
    ChronicleFlags.check();
    this.cache = cache;
    this.objectBytes = cache.objectBytes();
    this.debugged = cache.isDebug() ? cache : null;
  }

  /**
   * Takes an object and points the view at it, ready to be written. Its contents are undefined.
   *
   * @return false, and the view as it was, if the ceiling or the account refuses
   * @throws IllegalStateException if the view is closed
   */
  public boolean tryAcquire(BytesView view) {
    view.checkOpen();
    long object = cache.tryAlloc();
    if (object == 0) {
      return false;
    }
    view.point(object, objectBytes, debugged);
    return true;
  }

  /**
   * Takes an object, making room first if need be, and points the view at it, ready to be written.
   *
   * @return the view
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   * @throws IllegalStateException if the view is closed
   */
  public BytesView acquire(BytesView view) {
    view.checkOpen();
    view.point(cache.alloc(), objectBytes, debugged);
    return view;
  }

  /**
   * Points a view at an object by its kept address, ready to be read from its first byte to its
   * last. The address is not checked, unless the cache debugs.
   *
   * @return the view
   * @throws IllegalStateException if the view is closed; if the cache debugs and the object is free
   */
  public BytesView view(BytesView view, long address) {
    view.checkOpen();
    view.point(address, objectBytes, debugged);
    view.makeReadable();
    return view;
  }

  /**
   * Releases the object under the view, which points nowhere from then on.
   *
   * @throws IllegalStateException if the view points nowhere: it was released already
   */
  public void release(BytesView view) {
    cache.free(Objects.requireNonNull(view, "view").objectToRelease());
    view.park();
  }

  /**
   * Releases an object by its address. 0 is allowed and does nothing.
   *
   * @throws IllegalArgumentException if it is not the address of an object of this pool
   */
  public void release(long address) {
    cache.free(address);
  }

  /** The same objects, paid for by an account; resolve it once, for hot paths. */
  public BytesPool in(Account account) {
    return new BytesPool(cache.in(account));
  }

  /**
   * Makes sure that {@code count} objects can be had without asking for pages.
   *
   * @throws OutOfNativeMemoryException if there is no room
   */
  public void prewarm(long count) {
    cache.prewarm(count);
  }

  /** As {@link #prewarm}; false if the ceiling or the account refuses. */
  public boolean tryPrewarm(long count) {
    return cache.tryPrewarm(count);
  }

  /** The cache below: for statistics, {@code shrink} and {@code destroy}. */
  public KmemCache cache() {
    return cache;
  }
}
