package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.page.PageMap;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.Slot;

/**
 * The slabs of one cache: where objects come from and go to behind the fronts. Makes slabs of pages
 * that it charges, and releases empty ones; no lock is held meanwhile.
 *
 * <p>What takes returns an address, or a negative number or 0 that says who refused: see {@link
 * OwnedCache#insist}.
 */
final class CacheSlabs {
  /** Empty slabs that are kept although nobody needs them, at most, by count and by bytes. */
  private static final int KEEP_EMPTY = 5;

  private static final int KEEP_EMPTY_BYTES = 64 << 10;

  private static final ThreadLocal<Boolean> CONSTRUCTING = new ThreadLocal<>();

  private final KmemCache cache;
  private final Slabs slabs;
  private final CacheOptions options;
  private final SlabGeometry geometry;
  private final SlabGeometry smallest;
  private final long address;
  private final long cookie;
  private final PartialList list;
  private final Hardening hardening;

  /** What its fronts do for each object; null for nothing. */
  private final Guard guard;

  /** Or null: most caches do not debug. */
  private final SlabDebug debug;

  CacheSlabs(KmemCache cache, CacheOptions options, long cookie, SlabGeometry geometry) {
    this.cache = cache;
    this.slabs = cache.slabs;
    this.options = options;
    this.address = cache.address;
    this.cookie = cookie;
    this.geometry = geometry;
    this.hardening = slabs.settings().hardening();
    this.guard = !options.debugs() && hardening.isGuarding() ? new Guard(this, hardening) : null;
    // A guard finds the slab of an object by the size of its cache's slabs.
    boolean oneOrder = guard != null && (hardening.doubleFree() || hardening.headers());
    this.smallest = oneOrder ? geometry : smallest(options, geometry);
    int keepEmpty = Math.clamp(KEEP_EMPTY_BYTES / geometry.slabBytes(), 1, KEEP_EMPTY);
    this.list = new PartialList(cache, this, keepEmpty);
    this.debug = options.debugs() ? new SlabDebug(cache, options, this) : null;
  }

  /**
   * How objects are laid out.
   *
   * @throws IllegalArgumentException if they do not fit a slab
   */
  static SlabGeometry geometry(CacheOptions options, Slabs slabs) {
    SlabGeometry geometry = geometryIfAny(options, slabs);
    if (geometry == null) {
      throw new IllegalArgumentException(
          "objectBytes="
              + options.objectBytes()
              + " does not fit a slab of order "
              + slabs.settings().maxOrder()
              + ", the largest that kmem4j.maxOrder allows"
              + besides(options, slabs));
    }
    return geometry;
  }

  /** What the slab of one object has to hold besides, and what asks for it. */
  private static String besides(CacheOptions options, Slabs slabs) {
    List<String> kept = new ArrayList<>();
    if (options.debugs(Debug.RED_ZONE)) {
      int zones = SlabDebug.leadBytes(options) + SlabDebug.spaceBytes(options);
      kept.add("%d of red zones (kmem4j.debug=Z)".formatted(zones - options.objectBytes()));
    }
    SlabGeometry.Side side = side(options, slabs.settings().hardening());
    if (side.tracks()) {
      kept.add(2 * Tracks.BYTES + " of tracks (kmem4j.debug=U or kmem4j.leaks=1)");
    }
    if (side.state()) {
      kept.add("8 of state (kmem4j.debug or a constructor)");
    }
    if (side.owner()) {
      kept.add("8 for its account");
    }
    if (side.marks()) {
      kept.add("8 of marks (kmem4j.hardened.doubleFree)");
    }
    return kept.isEmpty() ? "" : ", with these bytes beside it: " + String.join(", ", kept);
  }

  /** How objects are laid out; null if they do not fit a slab. */
  static SlabGeometry geometryIfAny(CacheOptions options, Slabs slabs) {
    int space = SlabDebug.spaceBytes(options);
    var side = side(options, slabs.settings().hardening());
    return SlabGeometry.best(space, options.align(), side, slabs.settings().maxOrder());
  }

  private static SlabGeometry.Side side(CacheOptions options, Hardening hardening) {
    return new SlabGeometry.Side(
        options.objectAccount() != null,
        options.debugs() || options.constructor() != null,
        options.debugs(Debug.TRACK),
        SlabDebug.leadBytes(options),
        hardening.doubleFree() && !options.debugs());
  }

  /** The smallest slab that holds one object: what is tried when memory is short. */
  private static SlabGeometry smallest(CacheOptions options, SlabGeometry geometry) {
    for (int order = 0; order < geometry.order(); order++) {
      int space = SlabDebug.spaceBytes(options);
      var candidate = SlabGeometry.of(order, space, options.align(), geometry.side());
      // Only if objects begin at the same offset: the fast path's check knows one first object.
      if (candidate != null && candidate.first() == geometry.first()) {
        return candidate;
      }
    }
    return geometry;
  }

  SlabGeometry geometry() {
    return geometry;
  }

  /** Pages of the smallest slab. */
  long leastPages() {
    return smallest.pages();
  }

  PartialList list() {
    return list;
  }

  /** What a cache that debugs knows of its objects; else null. */
  SlabDebug debug() {
    return debug;
  }

  long cookie() {
    return cookie;
  }

  /** What its fronts do for each object, or null. */
  Guard guard() {
    return guard;
  }

  /** Whether objects are zeroed when they are handed out; a constructor's work is left alone. */
  boolean zeroesTaken() {
    return hardening.initOnAlloc() && options.constructor() == null;
  }

  /** Whether objects are zeroed when they are freed; a constructor's work is left alone. */
  boolean zeroesFreed() {
    return hardening.initOnFree() && options.constructor() == null;
  }

  long address() {
    return address;
  }

  // ------------------------------------------------------------------ taking objects

  /** Bytes of an object up to its red zone: the tracked ones of a sample may be used to the end. */
  private int zeroedBytes() {
    return options.debugs(Debug.RED_ZONE) ? options.objectBytes() : geometry.stride();
  }

  /** Takes one object. */
  long takeOne() {
    long caller = debug == null ? 0 : debug.caller();
    long object = debug == null ? list.takeOne() : debug.take(0, caller);
    if (object == 0) {
      long slab = newSlab(PerThread.existing());
      if (slab <= 0) {
        return slab;
      }
      object = debug == null ? list.addAndTakeOne(slab) : debug.take(slab, caller);
    }
    if (zeroesTaken()) {
      Memory.fill(object, zeroedBytes(), (byte) 0);
    }
    if (options.objectAccount() != null && !chargeObject(object, caller)) {
      return OwnedCache.NO_OBJECT_CHARGE;
    }
    cache.leftSlab(1);
    return object;
  }

  /**
   * Fills an empty sheaf, as far as slabs go. May throw what a constructor or a damaged slab
   * throws; what the sheaf has got by then it keeps.
   *
   * @return who refused, if it stays empty
   */
  long fill(Sheaf main, Slot slot) {
    try {
      list.fill(main);
      if (!main.isEmpty()) {
        return 0;
      }
      long slab = newSlab(slot);
      if (slab > 0) {
        list.addAndFill(slab, main);
      }
      return slab;
    } finally {
      cache.leftSlab(main.count());
      if (guard != null) {
        Guard.sealAll(main);
      }
    }
  }

  /** Makes one more slab for later. */
  long addSlab() {
    long slab = newSlab(PerThread.existing());
    if (slab > 0 && debug != null) {
      debug.add(slab);
    } else if (slab > 0) {
      list.add(slab);
    }
    return slab;
  }

  private boolean chargeObject(long object, long caller) {
    long slab = slabOf(object);
    long word = geometry.ownerWord(slab, geometry.indexOf(slab, object));
    boolean charged = false;
    try {
      charged = options.objectAccount().tryCharge(word, geometry.stride());
    } finally {
      if (!charged && debug != null) {
        debug.claim(slab, object, caller);
        release(debug.put(slab, object));
      } else if (!charged) {
        list.comeBack(object, true);
        release(list.put(slab, object));
      }
    }
    return charged;
  }

  // ------------------------------------------------------------------ putting objects back

  /** Gives one object back to its slab. */
  void putOne(long object) {
    long slab = slabOf(object);
    if (!isSound(slab)) {
      throw withoutSlab(object);
    }
    RuntimeException wrong = list.comeBack(object, true);
    if (wrong != null) {
      throw wrong;
    }
    CorruptionException damage = debug == null ? null : debug.claim(slab, object, debug.caller());
    if (debug != null && zeroesFreed() && !options.debugs(Debug.POISON)) {
      Memory.fill(object, zeroedBytes(), (byte) 0);
    }
    try {
      unchargeObject(slab, object);
    } finally { // it is marked as free already
      try {
        release(debug == null ? list.put(slab, object) : debug.put(slab, object));
      } catch (CorruptionException e) { // of another object
        damage = damage == null ? e : damage;
      }
    }
    if (damage != null) {
      throw damage;
    }
  }

  private void unchargeObject(long slab, long object) {
    if (options.objectAccount() == null) {
      return;
    }
    long word = geometry.ownerWord(slab, geometry.indexOf(slab, object));
    try {
      options.objectAccount().uncharge(word, geometry.stride());
    } finally {
      Memory.putLong(word, 0);
    }
  }

  /** Returns all objects of a private sheaf to their slabs. */
  void flush(Sheaf sheaf) {
    if (sheaf.isEmpty()) {
      return;
    }
    if (guard != null) {
      Guard.sealAll(sheaf); // and back
    }
    sheaf.sort();
    RuntimeException damage = removeDamaged(sheaf);
    if (guard != null) {
      RuntimeException wrong = list.comeBack(sheaf);
      damage = wrong != null ? wrong : damage;
    }
    release(list.putAll(sheaf));
    if (damage != null) {
      throw damage;
    }
  }

  /**
   * Checks again what freeing checked, for a header may have been overwritten since, and drops what
   * is wrong: objects whose slab cannot be trusted any more, and second copies of the same object.
   *
   * @return a report on the last of them, or null
   */
  private RuntimeException removeDamaged(Sheaf sheaf) {
    RuntimeException damage = null;
    int good = 0;
    long end = 0; // of the slab that is being looked at
    for (int i = 0; i < sheaf.count(); i++) {
      long object = sheaf.get(i);
      if (object >= end) {
        long slab = slabOf(object);
        end = isSound(slab) ? slab + bytesOf(slab) : 0;
      }
      if (end == 0) {
        damage = withoutSlab(object);
        if (guard != null && slabs.cacheAround(object) == cache) {
          guard.keep(object); // it stays in use
        }
      } else if (good > 0 && sheaf.get(good - 1) == object) {
        damage = freedTwice(object);
      } else {
        sheaf.set(good++, object);
      }
    }
    sheaf.setCount(good);
    return damage;
  }

  /** Returns one free object that is in no sheaf to its slab. Takes no room on the Java heap. */
  void putStray(long object) {
    long slab = slabOf(object);
    if (!isSound(slab)) {
      throw withoutSlab(object);
    }
    RuntimeException wrong = list.comeBack(object, false);
    if (wrong != null) {
      throw wrong;
    }
    release(list.put(slab, object));
  }

  /**
   * For an object whose slab is not ours: it was given back, or its header was overwritten, and is
   * written anew if the cache debugs. The object stays in use.
   */
  CorruptionException withoutSlab(long object) {
    if (slabs.cacheAround(object) != cache) {
      return new CorruptionException(
          "cache \"%s\", object %s: its slab was given back while it was in use: objects of it were"
                  .formatted(cache.name(), Slabs.hex(object))
              + " freed twice; found while the object was given back");
    }
    long slab = slabOf(object);
    String found = headerDamage(slab) + "; found while object " + Slabs.hex(object);
    if (debug != null) {
      debug.freezeOverwritten(slab);
    }
    return new CorruptionException(
        "cache \"%s\", slab %s, %s was given back%s%s"
            .formatted(
                cache.name(),
                Slabs.hex(slab),
                found,
                debug == null ? "" : "; the slab is frozen",
                cache.history(object)));
  }

  IllegalArgumentException freedTwice(long object) {
    return new IllegalArgumentException(
        "%s of cache \"%s\", slab %s, was freed twice%s"
            .formatted(
                Slabs.hex(object), cache.name(), Slabs.hex(slabOf(object)), cache.history(object)));
  }

  /** Freezes the slab of an object whose mark is none; reports it. */
  CorruptionException markOverwritten(long object) {
    return isSound(slabOf(object)) ? list.freezeUnmarked(object) : withoutSlab(object);
  }

  // ------------------------------------------------------------------ slabs

  long slabOf(long object) {
    return slabs.pages().map().slabOf(object);
  }

  /** Bytes of a slab, by the page map: what the header says may have been overwritten. */
  long bytesOf(long slab) {
    return (long) Os.PAGE_BYTES << PageMap.order(slabs.pages().map().entry(slab));
  }

  /**
   * Whether a slab's header is still ours at both ends: who writes past the page before it, or
   * before its first object, hits one of them first. Number and order are known to the page map.
   */
  boolean isSound(long slab) {
    int entry = slabs.pages().map().entry(slab);
    return PageMap.isSlab(entry)
        && Slab.cache(slab) == address
        && Memory.getLong(slab + Slab.COOKIE) == cookie
        && Slab.order(slab) == PageMap.order(entry)
        && Slab.id(slab) == PageMap.cacheId(entry);
  }

  /** Says what in the header of a slab of ours was overwritten. */
  String headerDamage(long slab) {
    int entry = slabs.pages().map().entry(slab);
    long idAndOrder = PageMap.cacheId(entry) | (long) PageMap.order(entry) << 32;
    return "its header was overwritten"
        + compare(slab, Slab.CACHE, address)
        + compare(slab, Slab.ID, idAndOrder)
        + compare(slab, Slab.COOKIE, cookie);
  }

  private static String compare(long slab, long offset, long expected) {
    long found = Memory.getLong(slab + offset);
    return found == expected
        ? ""
        : "; at offset %d lies 0x%016x, expected 0x%016x".formatted(offset, found, expected);
  }

  /** Freezes a slab whose header was overwritten. */
  void freezeOverwritten(long slab) {
    boolean usual = PageMap.order(slabs.pages().map().entry(slab)) == geometry.order();
    Slab.freezeOverwritten(slab, address, cache.link(), cookie, usual ? geometry : smallest);
  }

  /** Takes pages and makes a slab of them, with no lock held. Returns 0 or less if refused. */
  private long newSlab(Slot slot) {
    Slot mine = slot == null || slot.isStripe() ? null : slot;
    long slab = newSlab(geometry, mine);
    return slab <= 0 && smallest.order() != geometry.order() ? newSlab(smallest, mine) : slab;
  }

  private long newSlab(SlabGeometry shape, Slot slot) {
    if (!cache.tryCharge(shape.pages())) {
      return OwnedCache.NO_CHARGE;
    }
    long slab = 0;
    boolean done = false;
    try {
      slab = slabs.pages().tryAllocate(shape.order(), cache.link(), slot);
      if (slab != 0) {
        Slab.init(slab, address, cache.link(), cookie, shape);
        if (hardening.initOnAlloc() && options.constructor() != null) {
          Memory.fill(shape.addressOf(slab, 0), shape.slabBytes() - shape.first(), (byte) 0);
        }
        if (debug != null) {
          debug.prepare(slab); // behind the zeroes, for it writes red zones
        }
        if (options.constructor() != null) {
          construct(slab, shape);
        }
        if (hardening.randomOrder()) {
          list.shuffle(slab);
        }
        cache.addReferences(1);
        done = true;
      }
    } finally {
      if (!done) { // refused, or the constructor threw: nothing may remain
        if (slab != 0) {
          forget(slab);
          slabs.pages().free(slab, shape.order(), null);
        }
        cache.uncharge(shape.pages());
      }
    }
    return slab;
  }

  /** Ends a slab whose pages go back. */
  private void forget(long slab) {
    if (debug != null) {
      debug.forget(slab);
    }
    Slab.wipe(slab);
  }

  private void construct(long slab, SlabGeometry shape) {
    boolean outermost = CONSTRUCTING.get() == null;
    CONSTRUCTING.set(true);
    try {
      for (int i = 0; i < shape.objects(); i++) {
        options.constructor().accept(shape.addressOf(slab, i));
      }
    } finally {
      if (outermost) {
        CONSTRUCTING.remove();
      }
    }
  }

  /**
   * Whether the calling thread runs a constructor: what waits for its slow path would never end.
   */
  static boolean isConstructing() {
    return CONSTRUCTING.get() != null;
  }

  /**
   * Gives the pages of a chain of slabs back, with no lock held.
   *
   * @throws CorruptionException if a free object of theirs was written to; they are given back
   */
  private void release(long chain) {
    if (chain == 0) {
      return;
    }
    Slot slot = PerThread.existing(); // no new one: it might need more stack than was probed
    String damage = null;
    long released = 0;
    long count = 0;
    for (long slab = chain; slab != 0; count++) {
      long next = Memory.getLong(slab + Slab.NEXT);
      long bytes = bytesOf(slab);
      List<String> found = debug == null ? List.of() : debug.inspect(slab, false);
      damage = found.isEmpty() ? damage : String.join("\n", found);
      forget(slab);
      if (hardening.initOnFree()) { // a constructor's objects, links, the header
        Memory.fill(slab, bytes, (byte) 0);
      }
      int order = PageMap.order(slabs.pages().map().entry(slab));
      slabs.pages().free(slab, order, slot);
      released += 1L << order;
      slab = next;
    }
    cache.uncharge(released);
    cache.dropReferences(count); // last, for these may be the last
    if (damage != null) {
      throw new CorruptionException(damage + "\nfound while the slab was given back");
    }
  }

  /** Whether there are empty slabs that no prewarm asked for; a recent answer. */
  boolean hasEmpties() {
    return list.hasEmpties();
  }

  /** Releases every empty slab that no prewarm asked for. */
  void trimEmpties() {
    release(list.takeEmpties());
  }

  /** Keeps no empty slab from here on. */
  void keepNoEmpties() {
    list.keepNoEmpties();
    trimEmpties();
  }
}
