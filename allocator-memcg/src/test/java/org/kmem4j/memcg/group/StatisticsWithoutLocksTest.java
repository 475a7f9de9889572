package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.Groups;
import org.kmem4j.slab.KmemCache;

/** Who reads statistics waits for none of the locks under which groups are closed. */
final class StatisticsWithoutLocksTest {
  @Test
  @Timeout(60)
  void everythingIsReadWhileTheLocksOfTheTreeAreHeld() {
    SlabAllocator allocator = SlabAllocator.builder().max(16 << 20).onClose(live -> {}).build();
    GroupTree tree = new GroupTree(allocator.slabs());
    MemCgroup acme = tree.root().create("acme").max(1 << 20);
    KmemCache cache = allocator.createCache("orders", 1000);
    List<Long> objects = Groups.take(cache.in(acme), 10);
    PeakReader peak = acme.peakReader();
    peak.reset();

    synchronized (tree.limitsLock) {
      synchronized (tree.lock) {
        assertTimeoutPreemptively( // on another thread
            Duration.ofSeconds(20),
            () -> {
              assertEquals(acme.usage(), acme.stat().current());
              assertEquals(1, acme.slabinfo().size());
              assertEquals(1, acme.caches().size());
              assertEquals(0, acme.dyingDescendants() + tree.lingeringCaches().size());
              assertEquals(2, tree.groups().size());
              assertEquals(1 << 20, acme.max());
              assertEquals(acme.events(), acme.eventsLocal());
              assertEquals(peak.bytes(), acme.peak());
              peak.reset();
            });
      }
    }

    objects.forEach(cache::free);
    acme.close();
    tree.close();
    allocator.close();
    allocator.unmap();
  }
}
