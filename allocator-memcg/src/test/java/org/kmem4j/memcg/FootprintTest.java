package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.KmemCache;

/** What groups and their caches take while they do nothing: Java heap and native structs. */
final class FootprintTest {
  private static final int GROUPS = 2000;
  private static final int CACHES = 5;

  @RegisterExtension private final Groups fixture = new Groups();

  @Test
  void anIdleChildCacheTakesAtMostOneKibibyte() {
    MemCgroups groups = fixture.open();
    SlabAllocator allocator = fixture.allocator();
    List<KmemCache> roots = new ArrayList<>();
    for (int i = 0; i < CACHES; i++) {
      roots.add(allocator.createCache("c" + i, 64 << i));
    }
    List<MemCgroup> kept = new ArrayList<>();
    MemCgroup first = groups.create("/first"); // so that no class is loaded later
    roots.forEach(root -> use(root.in(first)));
    long empty = bytes(allocator);
    for (int i = 0; i < GROUPS; i++) {
      kept.add(groups.create("/g" + i));
    }
    long withGroups = bytes(allocator);

    for (MemCgroup group : kept) {
      for (KmemCache root : roots) {
        use(root.in(group));
      }
    }
    allocator.trim(); // no slab, no sheaf: they are idle
    long withCaches = bytes(allocator);

    long ofGroup = (withGroups - empty) / GROUPS;
    long ofCache = (withCaches - withGroups) / GROUPS / CACHES;
    System.out.println("bytes of an idle group: " + ofGroup + ", of an idle child: " + ofCache);
    assertTrue(ofCache <= 1024, "an idle child takes " + ofCache + " bytes");
    long tenThousand = 10_000 * (ofGroup + CACHES * ofCache);
    assertTrue(tenThousand <= 64 << 20, "10 000 groups of 5 caches: " + tenThousand + " bytes");
    assertTrue(kept.size() == GROUPS); // alive until here
  }

  /** Each of 10 000 groups holds one live object in each of five caches. */
  @ParameterizedTest(name = "touched by {0} threads")
  @ValueSource(ints = {1, 16})
  void tenThousandGroupsWithALiveObjectInEachCache(int threads) throws Exception {
    try (SlabAllocator allocator =
            SlabAllocator.builder().max(2L << 30).onClose(report -> {}).build();
        MemCgroups groups = MemCgroups.on(allocator)) {
      List<KmemCache> roots = new ArrayList<>();
      for (int i = 0; i < CACHES; i++) {
        roots.add(allocator.createCache("c" + i, 32 << i));
      }
      List<MemCgroup> kept = new ArrayList<>();
      long before = bytes(allocator);
      for (int i = 0; i < 10_000; i++) {
        kept.add(groups.create("/g" + i));
      }
      long[] objects = new long[kept.size() * CACHES];
      List<Thread> others = new ArrayList<>();
      for (int i = 1; i < threads; i++) {
        others.add(
            Thread.ofPlatform()
                .start(() -> kept.forEach(g -> roots.forEach(root -> use(root.in(g))))));
      }
      for (Thread other : others) {
        other.join();
      }
      for (int i = 0; i < objects.length; i++) {
        objects[i] = roots.get(i % CACHES).in(kept.get(i / CACHES)).alloc();
      }

      long structs = bytes(allocator) - before;
      long mapped = allocator.stats().mappedBytes();

      System.out.printf(
          "10 000 groups of 5 caches with one object each, touched by %d threads: %d MiB mapped,"
              + " %d MiB of Java heap and structs%n",
          threads, mapped >> 20, structs >> 20);
      assertTrue(threads > 1 || mapped + structs <= 320L << 20, mapped + " + " + structs);
      for (long object : objects) {
        allocator.free(object);
      }
    }
  }

  private static void use(KmemCache cache) {
    cache.free(cache.alloc());
  }

  /** Java heap after a collection, and native structs. */
  private static long bytes(SlabAllocator allocator) {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory() + allocator.stats().metadataBytes();
  }
}
