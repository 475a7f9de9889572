package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
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
  private final CacheSlabs store;
  private final long struct;
  private final SlabGeometry geometry;
  private final Guard guard;
  private final boolean wipesLinks;
  private final int linkCode;
  private int keepEmpty;

  private long head;
  private long tail;
  private long empty; // linked by NEXT alone
  private int emptySlabs;
  private long slabs;
  private long free;
  private long keepFree; // objects that prewarm asked for: their slabs stay
  private boolean ended; // the cache keeps nothing any more

  /**
   * @param cache for reports
   * @param store the slabs' own side: where pages and inuse are kept, and whether a slab is sound
   * @param keepEmpty empty slabs that are kept for the next demand
   */
  PartialList(KmemCache cache, CacheSlabs store, int keepEmpty) {
    this.cache = cache;
    this.store = store;
    this.struct = store.address();
    this.geometry = store.geometry();
    this.guard = store.guard();
    this.wipesLinks = store.zeroesFreed();
    this.linkCode = (int) (store.cookie() >>> 16);
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
      index = carve(slab, word);
      word = Slab.CARVED.set(word, index + 1);
    }
    leave(slab, index, true);
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
        index = carve(slab, word);
        word = Slab.CARVED.set(word, index + 1);
      }
      leave(slab, index, false);
      sheaf.set(base + i, geometry.addressOf(slab, index));
    }
    sheaf.setCount(base + available);
    taken(slab, word, available);
  }

  /**
   * The first object that was never handed out: there is one, unless the freelist was cut short.
   */
  private int carve(long slab, long word) {
    int index = Slab.CARVED.get(word);
    if (index >= Slab.OBJECTS.get(word)) {
      throw freeze(slab, "its freelist ends too early: a free object was written to");
    }
    return index;
  }

  /** Sees a free object of a listed slab off. */
  private void leave(long slab, int index, boolean forUse) {
    if (guard == null) {
      return;
    }
    long object = geometry.addressOf(slab, index);
    if (!guard.leave(object, forUse)) {
      throw freeze(
          slab, "its freelist leads to an object not marked as free: " + guard.say(object));
    }
    if (wipesLinks) {
      Memory.putShort(object, (short) 0);
    }
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
   * Marks an object as lying in its slab, before it is put there. Of two who bring the same one
   * succeeds.
   *
   * @param fromUse whether it was in use, not in a sheaf
   * @return what is wrong with it, or null
   */
  RuntimeException comeBack(long object, boolean fromUse) {
    if (guard == null) {
      return null;
    }
    lock.lock();
    try {
      return enter(object, fromUse);
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #comeBack(long, boolean)}, for a private sheaf, which what is wrong is dropped from.
   */
  RuntimeException comeBack(Sheaf sheaf) {
    RuntimeException damage = null;
    int good = 0;
    lock.lock();
    try {
      for (int i = 0; i < sheaf.count(); i++) {
        long object = sheaf.get(i);
        RuntimeException wrong = enter(object, false);
        if (wrong == null) {
          sheaf.set(good++, object);
        } else {
          damage = wrong;
        }
      }
    } finally {
      lock.unlock();
    }
    sheaf.setCount(good);
    return damage;
  }

  private RuntimeException enter(long object, boolean fromUse) {
    if (guard.enter(object, fromUse)) {
      return null;
    }
    return guard.isMarked(object) ? store.freedTwice(object) : overwritten(object);
  }

  private CorruptionException overwritten(long object) {
    long slab = store.slabOf(object);
    setAside(slab);
    return corrupt(slab, "the mark of an object was overwritten: " + guard.say(object));
  }

  /** Freezes the slab of an object whose mark is none, and reports it. */
  CorruptionException freezeUnmarked(long object) {
    lock.lock();
    try {
      return overwritten(object);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes one object back.
   *
   * @return a chain of empty slabs to release, or 0
   * @throws CorruptionException if its slab has none in use; surplus slabs wait for the next time
   */
  long put(long slab, long object) {
    lock.lock();
    try {
      CorruptionException damage = spliceOne(slab, object);
      if (damage != null) {
        throw damage;
      }
      return surplus(keepEmpty, 2 * keepEmpty);
    } finally {
      lock.unlock();
    }
  }

  /** Takes back an object of a frozen slab: that makes no slab empty. */
  void putBack(long slab, long object) {
    lock.lock();
    try {
      spliceOne(slab, object);
    } finally {
      lock.unlock();
    }
  }

  private CorruptionException spliceOne(long slab, long object) {
    int index = geometry.indexOf(slab, object);
    writeLink(slab, index, Slab.FREE.get(Memory.getLong(slab + Slab.HEAD)));
    return splice(slab, index, 1);
  }

  /**
   * Takes back all objects of a private, sorted sheaf.
   *
   * @return a chain of empty slabs to release, or 0
   * @throws CorruptionException if a slab had fewer in use; all are taken back nevertheless
   */
  long putAll(Sheaf sheaf) {
    linkRuns(sheaf);
    CorruptionException damage = null;
    lock.lock();
    try {
      for (int last = sheaf.count() - 1; last >= 0; ) {
        long slab = store.slabOf(sheaf.get(last));
        int first = firstOfSlab(sheaf, last, slab);
        // Of the run only its end is left to link: to what is the head now.
        int end = geometry.indexOf(slab, sheaf.get(last));
        writeLink(slab, end, Slab.FREE.get(Memory.getLong(slab + Slab.HEAD)));
        int head = geometry.indexOf(slab, sheaf.get(first));
        CorruptionException found = splice(slab, head, last - first + 1);
        damage = found != null ? found : damage;
        last = first - 1;
      }
      sheaf.setCount(0);
      if (damage != null) {
        throw damage;
      }
      return surplus(keepEmpty, 2 * keepEmpty);
    } finally {
      lock.unlock();
    }
  }

  /** Links the objects of each slab to a chain, outside the lock: they are nobody else's. */
  private void linkRuns(Sheaf sheaf) {
    long slab = 0;
    long end = 0;
    int previous = 0;
    for (int i = 0; i < sheaf.count(); i++) {
      long object = sheaf.get(i);
      boolean nextSlab = object >= end;
      if (nextSlab) {
        slab = store.slabOf(object);
        end = slab + ((long) Os.PAGE_BYTES << Slab.order(slab));
      }
      int index = geometry.indexOf(slab, object);
      if (!nextSlab) {
        writeLink(slab, previous, index);
      }
      previous = index;
    }
  }

  /**
   * Index in the sheaf of the first object that lies in the same slab as the one at {@code last}.
   */
  private static int firstOfSlab(Sheaf sheaf, int last, long slab) {
    int first = last;
    while (first > 0 && sheaf.get(first - 1) > slab) {
      first--;
    }
    return first;
  }

  /**
   * Makes a chain, whose end links to the old head already, the head of a slab's list.
   *
   * @return a report if the slab had fewer objects in use: then it is frozen, and its list, which
   *     may run in a ring now, is not followed any more
   */
  private CorruptionException splice(long slab, int index, int count) {
    int before = Slab.INUSE.get(Memory.getLong(slab + Slab.HEAD));
    if (before < count) {
      setAside(slab);
      spliceSound(slab, index, before);
      return corrupt(slab, "of an object that was freed twice the second copy came back");
    }
    spliceSound(slab, index, count);
    return null;
  }

  private void spliceSound(long slab, int index, int count) {
    long word = Slab.FREE.set(Memory.getLong(slab + Slab.HEAD), index);
    int inuse = Slab.INUSE.get(word) - count;
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
      throw freeze(slab, linkOf(slab, index) + link);
    }
    return link;
  }

  /** Freezes a slab in which something was found that should not be there. */
  void freezeDamaged(long slab) {
    lock.lock();
    try {
      setAside(slab);
    } finally {
      lock.unlock();
    }
  }

  private void setAside(long slab) {
    long word = Memory.getLong(slab + Slab.HEAD);
    if (Slab.FROZEN.get(word) != 0) {
      return;
    }
    boolean listed = Slab.LISTED.get(word) != 0;
    if (listed) {
      unlist(slab);
    }
    if (listed || unlistEmpty(slab)) {
      free -= Slab.OBJECTS.get(word) - Slab.INUSE.get(word);
    }
    Memory.putLong(slab + Slab.HEAD, Slab.FROZEN.set(Memory.getLong(slab + Slab.HEAD), 1));
  }

  /** Takes a slab off the list of empty ones, if it is there. */
  private boolean unlistEmpty(long slab) {
    long previous = 0;
    for (long at = empty; at != 0; at = soundNext(at)) {
      if (at == slab) {
        long next = Memory.getLong(slab + Slab.NEXT);
        if (previous == 0) {
          empty = next;
        } else {
          Memory.putLong(previous + Slab.NEXT, next);
        }
        emptySlabs--;
        return true;
      }
      previous = at;
    }
    return false;
  }

  /**
   * Walks the freelist of a slab whose header is sound, and compares its count.
   *
   * @param repair whether to freeze the slab if something is wrong, to cut its list where it leads
   *     astray, and to count anew
   * @return a report on each thing that is wrong, and on each that was put right
   */
  List<String> inspectFreelist(long slab, boolean repair) {
    lock.lock();
    try {
      int last = lastOnFreelist(slab);
      long word = Memory.getLong(slab + Slab.HEAD);
      int next = last == Slab.NONE ? Slab.FREE.get(word) : readLink(slab, last);
      int free = Slab.OBJECTS.get(word) - Slab.CARVED.get(word) + lengthTo(slab, last);
      boolean whole = next == Slab.NONE;
      if (whole && Slab.INUSE.get(word) + free == Slab.OBJECTS.get(word)) {
        return List.of();
      }
      List<String> reports = new ArrayList<>();
      if (!whole) {
        reports.add(
            last == Slab.NONE
                ? "its freelist begins at " + next + ", where no free object is"
                : linkOf(slab, last) + next + ", where no other free object is");
      }
      if (repair) {
        setAside(slab);
        cut(slab, last);
      }
      recount(slab, free, repair, reports);
      return reports;
    } finally {
      lock.unlock();
    }
  }

  private String linkOf(long slab, int index) {
    return "free object %d at %s was written to: its link is "
        .formatted(index, Slabs.hex(geometry.addressOf(slab, index)));
  }

  /** The object at which a freelist ends, or goes astray, or begins anew; NONE if it has none. */
  private int lastOnFreelist(long slab) {
    long word = Memory.getLong(slab + Slab.HEAD);
    int carved = Math.min(Slab.CARVED.get(word), geometry.objects()); // whatever the header says
    int last = Slab.NONE;
    int at = Slab.FREE.get(word);
    for (int steps = 0; at < carved && steps < carved; steps++) {
      last = at;
      at = readLink(slab, at);
    }
    return last;
  }

  /** Objects on a freelist up to the first time that it comes to one. */
  private int lengthTo(long slab, int last) {
    if (last == Slab.NONE) {
      return 0;
    }
    int length = 1;
    for (int at = Slab.FREE.get(Memory.getLong(slab + Slab.HEAD)); at != last; length++) {
      at = readLink(slab, at);
    }
    return length;
  }

  private void cut(long slab, int last) {
    if (last == Slab.NONE) {
      Memory.putLong(slab + Slab.HEAD, Slab.FREE.set(Memory.getLong(slab + Slab.HEAD), Slab.NONE));
    } else {
      writeLink(slab, last, Slab.NONE);
    }
  }

  /** Compares the count of a slab with its free objects. */
  private void recount(long slab, int free, boolean repair, List<String> reports) {
    long word = Memory.getLong(slab + Slab.HEAD);
    int objects = Slab.OBJECTS.get(word);
    int counted = Slab.INUSE.get(word);
    int inuse = objects - free;
    if (counted == inuse) {
      return;
    }
    reports.add("it counts %d of %d objects in use, and %d free".formatted(counted, objects, free));
    if (repair) {
      Memory.putLong(slab + Slab.HEAD, Slab.INUSE.set(word, inuse));
      long sum = struct + KmemCache.INUSE;
      Memory.putLong(sum, Memory.getLong(sum) + inuse - counted);
      reports.add("it counts %d in use from now on; the slab is frozen".formatted(inuse));
    }
  }

  private CorruptionException freeze(long slab, String why) {
    setAside(slab);
    return corrupt(slab, why);
  }

  private CorruptionException corrupt(long slab, String why) {
    String where = "cache \"" + cache.name() + "\", slab " + Slabs.hex(slab);
    return new CorruptionException(where + ", " + why + "; the slab is frozen");
  }

  /** Freezes a slab whose header was overwritten, wherever it is. */
  void freezeOverwritten(long slab) {
    lock.lock();
    try {
      abandon(slab);
    } finally {
      lock.unlock();
    }
  }

  /** Freezes a slab whose header was overwritten, and its links with it, and reports it. */
  private CorruptionException abandon(long damaged) {
    String damage = store.headerDamage(damaged);
    joinPartialAround(damaged);
    cutEmptyBefore(damaged);
    store.freezeOverwritten(damaged);
    free = 0;
    for (long slab = head; slab != 0; slab = soundNext(slab)) {
      free += Slab.objects(slab) - Slab.inuse(slab);
    }
    for (long slab = empty; slab != 0; slab = soundNext(slab)) {
      free += Slab.objects(slab);
    }
    return corrupt(damaged, damage);
  }

  /**
   * Takes a slab that has no links any more off the partial list, if it is there: what lies before
   * it is found from the list's head, and what lies behind it from its tail, as far as headers
   * there are sound. Where another one is not, that is left out too.
   */
  private void joinPartialAround(long damaged) {
    long before = 0;
    long gap = head;
    while (gap != 0 && gap != damaged && store.isSound(gap)) {
      before = gap;
      gap = Memory.getLong(gap + Slab.NEXT);
    }
    if (gap == 0) {
      return; // it is not listed
    }
    long behind = 0;
    for (long at = tail; at != damaged && store.isSound(at); ) {
      behind = at;
      at = Memory.getLong(at + Slab.PREV);
    }
    if (before == 0) {
      head = behind;
    } else {
      Memory.putLong(before + Slab.NEXT, behind);
    }
    if (behind == 0) {
      tail = before;
    } else {
      Memory.putLong(behind + Slab.PREV, before);
    }
  }

  /** Ends the list of empty slabs before one that has no link any more, if it is there. */
  private void cutEmptyBefore(long damaged) {
    long before = 0;
    int kept = 0;
    long at = empty;
    for (; at != 0 && at != damaged; at = soundNext(at)) {
      before = at;
      kept++;
    }
    if (at == 0) {
      return;
    }
    if (before == 0) {
      empty = 0;
    } else {
      Memory.putLong(before + Slab.NEXT, 0);
    }
    emptySlabs = kept;
  }

  private long soundNext(long slab) {
    return store.isSound(slab) ? Memory.getLong(slab + Slab.NEXT) : 0;
  }

  /**
   * The code that a link is stored with: a stray small number is no valid link then, nor is a link
   * that was copied from elsewhere.
   */
  int linkCode(long slab, int index) {
    int place = (int) (slab >>> Os.PAGE_SHIFT) * 31 + index;
    return (linkCode ^ place * 0x9e3779b1 >>> 16) & 0xffff;
  }

  private int readLink(long slab, int index) {
    int stored =
        geometry.hasState()
            ? SlabDebug.LINK.get(Memory.getLong(geometry.stateWord(slab, index)))
            : Memory.getShort(geometry.addressOf(slab, index)) & 0xffff;
    return stored ^ linkCode(slab, index);
  }

  private void writeLink(long slab, int index, int link) {
    int stored = link ^ linkCode(slab, index);
    if (geometry.hasState()) {
      long word = geometry.stateWord(slab, index);
      Memory.putLong(word, SlabDebug.LINK.set(Memory.getLong(word), stored));
    } else {
      Memory.putShort(geometry.addressOf(slab, index), (short) stored);
    }
  }

  /** Links all objects of a new slab that nobody else knows, in random order. */
  void shuffle(long slab) {
    int objects = Slab.objects(slab);
    char[] order = new char[objects];
    var random = ThreadLocalRandom.current();
    for (int i = 0; i < objects; i++) {
      int at = random.nextInt(i + 1);
      order[i] = order[at];
      order[at] = (char) i;
    }
    int next = Slab.NONE;
    for (char index : order) {
      writeLink(slab, index, next);
      next = index;
    }
    long word = Slab.FREE.set(Memory.getLong(slab + Slab.HEAD), next);
    Memory.putLong(slab + Slab.HEAD, Slab.CARVED.set(word, objects));
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

  /**
   * Whether the partial list has a slab; if it has none, an empty one is moved there. A slab's
   * links are followed only if its header is sound.
   */
  private boolean hasListed() {
    if (head != 0 && !store.isSound(head)) {
      throw abandon(head);
    }
    if (head == 0 && empty != 0) {
      if (!store.isSound(empty)) {
        throw abandon(empty);
      }
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
    while (emptySlabs > keep
        && store.isSound(empty) // else it is reported when it is to be used
        && free - Slab.objects(empty) >= keepFree) {
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
      keepFree = ended ? 0 : Math.max(keepFree, count);
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

  /** From now on every slab that becomes empty is surplus, whatever a prewarm asks for. */
  void keepNoEmpties() {
    lock.lock();
    try {
      ended = true;
      keepFree = 0;
      keepEmpty = 0;
    } finally {
      lock.unlock();
    }
  }

  /** Slabs on the books; a recent number. */
  long slabs() {
    return slabs;
  }

  /** Free objects in slabs; a recent number. */
  long freeObjects() {
    return free;
  }

  /** Objects allocated, those in sheaves included; a recent number. */
  long inuseObjects() {
    return inuse();
  }

  /** Pages of all slabs; a recent number. */
  long pages() {
    return Memory.getLong(struct + KmemCache.PAGES);
  }

  /** Whether there are empty slabs that no prewarm asked for; a recent answer. */
  boolean hasEmpties() {
    return emptySlabs > 0 && free - geometry.objects() >= keepFree;
  }

  /** Whether an object is on its slab's freelist or was never handed out. */
  boolean isFree(long slab, int index) {
    lock.lock();
    try {
      long word = Memory.getLong(slab + Slab.HEAD);
      int carved = Slab.CARVED.get(word);
      boolean found = index >= carved;
      // A program may have overwritten a link: who only looks stops there, and does not go round.
      int at = Slab.FREE.get(word);
      for (int steps = 0; at < carved && steps < carved && !found; steps++) {
        found = at == index;
        at = readLink(slab, at);
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
   * Walks all slabs and both lists, and compares the books, at rest.
   *
   * @param all every slab of the cache, as the page map says
   * @return the free objects of each slab, by number
   * @throws AssertionError if something is wrong: it says what
   */
  Map<Long, BitSet> validate(Set<Long> all) {
    lock.lock();
    try {
      Map<Long, BitSet> freeObjects = new HashMap<>();
      long inuseSum = 0;
      long frozenSum = 0; // an upper bound, where a header was overwritten
      long freeSum = 0;
      for (long slab : all) {
        BitSet indices = freeIndices(slab);
        freeObjects.put(slab, indices);
        inuseSum += Slab.inuse(slab);
        frozenSum += Slab.isFrozen(slab) ? Slab.inuse(slab) : 0;
        freeSum += Slab.isFrozen(slab) ? 0 : indices.cardinality();
      }
      Set<Long> listed = new HashSet<>(all);
      walkPartial(listed);
      walkEmpty(listed);
      for (long slab : listed) {
        SlabValidator.check(
            Slab.isFrozen(slab) || Slab.inuse(slab) == Slab.objects(slab),
            "%s: slab 0x%x has free objects, and is on no list",
            cache,
            slab);
      }
      SlabValidator.check(
          all.size() == slabs
              && freeSum == free
              && inuse() <= inuseSum
              && inuse() >= inuseSum - frozenSum,
          "%s: counted %d slabs, %d free objects, %d in use; booked %d, %d and %d",
          cache,
          all.size(),
          freeSum,
          inuseSum,
          slabs,
          free,
          inuse());
      return freeObjects;
    } finally {
      lock.unlock();
    }
  }

  private long inuse() {
    return Memory.getLong(struct + KmemCache.INUSE);
  }

  /** Walks the partial list and strikes out its slabs. */
  private void walkPartial(Set<Long> unseen) {
    long previous = 0;
    for (long slab = head; slab != 0; slab = Memory.getLong(slab + Slab.NEXT)) {
      SlabValidator.check(unseen.remove(slab), "%s: 0x%x is listed twice, or no slab", cache, slab);
      long word = Memory.getLong(slab + Slab.HEAD);
      SlabValidator.check(
          Slab.LISTED.get(word) == 1
              && Slab.FROZEN.get(word) == 0
              && Slab.INUSE.get(word) < Slab.OBJECTS.get(word)
              && Memory.getLong(slab + Slab.PREV) == previous,
          "%s: slab 0x%x does not fit the partial list",
          cache,
          slab);
      previous = slab;
    }
    SlabValidator.check(
        tail == previous, "%s: the partial list's tail is 0x%x, not 0x%x", cache, tail, previous);
  }

  /** Walks the list of empty slabs and strikes them out. */
  private void walkEmpty(Set<Long> unseen) {
    int seen = 0;
    for (long slab = empty; slab != 0; slab = Memory.getLong(slab + Slab.NEXT)) {
      SlabValidator.check(unseen.remove(slab), "%s: 0x%x is listed twice, or no slab", cache, slab);
      long word = Memory.getLong(slab + Slab.HEAD);
      SlabValidator.check(
          Slab.LISTED.get(word) == 0 && Slab.FROZEN.get(word) == 0 && Slab.INUSE.get(word) == 0,
          "%s: slab 0x%x is on the list of empty ones, and is not empty",
          cache,
          slab);
      seen++;
    }
    SlabValidator.check(
        seen == emptySlabs, "%s: counted %d empty slabs, booked %d", cache, seen, emptySlabs);
  }

  /** The free objects of a slab, whose own equation is checked: inuse + free = objects. */
  private BitSet freeIndices(long slab) {
    long word = Memory.getLong(slab + Slab.HEAD);
    BitSet found = new BitSet();
    if (Slab.FROZEN.get(word) != 0) {
      return found; // its list leads nowhere
    }
    found.set(Slab.CARVED.get(word), Slab.OBJECTS.get(word));
    for (int at = Slab.FREE.get(word); at != Slab.NONE; at = readLink(slab, at)) {
      SlabValidator.check(
          at < Slab.CARVED.get(word) && !found.get(at),
          "%s: the freelist of slab 0x%x leads to %d twice, or out of the slab",
          cache,
          slab,
          at);
      found.set(at);
    }
    SlabValidator.check(
        Slab.INUSE.get(word) + found.cardinality() == Slab.OBJECTS.get(word),
        "%s: slab 0x%x has inuse=%d, free=%d, objects=%d",
        cache,
        slab,
        Slab.INUSE.get(word),
        found.cardinality(),
        Slab.OBJECTS.get(word));
    return found;
  }
}
