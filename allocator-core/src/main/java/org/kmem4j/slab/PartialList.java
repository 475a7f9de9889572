package org.kmem4j.slab;

import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.SpinLock;

/**
 * The slabs of one cache that have free objects, and the books over all its slabs: everything that
 * the list lock guards, with the HEAD, NEXT and PREV words of every slab.
 *
 * <p>A slab is full and on no list, or on the partial list, or empty and on the list of empty ones,
 * or frozen. {@code inuse} is the sum over the slabs of the objects that are allocated, those in
 * sheaves included; {@code free} is the sum of the others, but for frozen slabs.
 *
 * <p>Methods lock for themselves. None takes or gives back pages: slabs are made before they come
 * here, and surplus empty ones are handed to the caller.
 */
final class PartialList {
  private final SpinLock lock = new SpinLock();
  private final KmemCache cache;
  private final long struct;
  private final SlabGeometry geometry;
  private final int linkCode;
  private final int keepEmpty;

  private long head;
  private long tail;
  private long empty; // linked by NEXT alone
  private int emptySlabs;
  private long slabs;
  private long free;
  private long keepFree; // objects that prewarm asked for: their slabs stay

  /**
   * @param cache for reports
   * @param struct address of the cache's struct, where pages and inuse are kept
   * @param keepEmpty empty slabs that are kept for the next demand
   */
  PartialList(KmemCache cache, long struct, SlabGeometry geometry, long cookie, int keepEmpty) {
    this.cache = cache;
    this.struct = struct;
    this.geometry = geometry;
    this.linkCode = (int) (cookie >>> 16) & 0xffff;
    this.keepEmpty = keepEmpty;
  }

  // ------------------------------------------------------------------ taking objects

  /** Takes one object, or returns 0. */
  long takeOne() {
    lock.lock();
    try {
      return hasListed() ? takeFrom(head) : 0;
    } finally {
      lock.unlock();
    }
  }

  /** Adds a new slab and takes one object of it. */
  long addAndTakeOne(long slab) {
    lock.lock();
    try {
      adopt(slab);
      list(slab);
      return takeFrom(slab);
    } finally {
      lock.unlock();
    }
  }

  /** Fills a sheaf, slab after slab. */
  void fill(Sheaf sheaf) {
    lock.lock();
    try {
      while (!sheaf.isFull() && hasListed()) {
        takeInto(head, sheaf);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Adds a new slab and fills a sheaf from it. */
  void addAndFill(long slab, Sheaf sheaf) {
    lock.lock();
    try {
      adopt(slab);
      list(slab);
      takeInto(slab, sheaf);
    } finally {
      lock.unlock();
    }
  }

  /** Adds a new slab for later. */
  void add(long slab) {
    lock.lock();
    try {
      adopt(slab);
      putEmpty(slab);
    } finally {
      lock.unlock();
    }
  }

  private long takeFrom(long slab) {
    long word = Memory.getLong(slab + Slab.HEAD);
    int index = Slab.FREE.get(word);
    if (index != Slab.NONE) {
      word = Slab.FREE.set(word, next(slab, index));
    } else {
      index = Slab.CARVED.get(word);
      word = Slab.CARVED.set(word, index + 1);
    }
    taken(slab, word, 1);
    return geometry.addressOf(slab, index);
  }

  /**
   * Moves objects of one listed slab into a sheaf until one of them is exhausted. A sheaf pops from
   * its end, so the first object goes there last.
   */
  private void takeInto(long slab, Sheaf sheaf) {
    long word = Memory.getLong(slab + Slab.HEAD);
    int room = sheaf.capacity() - sheaf.count();
    int available = Math.min(room, Slab.OBJECTS.get(word) - Slab.INUSE.get(word));
    int base = sheaf.count();
    for (int i = available - 1; i >= 0; i--) {
      int index = Slab.FREE.get(word);
      if (index != Slab.NONE) {
        word = Slab.FREE.set(word, next(slab, index));
      } else {
        index = Slab.CARVED.get(word);
        word = Slab.CARVED.set(word, index + 1);
      }
      sheaf.set(base + i, geometry.addressOf(slab, index));
    }
    sheaf.setCount(base + available);
    taken(slab, word, available);
  }

  /** Stores a listed slab's word after objects were taken, and books them. */
  private void taken(long slab, long word, int count) {
    int inuse = Slab.INUSE.get(word) + count;
    Memory.putLong(slab + Slab.HEAD, Slab.INUSE.set(word, inuse));
    book(count);
    if (inuse == Slab.OBJECTS.get(word)) {
      unlist(slab);
    }
  }

  private void book(int count) {
    long inuse = struct + KmemCache.INUSE;
    Memory.putLong(inuse, Memory.getLong(inuse) + count);
    free -= count;
  }

  // ------------------------------------------------------------------ giving objects back

  /**
   * Takes one object back.
   *
   * @return a chain of empty slabs to release, or 0
   */
  long put(long slab, long object) {
    lock.lock();
    try {
      int index = geometry.indexOf(slab, object);
      writeLink(slab, index, Slab.FREE.get(Memory.getLong(slab + Slab.HEAD)));
      splice(slab, index, 1);
      return surplus(keepEmpty, 2 * keepEmpty);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes back all objects of a private, sorted sheaf.
   *
   * @return a chain of empty slabs to release, or 0
   */
  long putAll(Sheaf sheaf) {
    linkRuns(sheaf);
    lock.lock();
    try {
      for (int last = sheaf.count() - 1; last >= 0; ) {
        int first = firstOfSlab(sheaf, last);
        long slab = cache.slabOf(sheaf.get(last));
        // Of the run only its end is left to link: to what is the head now.
        int end = geometry.indexOf(slab, sheaf.get(last));
        writeLink(slab, end, Slab.FREE.get(Memory.getLong(slab + Slab.HEAD)));
        splice(slab, geometry.indexOf(slab, sheaf.get(first)), last - first + 1);
        last = first - 1;
      }
      sheaf.setCount(0);
      return surplus(keepEmpty, 2 * keepEmpty);
    } finally {
      lock.unlock();
    }
  }

  /** Links the objects of each slab to a chain, outside the lock: they are nobody else's. */
  private void linkRuns(Sheaf sheaf) {
    for (int i = 0; i + 1 < sheaf.count(); i++) {
      long slab = cache.slabOf(sheaf.get(i));
      if (sheaf.get(i + 1) < slab + ((long) Os.PAGE_BYTES << Slab.order(slab))) {
        int next = geometry.indexOf(slab, sheaf.get(i + 1));
        writeLink(slab, geometry.indexOf(slab, sheaf.get(i)), next);
      }
    }
  }

  /**
   * Index in the sheaf of the first object that lies in the same slab as the one at {@code last}.
   */
  private int firstOfSlab(Sheaf sheaf, int last) {
    long slab = cache.slabOf(sheaf.get(last));
    int first = last;
    while (first > 0 && sheaf.get(first - 1) > slab) {
      first--;
    }
    return first;
  }

  /** Makes a chain, whose end links to the old head already, the head of a slab's list. */
  private void splice(long slab, int index, int count) {
    long word = Slab.FREE.set(Memory.getLong(slab + Slab.HEAD), index);
    int inuse = Slab.INUSE.get(word) - count;
    assert inuse >= 0 : "inuse=" + inuse;
    Memory.putLong(slab + Slab.HEAD, Slab.INUSE.set(word, inuse));
    book(-count);
    if (Slab.FROZEN.get(word) != 0) {
      free -= count; // counted as given back, but never to be had again
    } else if (inuse == 0) {
      if (Slab.LISTED.get(word) != 0) {
        unlist(slab);
      }
      putEmpty(slab);
    } else if (Slab.LISTED.get(word) == 0) {
      list(slab);
    }
  }

  // ------------------------------------------------------------------ links inside free objects

  /** The object after a free one, checked: a program may have overwritten the link. */
  private int next(long slab, int index) {
    int link = readLink(slab, index);
    if (link != Slab.NONE && link >= Slab.CARVED.get(Memory.getLong(slab + Slab.HEAD))) {
      throw freeze(slab, index, link);
    }
    return link;
  }

  private CorruptionException freeze(long slab, int index, int link) {
    unlist(slab); // objects are taken from listed slabs only
    long word = Memory.getLong(slab + Slab.HEAD);
    free -= Slab.OBJECTS.get(word) - Slab.INUSE.get(word);
    Memory.putLong(slab + Slab.HEAD, Slab.FROZEN.set(word, 1));
    return new CorruptionException(
        "cache \""
            + cache.name()
            + "\", slab "
            + Slabs.hex(slab)
            + ", free object "
            + index
            + " at "
            + Slabs.hex(geometry.addressOf(slab, index))
            + " was written to: its link is "
            + link
            + "; the slab is frozen");
  }

  /** Links are stored with a code, so that a stray small number is no valid link. */
  private int readLink(long slab, int index) {
    int stored =
        geometry.hasState()
            ? KmemCache.LINK.get(Memory.getLong(geometry.stateWord(slab, index)))
            : Memory.getShort(geometry.addressOf(slab, index)) & 0xffff;
    return stored ^ linkCode;
  }

  private void writeLink(long slab, int index, int link) {
    int stored = link ^ linkCode;
    if (geometry.hasState()) {
      long word = geometry.stateWord(slab, index);
      Memory.putLong(word, KmemCache.LINK.set(Memory.getLong(word), stored));
    } else {
      Memory.putShort(geometry.addressOf(slab, index), (short) stored);
    }
  }

  // ------------------------------------------------------------------ the lists

  /** Books a new slab; the caller puts it on a list. */
  private void adopt(long slab) {
    slabs++;
    free += Slab.objects(slab);
    bookPages(1L << Slab.order(slab));
  }

  private void bookPages(long count) {
    long pages = struct + KmemCache.PAGES;
    Memory.putLong(pages, Memory.getLong(pages) + count);
  }

  /** Whether the partial list has a slab; if it has none, an empty one is moved there. */
  private boolean hasListed() {
    if (head == 0 && empty != 0) {
      long slab = empty;
      empty = Memory.getLong(slab + Slab.NEXT);
      emptySlabs--;
      list(slab);
    }
    return head != 0;
  }

  private void putEmpty(long slab) {
    Memory.putLong(slab + Slab.NEXT, empty);
    empty = slab;
    emptySlabs++;
  }

  /** Adds a slab at the end: it gathers free objects until its turn comes. */
  private void list(long slab) {
    Memory.putLong(slab + Slab.HEAD, Slab.LISTED.set(Memory.getLong(slab + Slab.HEAD), 1));
    Memory.putLong(slab + Slab.NEXT, 0);
    Memory.putLong(slab + Slab.PREV, tail);
    if (tail == 0) {
      head = slab;
    } else {
      Memory.putLong(tail + Slab.NEXT, slab);
    }
    tail = slab;
  }

  private void unlist(long slab) {
    Memory.putLong(slab + Slab.HEAD, Slab.LISTED.set(Memory.getLong(slab + Slab.HEAD), 0));
    long next = Memory.getLong(slab + Slab.NEXT);
    long prev = Memory.getLong(slab + Slab.PREV);
    if (next == 0) {
      tail = prev;
    } else {
      Memory.putLong(next + Slab.PREV, prev);
    }
    if (prev == 0) {
      head = next;
    } else {
      Memory.putLong(prev + Slab.NEXT, next);
    }
  }

  /** Takes empty slabs off the books if there are too many, down to {@code keep}. */
  private long surplus(int keep, int tolerated) {
    if (emptySlabs <= tolerated) {
      return 0;
    }
    long chain = 0;
    while (emptySlabs > keep && free - Slab.objects(empty) >= keepFree) {
      long slab = empty;
      empty = Memory.getLong(slab + Slab.NEXT);
      emptySlabs--;
      slabs--;
      free -= Slab.objects(slab);
      bookPages(-(1L << Slab.order(slab)));
      Memory.putLong(slab + Slab.NEXT, chain);
      chain = slab;
    }
    return chain;
  }

  /** Takes all empty slabs off the books, but for those that prewarm asked for. */
  long takeEmpties() {
    lock.lock();
    try {
      return surplus(0, 0);
    } finally {
      lock.unlock();
    }
  }

  // ------------------------------------------------------------------ numbers

  /** From now on keeps this many objects free; says whether that many are. */
  boolean keepFree(long count) {
    lock.lock();
    try {
      if (free < count) {
        return false;
      }
      keepFree = Math.max(keepFree, count);
      return true;
    } finally {
      lock.unlock();
    }
  }

  void keepNone() {
    lock.lock();
    try {
      keepFree = 0;
    } finally {
      lock.unlock();
    }
  }

  boolean hasEmpties() {
    return emptySlabs > 0;
  }

  /** Whether an object is on its slab's freelist or was never handed out. */
  boolean isFree(long slab, int index) {
    lock.lock();
    try {
      long word = Memory.getLong(slab + Slab.HEAD);
      boolean found = index >= Slab.CARVED.get(word);
      for (int at = Slab.FREE.get(word); at != Slab.NONE && !found; at = next(slab, at)) {
        found = at == index;
      }
      return found;
    } finally {
      lock.unlock();
    }
  }

  /** The numbers of the cache, of whose objects {@code cached} are in sheaves. */
  CacheStats stats(long cached) {
    lock.lock();
    try {
      return new CacheStats(
          cache.name(),
          cache.objectBytes(),
          geometry.stride(),
          geometry.objects(),
          geometry.order(),
          Math.max(0, Memory.getLong(struct + KmemCache.INUSE) - cached),
          cached,
          free,
          slabs,
          Memory.getLong(struct + KmemCache.PAGES));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Walks both lists and checks every invariant that can be seen from here.
   *
   * @return what is wrong, or null
   */
  String validate() {
    lock.lock();
    try {
      long seenFree = 0;
      long previous = 0;
      for (long slab = head; slab != 0; slab = Memory.getLong(slab + Slab.NEXT)) {
        long word = Memory.getLong(slab + Slab.HEAD);
        String wrong = validate(slab, word);
        if (wrong != null) {
          return wrong;
        }
        if (Slab.LISTED.get(word) != 1 || Memory.getLong(slab + Slab.PREV) != previous) {
          return Slabs.hex(slab) + ": its links do not fit the partial list";
        }
        if (Slab.INUSE.get(word) == Slab.OBJECTS.get(word)) {
          return Slabs.hex(slab) + ": full, yet on the partial list";
        }
        seenFree += Slab.OBJECTS.get(word) - Slab.INUSE.get(word);
        previous = slab;
      }
      if (tail != previous) {
        return "the partial list's tail is " + Slabs.hex(tail) + ", its end " + Slabs.hex(previous);
      }
      int seenEmpty = 0;
      for (long slab = empty; slab != 0; slab = Memory.getLong(slab + Slab.NEXT)) {
        long word = Memory.getLong(slab + Slab.HEAD);
        String wrong = validate(slab, word);
        if (wrong != null) {
          return wrong;
        }
        if (Slab.LISTED.get(word) != 0 || Slab.INUSE.get(word) != 0) {
          return Slabs.hex(slab) + ": on the list of empty slabs, but not empty";
        }
        seenFree += Slab.OBJECTS.get(word);
        seenEmpty++;
      }
      if (seenEmpty != emptySlabs || seenFree != free) {
        return "counted "
            + seenEmpty
            + " empty slabs and "
            + seenFree
            + " free objects, booked "
            + emptySlabs
            + " and "
            + free;
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Checks one slab's own equation: inuse + freelist + never carved = objects. */
  private String validate(long slab, long word) {
    if (Slab.cache(slab) != struct) {
      return Slabs.hex(slab) + ": its header names another cache";
    }
    java.util.BitSet seen = new java.util.BitSet();
    for (int at = Slab.FREE.get(word); at != Slab.NONE; at = readLink(slab, at)) {
      if (at >= Slab.CARVED.get(word) || seen.get(at)) {
        return Slabs.hex(slab) + ": its freelist leads to " + at + " twice or out of the slab";
      }
      seen.set(at);
    }
    int sum =
        Slab.INUSE.get(word) + seen.cardinality() + Slab.OBJECTS.get(word) - Slab.CARVED.get(word);
    return sum == Slab.OBJECTS.get(word)
        ? null
        : Slabs.hex(slab) + ": inuse + free = " + sum + ", objects = " + Slab.OBJECTS.get(word);
  }
}
