package org.kmem4j.slab;

import org.agrona.collections.Long2LongHashMap;
import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;

/**
 * The objects of a cache that debugs: the way between its program and its slabs, on which each is
 * looked at. What is kept for an object lies in the side words of its slab.
 *
 * <p>One lock, under which an object changes hands together with everything that is written about
 * it: so whoever holds the lock finds every object of every slab either free or in use. The list's
 * lock is taken inside it.
 */
final class SlabDebug {
  /** The word of an object, beside its slab's header. */
  private static final Struct STATE_WORD =
      Struct.named("object_state", "One word per object of a cache with constructor or debugging.");

  private static final long OBJECT_STATE = STATE_WORD.word("state", "all of it");
  static final Bits LINK = STATE_WORD.bits("link", 16, "next free object while free");
  private static final Bits TAKEN = STATE_WORD.bits("taken", 1, "in use by the program");
  private static final Bits LEAVING =
      STATE_WORD.bits("leaving", 1, "freed by the program, and on no freelist yet");
  private static final Bits GENERATION =
      STATE_WORD.bits("generation", 31, "how often the object was freed");

  static {
    STATE_WORD.end(8);
  }

  static final String STATE_LAYOUT = STATE_WORD.toMarkdown();

  /** Bytes of the red zone behind an object, at least. */
  private static final int RED_ZONE_BYTES = 8;

  /** What every byte between the end of an object that is in use and the next one holds. */
  private static final byte RED_ZONE = (byte) 0xcc;

  private static final long MISSING = -1;
  private static final long COMING = 0;
  private static final long BOOKED = 1;

  private final KmemCache cache;
  private final CacheSlabs store;
  private final PartialList list;
  private final SlabGeometry geometry;
  private final boolean zones;
  private final Tracks tracks;

  /** Every slab, and whether it is on the list's books yet. Guarded by this. */
  private final Long2LongHashMap slabs = new Long2LongHashMap(MISSING);

  SlabDebug(KmemCache cache, CacheOptions options, CacheSlabs store) {
    this.cache = cache;
    this.store = store;
    this.list = store.list();
    this.geometry = store.geometry();
    this.zones = options.debugs(Debug.RED_ZONE);
    this.tracks = options.debugs(Debug.TRACK) ? cache.slabs.tracks() : null;
  }

  /** Bytes that an object takes, its red zone included. */
  static int spaceBytes(CacheOptions options) {
    return options.objectBytes() + (options.debugs(Debug.RED_ZONE) ? RED_ZONE_BYTES : 0);
  }

  // ------------------------------------------------------------------ slabs

  /** Prepares a slab that is on no books yet. */
  synchronized void prepare(long slab) {
    slabs.put(slab, COMING); // may need heap, which {@link #add} must not
  }

  /** Adds a new slab for later. */
  synchronized void add(long slab) {
    slabs.put(slab, BOOKED);
    list.add(slab);
  }

  /** Forgets a slab that goes back to the page allocator. */
  synchronized void forget(long slab) {
    slabs.remove(slab);
  }

  // ------------------------------------------------------------------ objects

  /** Who is calling: it is asked for before anything is changed, for it needs stack and heap. */
  long caller() {
    return tracks == null ? 0 : tracks.caller();
  }

  /**
   * Takes one object, or returns 0.
   *
   * @param fresh a new slab to take it from, or 0 for those that are there
   */
  synchronized long take(long fresh, long caller) {
    if (fresh != 0) {
      slabs.put(fresh, BOOKED);
    }
    long object = fresh != 0 ? list.addAndTakeOne(fresh) : list.takeOne();
    if (object != 0) {
      taken(object, caller);
    }
    return object;
  }

  private void taken(long object, long caller) {
    long slab = store.slabOf(object);
    int index = geometry.indexOf(slab, object);
    if (zones) {
      int usable = cache.usableBytes();
      Memory.fill(object + usable, geometry.stride() - usable, RED_ZONE);
    }
    if (tracks != null) {
      Tracks.put(geometry.allocTrack(slab, index), caller);
    }
    long word = geometry.stateWord(slab, index) + OBJECT_STATE;
    Memory.putLongVolatile(word, TAKEN.set(Memory.getLong(word), 1));
  }

  /**
   * Takes an object from the program; {@link #put} follows. Of several who free it one succeeds.
   *
   * @return a report if it was damaged, or null
   * @throws IllegalArgumentException if it is free already
   */
  synchronized CorruptionException claim(long slab, long object, long caller) {
    int index = geometry.indexOf(slab, object);
    long word = geometry.stateWord(slab, index) + OBJECT_STATE;
    long state = Memory.getLong(word);
    if (TAKEN.get(state) == 0) {
      throw store.freedTwice(object);
    }
    int generation = (GENERATION.get(state) + 1) & GENERATION.mask();
    state = LEAVING.set(TAKEN.set(state, 0), 1);
    Memory.putLongVolatile(word, GENERATION.set(state, generation));
    if (tracks != null) {
      Tracks.put(geometry.freeTrack(slab, index), caller);
    }
    String damage = writtenPastItsEnd(object);
    return damage == null ? null : list.freezeInUse(slab, damage);
  }

  /**
   * Gives an object back to its slab.
   *
   * @return a chain of empty slabs to release, or 0
   */
  synchronized long put(long slab, long object) {
    long word = geometry.stateWord(slab, geometry.indexOf(slab, object)) + OBJECT_STATE;
    Memory.putLongVolatile(word, LEAVING.set(Memory.getLong(word), 0));
    return list.put(slab, object);
  }

  /** What is wrong in the red zone of an object that is in use, or null. */
  String writtenPastItsEnd(long object) {
    if (!zones) {
      return null;
    }
    int usable = cache.usableBytes();
    long end = object + usable;
    for (long at = end; at < object + geometry.stride(); at++) {
      if (Memory.getByte(at) != RED_ZONE) {
        return "object at %s of %d bytes was written past its end: byte %d behind it is 0x%02x"
            .formatted(Slabs.hex(object), usable, at - end, Memory.getByte(at) & 0xff);
      }
    }
    return null;
  }

  // ------------------------------------------------------------------ what is known of objects

  /** How often an object was freed, or -1 if it is free. */
  int generation(long object) {
    long slab = store.slabOf(object);
    long word = geometry.stateWord(slab, geometry.indexOf(slab, object)) + OBJECT_STATE;
    long state = Memory.getLongVolatile(word);
    return TAKEN.get(state) == 0 ? -1 : GENERATION.get(state);
  }

  /** Whether an object is in the hands of the program. */
  boolean isTaken(long slab, int index) {
    return TAKEN.get(Memory.getLongVolatile(geometry.stateWord(slab, index) + OBJECT_STATE)) != 0;
  }

  /**
   * Visits every object in the hands of the program with its allocation, if the cache tracks. The
   * visitor runs under the lock.
   */
  synchronized void forEachLive(KmemCache.LiveVisitor visitor) {
    if (tracks == null) {
      return;
    }
    for (Long2LongHashMap.KeyIterator it = slabs.keySet().iterator(); it.hasNext(); ) {
      long slab = it.nextValue();
      if (!store.isSound(slab)) {
        continue; // its words mean nothing any more
      }
      for (int i = 0; i < Slab.objects(slab); i++) {
        if (isTaken(slab, i)) {
          Track allocation = tracks.get(geometry.allocTrack(slab, i));
          visitor.visit(geometry.addressOf(slab, i), allocation);
        }
      }
    }
  }
}
