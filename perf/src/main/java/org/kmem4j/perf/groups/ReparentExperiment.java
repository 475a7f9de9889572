package org.kmem4j.perf.groups;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.List;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.perf.KmemException;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.SizeClasses;

/**
 * One group with so many charged pages goes offline while all its objects are alive. It has ten
 * caches of its own and ten that it has inherited from a group below it, and large blocks of both;
 * two other threads are alive and hold filled sheaves of it.
 */
final class ReparentExperiment implements AutoCloseable {
  private static final int CACHES = 10;

  /** One object to a page, so that there are as many slabs as can be. */
  private static final int OBJECT_BYTES = 3900;

  private static final int LARGE_PAGES = 64;
  private static final int WARM_UPS = 300;
  private static final long REGION_BYTES = 2 << 20;

  /**
   * What one run found.
   *
   * @param pages charged to the group
   * @param caches whose owner word named the group
   * @param ownerStores owner words that name the heir now
   * @param nanos how long {@code offline()} took, the median of the runs
   * @param drainNanos how long the background work took until the group was released
   * @param drainPages pages that it gave back
   * @param isProtected whether no page of the group was accessible meanwhile
   */
  record Row(
      long pages,
      int caches,
      int ownerStores,
      long nanos,
      long drainNanos,
      long drainPages,
      @JsonProperty("protected") boolean isProtected) {}

  private final SlabAllocator allocator;
  private final MemCgroups groups;
  private final KmemCache[] caches = new KmemCache[CACHES];
  private final SheafHolders holders = new SheafHolders(2);
  private final long pages;
  private final long[] noise = new long[16 << 20]; // larger than any processor's cache
  private long[] objects = new long[1024];
  private int count;
  private long lowest = Long.MAX_VALUE;
  private long highest;

  ReparentExperiment(long pages) {
    this.pages = pages;
    long bytes = (pages + pages / 4 + 20_000) * Os.PAGE_BYTES;
    allocator = SlabAllocator.builder().max(bytes).neverDecay().onClose(report -> {}).build();
    groups = MemCgroups.on(allocator);
    Arrays.setAll(caches, i -> allocator.createCache("objects-" + i, OBJECT_BYTES));
  }

  /** Runs so many times, each with a new group, after the code has been compiled. */
  Row run(int times, boolean protect, boolean walk) throws InterruptedException {
    for (int i = 0; i < WARM_UPS; i++) {
      runOnce(Math.min(pages, 200), false, false);
    }
    long[] nanos = new long[times];
    Row last = null;
    for (int i = 0; i < times; i++) {
      last = runOnce(pages, protect, walk);
      nanos[i] = last.nanos;
    }
    Arrays.sort(nanos);
    return new Row(
        last.pages,
        last.caches,
        last.ownerStores,
        nanos[times / 2],
        last.drainNanos,
        last.drainPages,
        protect);
  }

  private Row runOnce(long wanted, boolean protect, boolean walk) throws InterruptedException {
    MemCgroup heir = groups.create("/heir");
    MemCgroup group = groups.create("/heir/group");
    MemCgroup below = groups.create("/heir/group/below");
    fill(below, wanted / 4);
    below.offline();
    awaitReleased(below);
    fill(group, wanted - wanted / 4);
    holders.fill(group, caches);
    List<OwnedCache> owned = group.caches();
    long charged = group.usage() >> Os.PAGE_SHIFT;

    emptyProcessorCaches();
    if (protect) {
      protect(true);
    }
    long start = System.nanoTime();
    if (walk) {
      walk(heir);
    }
    group.offline();
    long nanos = System.nanoTime() - start;
    int stores = (int) owned.stream().filter(cache -> ownerOf(cache) == heir.address()).count();
    if (protect) {
      protect(false);
    }

    long before = heir.usage();
    start = System.nanoTime();
    awaitReleased(group);
    long drainNanos = System.nanoTime() - start;
    long drained = before - heir.usage();
    if (stores != owned.size()) {
      throw new KmemException(
          "%d of %d owner words name the heir; all must.".formatted(stores, owned.size()));
    }
    freeAll();
    heir.offline();
    awaitReleased(heir);
    return new Row(
        charged, owned.size(), stores, nanos, drainNanos, drained >> Os.PAGE_SHIFT, protect);
  }

  /** A large group leaves nothing else in the processor's caches; so a small one shall not. */
  private void emptyProcessorCaches() {
    for (int i = 0; i < noise.length; i += 8) {
      noise[i]++;
    }
  }

  private static long ownerOf(OwnedCache cache) {
    return Memory.getLong(cache.ownerWord());
  }

  /** A quarter of the pages in large blocks, the rest in slabs. */
  private void fill(MemCgroup group, long ofPages) {
    SizeClasses sizes = allocator.in(group);
    long large = ofPages / 4 / LARGE_PAGES;
    for (long i = 0; i < large; i++) {
      keep(sizes.alloc((long) LARGE_PAGES * Os.PAGE_BYTES), LARGE_PAGES);
    }
    KmemCache[] mine = new KmemCache[CACHES];
    Arrays.setAll(mine, i -> caches[i].in(group));
    for (long i = large * LARGE_PAGES; i < ofPages; i++) {
      keep(mine[(int) (i % CACHES)].alloc(), 1);
    }
  }

  private void keep(long object, int pagesOfIt) {
    if (count == objects.length) {
      objects = Arrays.copyOf(objects, 2 * count);
    }
    objects[count++] = object;
    lowest = Math.min(lowest, object);
    highest = Math.max(highest, object + (long) pagesOfIt * Os.PAGE_BYTES);
  }

  /** All pages of every slab and large block lie in one range; whoever touches one is killed. */
  private void protect(boolean on) {
    long from = lowest & -REGION_BYTES;
    long to = (highest + REGION_BYTES - 1) & -REGION_BYTES;
    Os.protect(from, to - from, !on);
  }

  /** The old way: finds each page's owner in the page, and would rewrite it there. */
  private void walk(MemCgroup heir) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += Memory.getLong(objects[i] & -Os.PAGE_BYTES);
    }
    if (sum == heir.address()) {
      throw new KmemException("The walk has found what cannot be there.");
    }
  }

  private void freeAll() {
    for (int i = 0; i < count; i++) {
      allocator.free(objects[i]);
    }
    count = 0;
  }

  private void awaitReleased(MemCgroup group) {
    long start = System.nanoTime();
    while (!group.isReleased()) {
      BackgroundWork.run(allocator);
      if (System.nanoTime() - start > 60_000_000_000L) {
        throw new KmemException(group + " was not released within a minute.");
      }
    }
  }

  @Override
  public void close() {
    holders.close();
    groups.close();
    allocator.close();
  }
}
