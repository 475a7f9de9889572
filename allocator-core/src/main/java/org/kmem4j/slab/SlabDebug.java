package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.LongStream;
import org.agrona.collections.Long2LongHashMap;
import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;

/**
 * The objects of a cache that debugs: the way between its program and its slabs, on which each is
 * looked at. What is kept for an object lies in the side words of its slab; how it lies among the
 * bytes that are watched:
 *
 * <pre>
 *   zone before   object                          zone behind          zone before   object …
 *   8 bytes       what was asked for, then zone   8 bytes or more      8 bytes
 *
 *   in use        cc             the program's           cc
 *   free          bb   5a … 5a, once freed 6b … 6b a5    bb
 * </pre>
 *
 * <p>One lock, under which an object changes hands together with everything that is written about
 * it: so whoever holds the lock finds every byte of every object as it should be. The list's lock
 * is taken inside it.
 *
 * <p>What is found is reported once: the slab is frozen, and the bytes are put right again.
 */
final class SlabDebug {
  /** The word of an object, beside its slab's header. */
  private static final Struct STATE_WORD =
      Struct.named("object_state", "One word per object of a cache with constructor or debugging.");

  private static final long OBJECT_STATE = STATE_WORD.word("state", "all of it");
  static final Bits LINK = STATE_WORD.bits("link", 16, "next free object while free");
  private static final Bits TAKEN = STATE_WORD.bits("taken", 1, "in use by the program");
  private static final Bits USED = STATE_WORD.bits("used", 1, "was in use at least once");
  private static final Bits SPARE =
      STATE_WORD.bits("spare", 16, "bytes at its end that nobody asked for");
  private static final Bits GENERATION =
      STATE_WORD.bits("generation", 29, "how often the object was freed");

  static {
    STATE_WORD.end(8);
  }

  static final String STATE_LAYOUT = STATE_WORD.toMarkdown();

  /** Bytes of a red zone, at least; of that before the first object of a slab. */
  private static final int ZONE_BYTES = 8;

  private static final int FIRST_ZONE_BYTES = 64;

  // The kernel's values.
  private static final byte ZONE_IN_USE = (byte) 0xcc;
  private static final byte ZONE_FREE = (byte) 0xbb;
  private static final byte NEVER_USED = 0x5a;
  private static final byte FREED = 0x6b;
  private static final byte FREED_END = (byte) 0xa5;

  private static final long MISSING = -1;
  private static final long COMING = 0;
  private static final long BOOKED = 1;

  private static final int DUMP_ROW = 16;

  private final KmemCache cache;
  private final CacheSlabs store;
  private final PartialList list;
  private final SlabGeometry geometry;
  private final int objectBytes;
  private final boolean consistency;
  private final boolean zones;
  private final boolean poison;
  private final Tracks tracks;

  /** Every slab, and whether it is on the list's books yet. Guarded by this. */
  private final Long2LongHashMap slabs = new Long2LongHashMap(MISSING);

  SlabDebug(KmemCache cache, CacheOptions options, CacheSlabs store) {
    this.cache = cache;
    this.store = store;
    this.list = store.list();
    this.geometry = store.geometry();
    this.objectBytes = options.objectBytes();
    this.consistency = options.debugs(Debug.CONSISTENCY);
    this.zones = options.debugs(Debug.RED_ZONE);
    this.poison = options.debugs(Debug.POISON) && options.constructor() == null;
    this.tracks = options.debugs(Debug.TRACK) ? cache.slabs.tracks() : null;
  }

  /** Bytes that an object takes, its red zones included. */
  static int spaceBytes(CacheOptions options) {
    return options.objectBytes() + (options.debugs(Debug.RED_ZONE) ? 2 * ZONE_BYTES : 0);
  }

  /** Bytes that are kept free before the first object of a slab. */
  static int leadBytes(CacheOptions options) {
    return options.debugs(Debug.RED_ZONE) ? FIRST_ZONE_BYTES : 0;
  }

  // ------------------------------------------------------------------ slabs

  /** Prepares a slab that is on no books yet, before its objects are constructed. */
  synchronized void prepare(long slab) {
    slabs.put(slab, COMING); // may need heap, which what follows must not
    for (int i = 0; i < objects(slab); i++) {
      fill(slab, i, false, NEVER_USED, NEVER_USED);
    }
    if (poison) {
      Memory.fill(paddingOf(slab), paddingBytes(slab), NEVER_USED);
    }
  }

  private long paddingOf(long slab) {
    return geometry.addressOf(slab, objects(slab));
  }

  private long paddingBytes(long slab) {
    return slab + store.bytesOf(slab) - paddingOf(slab);
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

  private List<Long> bookedSlabs() {
    List<Long> booked = new ArrayList<>();
    slabs.forEachLong(
        (slab, state) -> {
          if (state == BOOKED) {
            booked.add(slab);
          }
        });
    return booked;
  }

  // ------------------------------------------------------------------ objects change hands

  /** Who is calling: it is asked for before anything is changed, for it needs stack and heap. */
  long caller() {
    return tracks == null ? 0 : tracks.caller();
  }

  /**
   * Takes one object, or returns 0.
   *
   * @param fresh a new slab to take it from, or 0 for those that are there
   * @throws CorruptionException if its slab is damaged, or it was written to while it was free
   */
  synchronized long take(long fresh, long caller) {
    if (fresh != 0) {
      slabs.put(fresh, BOOKED);
    }
    long object = fresh != 0 ? list.addAndTakeOne(fresh) : list.takeOne();
    if (object == 0) {
      return 0;
    }
    long slab = store.slabOf(object);
    int index = geometry.indexOf(slab, object);
    CorruptionException damage = check(slab, index);
    if (damage != null) {
      list.putBack(slab, object);
      throw damage;
    }
    fill(slab, index, true, FREED, FREED_END);
    if (tracks != null) {
      Tracks.put(geometry.allocTrack(slab, index), caller);
    }
    setState(slab, index, USED.set(TAKEN.set(state(slab, index), 1), 1));
    return object;
  }

  /** Guards what lies behind the bytes that were asked for, of an object that was just taken. */
  synchronized void narrow(long object, int bytes) {
    if (zones) {
      long slab = store.slabOf(object);
      int index = geometry.indexOf(slab, object);
      Memory.fill(object + bytes, objectBytes - bytes, ZONE_IN_USE);
      setState(slab, index, SPARE.set(state(slab, index), objectBytes - bytes));
    }
  }

  /** Bytes of an object that the program may use. */
  synchronized int usableBytes(long object) {
    long slab = store.slabOf(object);
    return askedBytes(state(slab, geometry.indexOf(slab, object)));
  }

  /**
   * Takes an object from the program; {@link #put} follows. Of several who free it one succeeds.
   *
   * @return a report if it or its slab was damaged, or null
   * @throws IllegalArgumentException if it is free already
   */
  synchronized CorruptionException claim(long slab, long object, long caller) {
    int index = geometry.indexOf(slab, object);
    long state = state(slab, index);
    if (TAKEN.get(state) == 0) {
      throw store.freedTwice(object);
    }
    CorruptionException damage = check(slab, index);
    int generation = (GENERATION.get(state) + 1) & GENERATION.mask();
    state = GENERATION.set(SPARE.set(TAKEN.set(state, 0), 0), generation);
    setState(slab, index, state);
    fill(slab, index, false, FREED, FREED_END);
    if (tracks != null) {
      Tracks.put(geometry.freeTrack(slab, index), caller);
    }
    return damage;
  }

  /**
   * Gives an object back to its slab.
   *
   * @return a chain of empty slabs to release, or 0
   */
  synchronized long put(long slab, long object) {
    return list.put(slab, object);
  }

  private long state(long slab, int index) {
    return Memory.getLong(geometry.stateWord(slab, index) + OBJECT_STATE);
  }

  /** Read without the lock by {@link #generation} and {@link #isTaken}. */
  private void setState(long slab, int index, long state) {
    Memory.putLongVolatile(geometry.stateWord(slab, index) + OBJECT_STATE, state);
  }

  // ------------------------------------------------------------------ bytes that are watched

  /** Never more than there is room for, whatever the header says. */
  private int objects(long slab) {
    return Math.min(Slab.objects(slab), geometry.objects());
  }

  private int zoneBefore(int index) {
    return index == 0 ? FIRST_ZONE_BYTES : ZONE_BYTES;
  }

  /** Offset at which the zone behind an object ends; no other object follows the last one's. */
  private int zoneEnd(long slab, int index) {
    return index == objects(slab) - 1 ? geometry.stride() : geometry.stride() - ZONE_BYTES;
  }

  /** Writes everything that is watched in and around an object. */
  private void fill(long slab, int index, boolean taken, byte pattern, byte last) {
    long object = geometry.addressOf(slab, index);
    if (zones) {
      byte zone = taken ? ZONE_IN_USE : ZONE_FREE;
      Memory.fill(object - zoneBefore(index), zoneBefore(index), zone);
      Memory.fill(object + objectBytes, zoneEnd(slab, index) - objectBytes, zone);
    }
    if (poison && !taken) {
      Memory.fill(object, objectBytes - 1, pattern);
      Memory.putByte(object + objectBytes - 1, last);
    }
  }

  /**
   * A run of bytes, one of which is not what it should be.
   *
   * @param last what the last of them should be, other than those before
   */
  private record Fault(String what, long from, long to, byte expected, byte last, long at) {
    boolean isWrong(long address) {
      return Memory.getByte(address) != (address == to - 1 ? last : expected);
    }

    void repair() {
      Memory.fill(from, to - from - 1, expected);
      Memory.putByte(to - 1, last);
    }
  }

  /** Looks at a run of bytes; null if nothing is wrong. */
  private static Fault look(String what, long from, long to, byte expected, byte last) {
    for (long at = from; at < to; at++) {
      if (Memory.getByte(at) != (at == to - 1 ? last : expected)) {
        return new Fault(what, from, to, expected, last, at);
      }
    }
    return null;
  }

  /** Bytes that the program asked for. */
  private int askedBytes(long state) {
    return Math.max(0, objectBytes - SPARE.get(state)); // the word may have been overwritten
  }

  // ------------------------------------------------------------------ finding damage

  /** Looks at an object that changes hands. Freezes its slab and reports, or returns null. */
  private CorruptionException check(long slab, int index) {
    List<String> found = consistency ? inspectSlab(slab, true) : List.of();
    found = inspectObject(slab, index, true, found);
    return found.isEmpty() ? null : new CorruptionException(String.join("\n", found));
  }

  /**
   * Looks at everything in every slab; what is wrong is put right, and its slab frozen.
   *
   * @return a report on each thing that was wrong, and one on each that was put right
   */
  List<String> validate() {
    List<Long> all;
    synchronized (this) {
      all = bookedSlabs();
    }
    List<String> reports = new ArrayList<>();
    for (long slab : all) {
      synchronized (this) {
        if (slabs.get(slab) == BOOKED) {
          reports.addAll(inspect(slab, true));
          if (cache.root().isRetired() && store.isSound(slab)) {
            reports.addAll(leftoversOf(slab));
          }
        }
      }
    }
    return reports;
  }

  /** As {@link #validate()} for one slab, and changes nothing unless told to. */
  synchronized List<String> inspect(long slab, boolean repair) {
    if (!store.isSound(slab)) {
      List<String> damage = List.of(where(slab) + store.headerDamage(slab));
      if (!repair) {
        return damage;
      }
      freezeOverwritten(slab);
      return joined(damage, where(slab) + "its header was written anew; the slab is frozen");
    }
    List<String> reports = inspectSlab(slab, repair);
    for (int i = 0; i < objects(slab); i++) {
      reports = inspectObject(slab, i, repair, reports);
    }
    return reports;
  }

  /** Freezes a slab whose header was overwritten, unless it has gone back meanwhile. */
  synchronized void freezeOverwritten(long slab) {
    if (slabs.get(slab) == BOOKED && !store.isSound(slab)) {
      list.freezeOverwritten(slab);
    }
  }

  // What follows makes no garbage where nothing is wrong.

  private List<String> inspectSlab(long slab, boolean repair) {
    if (Slab.objects(slab) > geometry.objects()) {
      String count = "its header was overwritten: %d objects, at most %d fit";
      return List.of(where(slab) + count.formatted(Slab.objects(slab), geometry.objects()));
    }
    List<String> reports = List.of();
    List<String> astray = list.inspectFreelist(slab, repair);
    if (!astray.isEmpty()) {
      reports = astray.stream().map(found -> where(slab) + found).toList();
    }
    if (poison) {
      long from = paddingOf(slab);
      long to = from + paddingBytes(slab);
      String what = "what lies behind its last object was written";
      Fault fault = look(what, from, to, NEVER_USED, NEVER_USED);
      if (fault != null) {
        reports = joined(reports, where(slab) + tell(fault, slab) + dump(fault.at, slab));
        reports = repaired(reports, fault, slab, repair);
      }
    }
    return reports;
  }

  private List<String> inspectObject(long slab, int index, boolean repair, List<String> soFar) {
    List<String> reports = soFar;
    long object = geometry.addressOf(slab, index);
    long end = object + objectBytes;
    long state = state(slab, index);
    boolean taken = TAKEN.get(state) != 0;
    if (zones) {
      byte zone = taken ? ZONE_IN_USE : ZONE_FREE;
      long from = object - zoneBefore(index);
      Fault before = look("was written before its first byte", from, object, zone, zone);
      reports = reported(reports, before, slab, index, repair);
      from = object + askedBytes(state);
      long to = object + zoneEnd(slab, index);
      Fault behind = look("was written past its end", from, to, zone, zone);
      reports = reported(reports, behind, slab, index, repair);
    }
    if (poison && !taken) {
      Fault inside =
          USED.get(state) == 0
              ? look("was written before it was allocated", object, end, NEVER_USED, NEVER_USED)
              : look("was written after it was freed", object, end, FREED, FREED_END);
      reports = reported(reports, inside, slab, index, repair);
    }
    return reports;
  }

  private List<String> reported(
      List<String> reports, Fault fault, long slab, int index, boolean repair) {
    if (fault == null) {
      return reports;
    }
    String told = nameOf(slab, index) + ' ' + tell(fault, geometry.addressOf(slab, index));
    String report = where(slab) + told + dump(fault.at, slab) + history(slab, index);
    return repaired(joined(reports, report), fault, slab, repair);
  }

  private List<String> repaired(List<String> reports, Fault fault, long slab, boolean repair) {
    if (!repair) {
      return reports;
    }
    fault.repair();
    list.freezeDamaged(slab);
    return joined(
        reports,
        where(slab)
            + "%d bytes at %s were put right; the slab is frozen"
                .formatted(fault.to - fault.from, Slabs.hex(fault.from)));
  }

  private static List<String> joined(List<String> reports, String more) {
    List<String> all = new ArrayList<>(reports);
    all.add(more);
    return all;
  }

  /** What the program still holds of a slab whose cache was destroyed. */
  private List<String> leftoversOf(long slab) {
    List<String> left = new ArrayList<>();
    for (int i = 0; i < objects(slab); i++) {
      if (isTaken(slab, i)) {
        left.add(where(slab) + nameOf(slab, i) + " was never freed" + history(slab, i));
      }
    }
    if (!left.isEmpty()) {
      left.addFirst(where(slab) + left.size() + " objects remain of a cache that was destroyed");
    }
    return left;
  }

  // ------------------------------------------------------------------ telling

  private String where(long slab) {
    return "cache \"" + cache.name() + "\", slab " + Slabs.hex(slab) + ", ";
  }

  private String nameOf(long slab, int index) {
    return "object %s (number %d, %d bytes, %s)"
        .formatted(
            Slabs.hex(geometry.addressOf(slab, index)),
            index,
            askedBytes(state(slab, index)),
            isTaken(slab, index) ? "in use" : "free");
  }

  private static String tell(Fault fault, long origin) {
    long wrong = LongStream.range(fault.at, fault.to).filter(fault::isWrong).count();
    return "%s: byte %d is 0x%02x, expected 0x%02x%s"
        .formatted(
            fault.what,
            fault.at - origin,
            Memory.getByte(fault.at) & 0xff,
            (fault.at == fault.to - 1 ? fault.last : fault.expected) & 0xff,
            wrong == 1 ? "" : ", with " + (wrong - 1) + " more wrong behind it");
  }

  /** The bytes around an address, in rows, never beyond its slab. */
  private String dump(long at, long slab) {
    StringBuilder text = new StringBuilder();
    long row = Math.max(slab, (at & -DUMP_ROW) - DUMP_ROW);
    long end = Math.min(slab + store.bytesOf(slab), row + 4 * DUMP_ROW);
    for (; row < end; row += DUMP_ROW) {
      byte[] bytes = new byte[DUMP_ROW];
      for (int i = 0; i < DUMP_ROW; i++) {
        bytes[i] = Memory.getByte(row + i);
      }
      boolean here = at >= row && at < row + DUMP_ROW;
      text.append(here ? "\n> " : "\n  ").append(Slabs.hex(row)).append(": ");
      text.append(HexFormat.ofDelimiter(" ").formatHex(bytes));
    }
    return text.toString();
  }

  /** Who allocated and who freed an object last, as lines; nothing if the cache does not track. */
  String history(long slab, int index) {
    if (tracks == null) {
      return "";
    }
    return "\n  allocated "
        + orNever(tracks.get(geometry.allocTrack(slab, index)))
        + "\n  freed "
        + orNever(tracks.get(geometry.freeTrack(slab, index)));
  }

  private static String orNever(Track track) {
    return track == null ? "never" : track.toString();
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
   * Visits every object in the hands of the program whose allocation is known, if the cache tracks.
   * The visitor runs under the lock, which is taken for each slab.
   */
  void forEachLive(KmemCache.LiveVisitor visitor) {
    if (tracks == null) {
      return;
    }
    List<Long> all;
    synchronized (this) {
      all = bookedSlabs();
    }
    for (long slab : all) {
      synchronized (this) {
        if (slabs.get(slab) == BOOKED && store.isSound(slab)) { // else its words mean nothing
          visitLive(slab, visitor);
        }
      }
    }
  }

  private void visitLive(long slab, KmemCache.LiveVisitor visitor) {
    for (int i = 0; i < objects(slab); i++) {
      long track = geometry.allocTrack(slab, i);
      if (isTaken(slab, i) && Tracks.isKnown(track)) { // its words may have been overwritten
        visitor.visit(geometry.addressOf(slab, i), track);
      }
    }
  }
}
