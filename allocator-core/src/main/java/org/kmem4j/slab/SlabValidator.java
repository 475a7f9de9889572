package org.kmem4j.slab;

import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.kmem4j.memory.Memory;
import org.kmem4j.page.PageRun;
import org.kmem4j.sync.Sheaf;

/**
 * The walk over everything, at rest: every page, slab, list, front and book of one allocator. What
 * must hold: {@code inuse + free == objects} in every slab; a page belongs to exactly one slab,
 * free block, large block or thread's list; an object to exactly one freelist, sheaf or user.
 *
 * <p>Only while nobody else uses the allocator, and no front is detached. Tests run it after each
 * case. Used once.
 */
final class SlabValidator {
  private final Slabs slabs;
  private final List<KmemCache> caches;

  /** Slabs by the number of their cache, as the page map says. */
  private final Map<Integer, Set<Long>> byCache = new HashMap<>();

  private long frontBytes;

  SlabValidator(Slabs slabs) {
    this.slabs = slabs;
    this.caches = slabs.snapshot();
  }

  static void check(boolean condition, String sentence, Object... values) {
    if (!condition) {
      throw new AssertionError(String.format(sentence, values));
    }
  }

  /**
   * Walks.
   *
   * @throws AssertionError with what is wrong
   */
  void run() {
    Map<Long, long[]> large = new HashMap<>();
    Map<Integer, Long> pages = new HashMap<>();
    for (PageRun run : slabs.pages().validate()) {
      if (run.isLarge()) {
        long[] sums = large.computeIfAbsent(run.ownerWord(), some -> new long[2]);
        sums[0]++;
        sums[1] += run.pages();
      } else {
        check(
            1L << Slab.order(run.address()) == run.pages(),
            "slab 0x%x: order %d in its header, %d pages in the map",
            run.address(),
            Slab.order(run.address()),
            run.pages());
        byCache.computeIfAbsent(run.cacheId(), some -> new HashSet<>()).add(run.address());
        pages.merge(run.cacheId(), (long) run.pages(), Long::sum);
      }
    }
    LargeBlocks.validate(slabs, large);
    slabs.large().forEach(SlabValidator::checkReferences);
    for (KmemCache cache : caches) {
      check(Slabs.numbered(cache.link()) == cache, "%s: its number leads elsewhere", cache);
      Set<Long> mine = byCache.getOrDefault(cache.link(), Set.of());
      checkHeaders(cache, mine);
      long booked = Memory.getLong(cache.address() + KmemCache.PAGES);
      long found = pages.getOrDefault(cache.link(), 0L);
      check(booked == found, "%s: %d pages in the map, booked %d", cache, found, booked);
      checkObjects(cache, cache.store().list().validate(mine));
      checkReferences(cache);
      byCache.remove(cache.link());
    }
    check(byCache.isEmpty(), "slabs of caches that do not exist: %s", byCache.keySet());
    check(
        frontBytes == slabs.frontBytes(),
        "fronts may hold %d bytes, booked %d",
        frontBytes,
        slabs.frontBytes());
  }

  /** At rest no slow path is running; the initial reference goes when the cache is drained. */
  private static void checkReferences(OwnedCache cache) {
    boolean drained = cache.state.compareTo(OwnedCache.State.DRAINED) >= 0;
    long expected = cache.holdings() + (drained ? 0 : 1);
    check(
        cache.references() == expected,
        "%s has %d references, of which %d are accounted for",
        cache,
        cache.references(),
        expected);
  }

  private static void checkHeaders(KmemCache cache, Set<Long> mine) {
    for (long slab : mine) {
      check(
          Slab.cache(slab) == cache.address()
              && Memory.getInt(slab + Slab.ID) == cache.link()
              && Memory.getLong(slab + Slab.COOKIE) == cache.store().cookie(),
          "slab 0x%x: its header is not that of a slab of %s",
          slab,
          cache);
    }
  }

  /** Checks that no object is in two places: two sheaves, or a sheaf and a freelist. */
  private void checkObjects(KmemCache cache, Map<Long, BitSet> free) {
    Set<Long> cached = new HashSet<>();
    for (Sheaf sheaf : cache.sheaves()) {
      frontBytes += cache.sheafBytes(sheaf.capacity());
      for (int i = 0; i < sheaf.count(); i++) {
        long entry = sheaf.get(i);
        long object = entry < 0 ? Guard.seal(entry) : entry;
        long slab = cache.slabOf(object);
        check(
            free.containsKey(slab) && cache.beginsObject(object),
            "%s: a sheaf holds 0x%x, no object of it",
            cache,
            object);
        check(cached.add(object), "%s: 0x%x lies in a sheaf twice", cache, object);
        check(
            !free.get(slab).get(cache.geometry().indexOf(slab, object)),
            "%s: 0x%x lies in a sheaf and on a freelist",
            cache,
            object);
      }
    }
    long inuse = Memory.getLong(cache.address() + KmemCache.INUSE);
    check(
        cached.size() <= inuse,
        "%s: %d objects in sheaves, only %d in use",
        cache,
        cached.size(),
        inuse);
    if (cache.isDebug()) {
      free.forEach((slab, indices) -> checkStates(cache, slab, indices));
    }
    if (cache.geometry().hasMarks()) {
      free.forEach((slab, indices) -> checkMarks(cache, slab, indices, cached));
    }
  }

  private static void checkMarks(KmemCache cache, long slab, BitSet free, Set<Long> cached) {
    for (int i = 0; i < Slab.objects(slab) && !Slab.isFrozen(slab); i++) {
      long object = cache.geometry().addressOf(slab, i);
      check(
          cache.store().guard().isInSlab(object) == free.get(i),
          "%s: %s is %s, and yet its mark says otherwise",
          cache,
          Slabs.hex(object),
          free.get(i) ? "free" : "not in its slab");
      check(
          free.get(i) || cache.store().guard().isInUse(object) != cached.contains(object),
          "%s: %s is %s, and yet its key says otherwise",
          cache,
          Slabs.hex(object),
          cached.contains(object) ? "in a sheaf" : "in use");
    }
  }

  private static void checkStates(KmemCache cache, long slab, BitSet free) {
    for (int i = 0; i < Slab.objects(slab) && !Slab.isFrozen(slab); i++) {
      check(
          cache.store().debug().isTaken(slab, i) != free.get(i),
          "%s, slab 0x%x: object %d is %s, and yet its state says otherwise",
          cache,
          slab,
          i,
          free.get(i) ? "free" : "in use");
    }
    if (!Slab.isFrozen(slab)) {
      List<String> damage = cache.store().debug().inspect(slab, false);
      check(damage.isEmpty(), "%s", damage);
    }
  }
}
