package org.kmem4j.chronicle;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.PointerBytesStore;
import net.openhft.chronicle.bytes.internal.NativeBytesStore;
import net.openhft.chronicle.bytes.util.DecoratedBufferOverflowException;
import net.openhft.chronicle.core.UnsafeMemory;
import org.kmem4j.slab.KmemCache;

/**
 * The store under one view: an object, or nothing. One thread at a time.
 *
 * <p>Chronicle checks limits in {@code Bytes} only: its references go to their store directly, and
 * there nobody asks how far it reaches. But nearly all of them pass {@link #translate}, so this
 * store looks there: a store that points nowhere refuses all, and one that points at an object
 * refuses what begins outside. Bytes that begin inside and end outside are left to {@code Bytes}
 * and to {@code Byteable.maxSize}, and two methods where {@code Bytes} does not count to the last
 * byte are overridden.
 *
 * <p>While it points nowhere its address is that of a page that belongs to nobody, not one mapped
 * without access: what goes around all checks should not end the process.
 */
final class ObjectStore extends PointerBytesStore {
  private static final long NOWHERE = -1;

  /** Never freed, like all parking memory: a stale view may read it at any time. */
  private static final MemorySegment PARKING_PAGE = Arena.global().allocate(4096, 4096);

  /** For views larger than a page; guarded by the class. */
  private static MemorySegment parking = PARKING_PAGE;

  private final Object owner;

  /** Address of the object, or 0. */
  private long object;

  /** Size of the object in bytes, or {@link #NOWHERE}. */
  private long end = NOWHERE;

  /** The object's cache and its generation, or null if the cache does not debug. */
  private KmemCache debugged;

  private int generation;

  /** A store that points nowhere, for the view that owns it. */
  ObjectStore(Object owner) {
    this.owner = owner;
    park();
  }

  @SuppressWarnings("ReferenceEquality") // views may be equal by content
  boolean isOwnedBy(Object view) {
    return owner == view;
  }

  /** Address of the object, or 0. */
  long object() {
    return object;
  }

  /**
   * Points at an object.
   *
   * @param cache the object's, if it debugs; else null
   * @throws IllegalStateException if the cache debugs and the object is free
   */
  void point(long address, int bytes, KmemCache cache) {
    if (cache != null) {
      int now = cache.generation(address);
      if (now < 0) {
        throw released(address, cache);
      }
      generation = now;
    }
    debugged = cache;
    object = address;
    end = bytes;
    set(address, bytes);
  }

  void park() {
    debugged = null;
    object = 0;
    end = NOWHERE;
    set(PARKING_PAGE.address(), 0);
  }

  /** Points at memory that belongs to nobody, until {@link #park}. */
  void pointAtParking(long bytes) {
    debugged = null;
    object = 0;
    end = bytes;
    set(parking(bytes), bytes);
  }

  private static synchronized long parking(long bytes) {
    if (parking.byteSize() < bytes) {
      parking = Arena.global().allocate(2 * bytes, 4096);
    }
    return parking.address();
  }

  /**
   * The object to release.
   *
   * @throws IllegalStateException if there is none, or, if the cache debugs, if it was released
   *     through another view
   */
  long objectToRelease() {
    if (object == 0) {
      throw new IllegalStateException("the view points nowhere: it was released already");
    }
    if (debugged != null) {
      checkGeneration();
    }
    return object;
  }

  @Override
  public long translate(long offset) {
    if (offset < 0 || offset > end) {
      throw outside(offset);
    }
    if (debugged != null) {
      checkGeneration();
    }
    return offset;
  }

  private void checkGeneration() {
    if (debugged.generation(object) != generation) {
      throw released(object, debugged);
    }
  }

  private static IllegalStateException released(long address, KmemCache cache) {
    return new IllegalStateException(
        "0x" + Long.toHexString(address) + " of \"" + cache.name() + "\" was released");
  }

  private RuntimeException outside(long offset) {
    return end == NOWHERE
        ? new IllegalStateException("the view points nowhere: it was released, or never acquired")
        : new DecoratedBufferOverflowException("offset=" + offset + ", objectBytes=" + end);
  }

  /**
   * {@code VanillaBytes.write(long, CharSequence, int, int)} comes here byte by byte, unchecked.
   */
  @Override
  public NativeBytesStore<Void> writeByte(long offset, byte value) {
    if (offset == end) {
      throw outside(offset);
    }
    return super.writeByte(offset, value);
  }

  /** {@code Bytes} checks the text's length but forgets the length prefix. */
  @Override
  public long write8bit(long position, BytesStore<?, ?> text) {
    check8bit(position, text.readRemaining());
    return super.write8bit(position, text);
  }

  @Override
  public long write8bit(long position, String text, int start, int length) {
    check8bit(position, length);
    return super.write8bit(position, text, start, length);
  }

  private void check8bit(long position, long length) {
    long after = position + UnsafeMemory.INSTANCE.stopBitLength(length) + length;
    if (after > end) {
      throw outside(after - 1);
    }
  }
}
