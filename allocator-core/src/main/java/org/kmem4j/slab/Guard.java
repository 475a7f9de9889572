package org.kmem4j.slab;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ThreadLocalRandom;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.StackProbe;

/**
 * What a hardened cache does with each object beside handing it on: it tells free ones from those
 * in use, looks at the slab's header, zeroes. See {@link Hardening}.
 *
 * <p>Its sheaves hold <em>sealed</em> addresses, which are negative, and its slabs have no page map
 * entry that the plain fast path knows. So its operations leave that path by branches that are
 * there anyway, and other caches pay nothing.
 *
 * <p><b>Keys.</b> The second word of a free object holds its key, which no program writes but by
 * chance: its address, encoded. Freeing an object with its key is refused at once; handing it out
 * overwrites the key. A program that writes into a free object may destroy it, which comes to light
 * when the object returns to its slab, at the latest.
 *
 * <p><b>Marks.</b> One byte for each object, beside the slab's header, says whether the slab has
 * it. It changes under the list lock, so of two who return the same object one is refused. Where
 * objects have no room for a key, or a constructor forbids it, the mark also says whether the
 * object is in a sheaf or in use, and is written by fronts too.
 *
 * <p>Fronts read and write keys and marks by plain accesses. That is enough where each step happens
 * before the next: sheaves change hands by locks, CAS and grace periods, and an object that another
 * thread frees was passed to it by the program. Two threads that free the same object at the same
 * moment may both find it in use. It then lies in two sheaves, and the second of its owners to free
 * it, or the second flush, is refused. What nothing here can tell is a second free after the object
 * was handed out again: it passes for the new owner's, whose own free is the one that is refused.
 */
final class Guard {
  private static final Struct MARK =
      Struct.named("object_mark", "One byte per object of a cache that detects double frees.");

  private static final long OBJECT_MARK =
      MARK.octet("mark", "0x3a: in its slab; 0x59: in a sheaf; 0xc6: in use, or in a sheaf");

  static {
    MARK.end(1);
  }

  static final String LAYOUT = MARK.toMarkdown();

  // Far apart in bits, and none of them a byte that programs often write.
  static final byte IN_SLAB = 0x3a;
  static final byte IN_SHEAF = 0x59;
  static final byte IN_USE = (byte) 0xc6;

  /** How many objects may lie between front and program: a power of two. */
  static final int STRAYS = 64;

  private static final VarHandle STRAY = MethodHandles.arrayElementVarHandle(long[].class);

  /** Offset of the key in an object: behind the link. */
  private static final long KEY = 8;

  private final CacheSlabs store;
  private final boolean onlyKeys; // neither marks nor zeroing in fronts
  private final boolean hasKeys;
  private final boolean hasMarks;
  private final boolean zeroesTaken;
  private final boolean zeroesFreed;
  private final boolean checksHeaders;
  private final int stride;
  private final int slabMask;
  private final int markShift;
  private final long address; // of the cache
  private final long cookie;
  private final long keyCode = ThreadLocalRandom.current().nextLong();

  /**
   * Sealed objects that are neither in a sheaf nor in the hands of the program, because the stack
   * ended in between; 0 where there is none. Who leaves one here can call nothing. So it is racy:
   * of two at the same moment one may be lost, and of more than fit in before the next trim the
   * eldest.
   */
  final long[] strays = new long[STRAYS];

  /** How many were left there so far. */
  int strayCount;

  Guard(CacheSlabs store, Hardening hardening) {
    SlabGeometry geometry = store.geometry();
    this.store = store;
    this.stride = geometry.stride();
    this.hasMarks = geometry.hasMarks();
    this.hasKeys = hasMarks && !geometry.hasState() && stride >= KEY + 8;
    this.zeroesTaken = store.zeroesTaken();
    this.zeroesFreed = store.zeroesFreed();
    this.checksHeaders = hardening.headers();
    this.onlyKeys = hasKeys && !zeroesTaken && !zeroesFreed;
    this.slabMask = geometry.slabBytes() - 1;
    this.markShift = geometry.markShift();
    this.address = store.address();
    this.cookie = store.cookie();
  }

  // ------------------------------------------------------------------ sealed addresses

  /** The address as sheaves hold it, and back. */
  static long seal(long address) {
    return ~address;
  }

  static void sealAll(Sheaf sheaf) {
    for (int i = 0; i < sheaf.count(); i++) {
      sheaf.set(i, seal(sheaf.get(i)));
    }
  }

  // ------------------------------------------------------------------ between sheaf and program

  /** Hands out what was popped. If it throws, the object is as free as before. */
  long handOut(long sealed) {
    long object = seal(sealed);
    if (onlyKeys) {
      Memory.putLong(object + KEY, 0);
    } else {
      handOutZeroed(object);
    }
    return object;
  }

  private void handOutZeroed(long object) {
    if (zeroesTaken) {
      Memory.fill(object, stride, (byte) 0);
    }
    if (hasKeys) {
      Memory.putLong(object + KEY, 0);
    } else if (hasMarks) {
      Memory.putByte(mark(object), IN_USE);
    }
  }

  /**
   * Checks an object that is about to be pushed. If it throws, the object is in use as before; who
   * cannot push it calls {@link #keep}.
   */
  void takeBack(long object) {
    if (checksHeaders && !isHeaderSound(object & ~(long) slabMask)) {
      throw store.withoutSlab(object);
    }
    if (onlyKeys) {
      long key = object ^ keyCode;
      if (Memory.getLong(object + KEY) == key) {
        throw store.freedTwice(object);
      }
      Memory.putLong(object + KEY, key);
    } else {
      takeBackZeroed(object);
    }
  }

  /** Both words lie in one line of the processor's cache; the one is hit first, or the other. */
  private boolean isHeaderSound(long slab) {
    return Slab.cache(slab) == address && Memory.getLong(slab + Slab.COOKIE) == cookie;
  }

  private void takeBackZeroed(long object) {
    if (hasMarks && !isInUse(object)) {
      StackProbe.probe();
      throw isMarked(object) ? store.freedTwice(object) : store.markOverwritten(object);
    }
    if (zeroesFreed) {
      Memory.fill(object, stride, (byte) 0);
    }
    if (hasKeys) {
      Memory.putLong(object + KEY, object ^ keyCode);
    } else if (hasMarks) {
      Memory.putByte(mark(object), IN_SHEAF);
    }
  }

  /** Undoes {@link #takeBack}. */
  void keep(long object) {
    if (hasKeys) {
      Memory.putLong(object + KEY, 0);
    } else if (hasMarks) {
      Memory.putByte(mark(object), IN_USE);
    }
  }

  /** An object that the stack's end has left behind, or 0; it is the caller's then, and free. */
  long takeStray() {
    for (int i = 0; i < STRAYS; i++) {
      long sealed = strays[i] == 0 ? 0 : (long) STRAY.getAndSet(strays, i, 0L);
      if (sealed != 0) {
        return seal(sealed);
      }
    }
    return 0;
  }

  /** Objects that the stack's end has left behind; a recent number. */
  int countStrays() {
    int count = 0;
    for (long sealed : strays) {
      count += sealed == 0 ? 0 : 1;
    }
    return count;
  }

  // ------------------------------------------------------------------ under the list lock

  /** Sees an object off that leaves its slab; false if the slab does not have it. */
  boolean leave(long object, boolean forUse) {
    if (!hasMarks) {
      return true;
    }
    if (Memory.getByte(mark(object)) != IN_SLAB) {
      return false;
    }
    Memory.putByte(mark(object), hasKeys || forUse ? IN_USE : IN_SHEAF);
    if (hasKeys) {
      Memory.putLong(object + KEY, forUse ? 0 : object ^ keyCode);
    }
    return true;
  }

  /** Lets an object in that returns to its slab; false if it does not come from where it should. */
  boolean enter(long object, boolean fromUse) {
    if (!hasMarks) {
      return true;
    }
    if (Memory.getByte(mark(object)) != (hasKeys || fromUse ? IN_USE : IN_SHEAF)) {
      return false;
    }
    if (fromUse && hasKey(object)) { // another thread has freed it meanwhile
      return false;
    }
    Memory.putByte(mark(object), IN_SLAB);
    if (hasKeys) {
      Memory.putLong(object + KEY, object ^ keyCode);
    }
    return true;
  }

  // ------------------------------------------------------------------ to look at

  /** Whether an object is in the hands of the program, as far as one can tell. */
  boolean isInUse(long object) {
    return Memory.getByte(mark(object)) == IN_USE && !hasKey(object);
  }

  private boolean hasKey(long object) {
    return hasKeys && Memory.getLong(object + KEY) == (object ^ keyCode);
  }

  /** Whether an object is in its slab. */
  boolean isInSlab(long object) {
    return Memory.getByte(mark(object)) == IN_SLAB;
  }

  /** Whether an object's mark is one at all. */
  boolean isMarked(long object) {
    byte mark = Memory.getByte(mark(object));
    return mark == IN_SLAB || mark == IN_SHEAF && !hasKeys || mark == IN_USE;
  }

  /** An object and its mark, for reports. */
  String say(long object) {
    return "that of %s is 0x%02x".formatted(Slabs.hex(object), Memory.getByte(mark(object)) & 0xff);
  }

  /** Address of an object's mark. */
  private long mark(long object) {
    return (object & ~(long) slabMask)
        + Slab.HEADER_BYTES
        + OBJECT_MARK
        + (((int) object & slabMask) >>> markShift);
  }
}
