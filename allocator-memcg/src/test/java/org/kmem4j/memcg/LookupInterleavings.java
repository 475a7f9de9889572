package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Scene;

/** Who looks a child cache up and who closes its group, step by step. */
final class LookupInterleavings {
  private final SlabAllocator allocator =
      SlabAllocator.builder().max(64 << 20).onClose(report -> {}).build();
  private final MemCgroups groups = MemCgroups.on(allocator);
  private final KmemCache root = allocator.createCache("orders", 2000);
  private int runs;

  @Test
  void aCacheThatIsLookedUpWhileItsGroupClosesIsTheGroupsOrTheHeirs() {
    Interleavings.explore(
        () -> {
          MemCgroup parent = groups.create("/p" + runs++);
          MemCgroup child = parent.create("child");
          KmemCache[] found = new KmemCache[1];
          long[] object = new long[1];
          return Scene.of(
              () -> {
                assertTrue(child.slabinfo().isEmpty(), "a cache of a closed group");
                assertSame(root.in(parent), root.in(child));
                assertEquals(parent.path(), allocator.describe(object[0]).paidBy());
                allocator.free(object[0]);
                parent.close();
                for (int i = 0; i < 1000 && groups.root().dyingDescendants() > 0; i++) {
                  work();
                }
                assertEquals(0, groups.root().dyingDescendants());
              },
              () -> {
                found[0] = root.in(child);
                Interleavings.step();
                object[0] = found[0].tryAlloc();
              },
              child::close);
        });
  }

  private void work() {
    try {
      allocator.agent().doWork();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
