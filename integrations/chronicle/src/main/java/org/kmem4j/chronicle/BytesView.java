package org.kmem4j.chronicle;

import net.openhft.chronicle.bytes.Bytes;
import org.kmem4j.slab.KmemCache;

/**
 * A view of one pooled object as Chronicle {@code Bytes}, owned and reused by the caller. It points
 * nowhere until a {@link BytesPool} points it, and nowhere again after {@code release}: its
 * capacity is 0 then, reads and writes throw {@link java.nio.BufferUnderflowException} and {@link
 * java.nio.BufferOverflowException}.
 *
 * <p>One thread at a time. Views are dear to make and cheap to reuse: keep a few per thread. Do not
 * use one as a key: {@code Bytes} are equal by content.
 */
public final class BytesView implements AutoCloseable {
  private final ObjectStore store;
  private final Bytes<Void> bytes;
  private boolean closed;

  /**
   * A view of nothing.
   *
   * @throws IllegalStateException if the JVM denies Chronicle native memory; the flag is named
   */
  public BytesView() {
    ChronicleFlags.check();
    store = new ObjectStore(this);
    bytes = store.bytesForWrite();
    bytes.singleThreadedCheckDisabled(true);
    bytes.clear();
  }

  /**
   * The object's bytes: the same {@code Bytes} for the whole life of the view. After {@code
   * acquire} they are empty and ready to be written; after {@link BytesPool#view} they are full and
   * ready to be read. Access by offset works in either state. They do not grow.
   */
  public Bytes<Void> bytes() {
    return bytes;
  }

  /** The object's address: keep this, not the view. 0 if the view points nowhere. */
  public long address() {
    return store.object();
  }

  long objectToRelease() {
    return store.objectToRelease();
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the view is closed");
    }
  }

  void point(long address, int size, KmemCache debugged) {
    store.point(address, size, debugged);
    bytes.clear(); // After `set`, whose capacity it makes the write limit: else there is none.
  }

  void makeReadable() {
    bytes.readLimit(bytes.writeLimit());
  }

  void park() {
    store.park();
    bytes.clear();
  }

  /**
   * Gives Chronicle its reference back, for those who trace references. The object, if there still
   * is one, is not released.
   */
  @Override
  public void close() {
    if (!closed) {
      park();
      closed = true;
      bytes.releaseLast();
      store.releaseLast();
    }
  }
}
