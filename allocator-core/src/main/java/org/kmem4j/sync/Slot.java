package org.kmem4j.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * What one platform thread, or one stripe of virtual threads, owns: its RCU words and its links.
 * Its thread writes, others watch. Never freed; see {@link PerThread}.
 */
public final class Slot extends SlotWords {
  private static final int CHUNK_SHIFT = 9;
  private static final int CHUNK = 1 << CHUNK_SHIFT;
  private static final int CHUNKS = PerThread.MAX_LINKS >> CHUNK_SHIFT;
  private static final VarHandle LINK = MethodHandles.arrayElementVarHandle(Sheaf[].class);
  private static final VarHandle IN_CHUNKS = MethodHandles.arrayElementVarHandle(Sheaf[][].class);

  /** Stands for every chunk without a front; never written. */
  private static final Sheaf[] NO_FRONTS = new Sheaf[CHUNK];

  /**
   * Links by number, in chunks that never move: the address of a link stays the same for ever, so
   * that every CAS on it meets every other. A chunk is made when its first front is attached.
   */
  private final Sheaf[][] chunks = new Sheaf[CHUNKS][];

  /** The first chunk again: most links are there, and it saves a load. */
  private final Sheaf[] first = new Sheaf[CHUNK];

  private final int index;
  private final boolean stripe;

  Slot(int index, boolean stripe) {
    this.index = index;
    this.stripe = stripe;
    Arrays.fill(chunks, NO_FRONTS);
    chunks[0] = first;
  }

  /** Number of the slot. */
  public int index() {
    return index;
  }

  /** Whether virtual threads share the slot, under its lock. */
  public boolean isStripe() {
    return stripe;
  }

  /** The link's value, for the slot's own thread inside a section. */
  Sheaf link(int link) {
    Sheaf[] some = first;
    return Integer.compareUnsigned(link, some.length) < 0 // the array's own check, made once
        ? some[link]
        : chunks[link >>> CHUNK_SHIFT][link & (CHUNK - 1)];
  }

  /** The link's value, for any thread. */
  Sheaf linkVolatile(int link) {
    return (Sheaf) LINK.getVolatile(chunk(link), link & (CHUNK - 1));
  }

  @SuppressWarnings("ReferenceEquality") // it is that very chunk or not
  boolean casLink(int link, Sheaf expected, Sheaf value) {
    Sheaf[] chunk = chunk(link);
    if (chunk == NO_FRONTS) {
      if (value == null) {
        return expected == null;
      }
      Sheaf[] fresh = new Sheaf[CHUNK];
      IN_CHUNKS.compareAndSet(chunks, link >>> CHUNK_SHIFT, NO_FRONTS, fresh);
      chunk = chunk(link);
    }
    return LINK.compareAndSet(chunk, link & (CHUNK - 1), expected, value);
  }

  private Sheaf[] chunk(int link) {
    return (Sheaf[]) IN_CHUNKS.getVolatile(chunks, link >>> CHUNK_SHIFT);
  }
}
