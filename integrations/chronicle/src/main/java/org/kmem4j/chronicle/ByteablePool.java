package org.kmem4j.chronicle;

import java.util.Objects;
import net.openhft.chronicle.bytes.Byteable;
import net.openhft.chronicle.bytes.ref.AbstractReference;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;

/**
 * Objects of one size, seen through Chronicle flyweights ({@code BinaryLongReference} and the like,
 * generated values, your own {@code Byteable}) that the caller owns and reuses. Any thread may call
 * any method and release what another acquired; a flyweight is used by one thread at a time.
 *
 * <p>A flyweight is mapped with {@code bytesStore(store, 0, maxSize())} whenever it is pointed at
 * an object. The store is its own, made when a pool first sees the flyweight, and {@code
 * bytesStore()} must return it. From then on no operation makes an object. Flyweights that must
 * find something in memory when they are mapped (the array references) need a cache whose
 * constructor puts it there.
 *
 * <p>After {@code release} the flyweight points nowhere: Chronicle's own throw {@link
 * IllegalStateException}, and one that keeps a raw address sees memory that belongs to nobody.
 * Closing a flyweight does not release its object.
 *
 * <p>What {@link BytesPool} says of second views and kept addresses holds here too.
 *
 * @param <B> the flyweight's class
 */
public final class ByteablePool<B extends Byteable> {
  private final KmemCache cache;
  private final int objectBytes;
  private final KmemCache debugged;

  /**
   * A pool over a cache.
   *
   * @throws IllegalStateException if the JVM denies Chronicle native memory; the flag is named
   */
  public ByteablePool(KmemCache cache) {
    ChronicleFlags.check();
    this.cache = cache;
    this.objectBytes = cache.objectBytes();
    this.debugged = cache.isDebug() ? cache : null;
  }

  /**
   * Takes an object and points the flyweight at it. Its contents are undefined.
   *
   * @return false, and the flyweight as it was, if the ceiling or the account refuses
   * @throws IllegalArgumentException if {@code maxSize()} does not fit the objects
   */
  public boolean tryAcquire(B view) {
    checkSize(view);
    long object = cache.tryAlloc();
    if (object == 0) {
      return false;
    }
    pointOrFree(view, object);
    return true;
  }

  /**
   * Takes an object, making room first if need be, and points the flyweight at it.
   *
   * @return the flyweight
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   * @throws IllegalArgumentException if {@code maxSize()} does not fit the objects
   */
  public B acquire(B view) {
    checkSize(view);
    pointOrFree(view, cache.alloc());
    return view;
  }

  private void pointOrFree(B view, long object) {
    boolean pointed = false;
    try {
      point(view, object);
      pointed = true;
    } finally {
      if (!pointed) {
        cache.free(object);
      }
    }
  }

  /**
   * Points a flyweight at an object by its kept address. The address is not checked, unless the
   * cache debugs.
   *
   * @return the flyweight
   * @throws IllegalArgumentException if {@code maxSize()} does not fit the objects
   * @throws IllegalStateException if the cache debugs and the object is free
   */
  public B view(B view, long address) {
    checkSize(view);
    point(view, address);
    return view;
  }

  private void checkSize(B view) {
    long size = view.maxSize();
    if (size <= 0 || size > objectBytes) {
      throw new IllegalArgumentException("maxSize=" + size + ", objectBytes=" + objectBytes);
    }
  }

  private void point(B view, long address) {
    ObjectStore store = storeOf(view);
    if (store == null) {
      store = new ObjectStore(view);
    }
    store.point(address, objectBytes, debugged);
    boolean mapped = false;
    try {
      view.bytesStore(store, 0, view.maxSize()); // maxSize, not more: some insist on it
      if (storeOf(view) == null) {
        throw new IllegalArgumentException(
            view.getClass().getName() + ".bytesStore() does not return what it was given");
      }
      mapped = true;
    } finally {
      if (!mapped) {
        store.park();
      }
    }
  }

  /** The flyweight's own store, or null if no pool has seen it. */
  private static ObjectStore storeOf(Byteable view) {
    return view.bytesStore() instanceof ObjectStore store && store.isOwnedBy(view) ? store : null;
  }

  /** Address of the flyweight's object: keep this, not the flyweight. 0 if it points nowhere. */
  public long address(B view) {
    ObjectStore store = storeOf(view);
    return store == null ? 0 : store.object();
  }

  /**
   * Releases the object under the flyweight, which points nowhere from then on.
   *
   * @throws IllegalStateException if the flyweight points nowhere: it was released already
   */
  public void release(B view) {
    ObjectStore store = storeOf(Objects.requireNonNull(view, "view"));
    if (store == null) {
      throw new IllegalStateException("the view points nowhere: no pool has pointed it");
    }
    cache.free(store.objectToRelease());
    park(view, store);
  }

  /** Chronicle's references ask their store at every access; others may have kept an address. */
  private void park(B view, ObjectStore store) {
    try {
      if (!(view instanceof AbstractReference)) {
        long size = view.maxSize();
        store.pointAtParking(size);
        view.bytesStore(store, 0, size);
      }
    } finally {
      store.park();
    }
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
  public ByteablePool<B> in(Account account) {
    return new ByteablePool<>(cache.in(account));
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
