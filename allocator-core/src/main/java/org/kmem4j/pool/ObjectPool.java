package org.kmem4j.pool;

import java.util.Objects;
import org.agrona.DirectBuffer;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.slab.Pin;

/**
 * Objects of one size, seen through flyweights that the caller owns and reuses: no object is made
 * per operation. Any thread may call any method and release what another acquired.
 *
 * <p>An object is its address, eight bytes to keep. It stays the caller's until it is released,
 * whatever view points at it. A second view of a released object, or a kept address, is undefined,
 * as a dangling pointer is; with debugging on for the cache it is caught: {@link #view} and {@link
 * #release} of a free object throw, and all views of an object point nowhere after its release.
 *
 * @param <F> the flyweight's class
 */
public final class ObjectPool<F extends Flyweight> {
  private final KmemCache cache;
  private final int bytes;
  private final Views views;

  /**
   * A pool over a cache.
   *
   * @throws IllegalStateException if the flag that Agrona's buffers need is missing; it is named
   */
  public ObjectPool(KmemCache cache) {
    this(cache, cache.isDebug() ? new Views() : null);
    checkFlags();
  }

  private ObjectPool(KmemCache cache, Views views) {
    this.cache = cache;
    this.bytes = cache.objectBytes();
    this.views = views;
  }

  private static void checkFlags() {
    Module base = Object.class.getModule();
    Module agrona = DirectBuffer.class.getModule();
    if (!base.isOpen("jdk.internal.misc", agrona)) {
      throw new IllegalStateException(
          "pools need Agrona's buffers: start the JVM with --add-opens"
              + " java.base/jdk.internal.misc="
              + (agrona.isNamed() ? agrona.getName() : "ALL-UNNAMED"));
    }
  }

  /**
   * Takes an object and points the view at it. Its contents are undefined.
   *
   * @return false, and the view as it was, if the ceiling or the account refuses
   */
  public boolean tryAcquire(F view) {
    Objects.requireNonNull(view, "view");
    long object = cache.tryAlloc();
    if (object == 0) {
      return false;
    }
    wrap(view, object);
    return true;
  }

  /** As {@link #tryAcquire(Flyweight)}, under the calling thread's pin. */
  public boolean tryAcquire(Pin pin, F view) {
    Objects.requireNonNull(view, "view");
    long object = cache.tryAlloc(pin);
    if (object == 0) {
      return false;
    }
    wrap(view, object);
    return true;
  }

  /**
   * Takes an object, making room first if need be, and points the view at it.
   *
   * @return the view
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   */
  public F acquire(F view) {
    Objects.requireNonNull(view, "view");
    wrap(view, cache.alloc());
    return view;
  }

  /**
   * Points a view at an object by its kept address. The address is not checked, unless the cache
   * debugs.
   *
   * @return the view
   * @throws IllegalStateException if the cache debugs and the object is free
   * @throws IllegalArgumentException if the cache debugs and no object of it begins there
   */
  public F view(F view, long address) {
    Objects.requireNonNull(view, "view");
    if (views != null && cache.generation(address) < 0) {
      throw new IllegalStateException(
          "0x" + Long.toHexString(address) + " of \"" + cache.name() + "\" was released");
    }
    wrap(view, address);
    return view;
  }

  private void wrap(F view, long address) {
    view.wrap(address, bytes);
    if (views != null) {
      views.add(address, view);
    }
  }

  /**
   * Releases the object under the view, which points nowhere from then on.
   *
   * @throws IllegalStateException if the view points nowhere: it was released already
   */
  public void release(F view) {
    long address = Objects.requireNonNull(view, "view").address();
    if (address == 0) {
      throw new IllegalStateException("the view points nowhere: it was released already");
    }
    release(address);
    view.unwrap();
  }

  /** As {@link #release(Flyweight)}, under the calling thread's pin. */
  public void release(Pin pin, F view) {
    long address = Objects.requireNonNull(view, "view").address();
    if (address == 0) {
      throw new IllegalStateException("the view points nowhere: it was released already");
    }
    if (views != null) {
      views.release(address, cache);
    } else {
      cache.free(pin, address);
    }
    view.unwrap();
  }

  /**
   * Releases an object by its address. 0 is allowed and does nothing.
   *
   * @throws IllegalArgumentException if it is not the address of an object of this pool, or, with
   *     debugging, of one that is free already
   * @throws IllegalStateException after {@code close} or {@code destroy}
   */
  public void release(long address) {
    if (views != null) {
      views.release(address, cache);
    } else {
      cache.free(address);
    }
  }

  /** The same objects, paid for by an account; resolve it once, for hot paths. */
  public ObjectPool<F> in(Account account) {
    return new ObjectPool<>(cache.in(account), views);
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
