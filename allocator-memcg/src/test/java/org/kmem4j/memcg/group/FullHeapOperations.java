package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OutOfNativeMemoryException;
import org.kmem4j.stress.FullHeap;

/**
 * Wherever the Java heap ends, a group is created or it is not, closed or it is not, and nothing is
 * charged to nobody. Run by {@link FullHeapTest}, in a JVM with {@link FullHeap#FLAGS}.
 */
class FullHeapOperations {
  private static final int OBJECTS = 200;
  private static final int[] SPARE_BYTES = {
    0, 24, 72, 144, 288, 480, 960, 1600, 3000, 6000, 14_000, 30_000
  };

  /** In the build a few of them are tried, each time others. */
  private static final int STEP = Boolean.getBoolean("test.everyAmount") ? 1 : 6;

  private final long[] held = new long[OBJECTS];
  private SlabAllocator allocator;
  private MemCgroups groups;
  private MemCgroup parent;
  private KmemCache[] caches;

  private void attempt(Runnable prepare, Runnable operation) throws Exception {
    int first = ThreadLocalRandom.current().nextInt(STEP);
    for (int round = 0;
        round <= SPARE_BYTES.length;
        round = round == 0 ? 1 + first : round + STEP) {
      try (var some = SlabAllocator.builder().max(16 << 20).onClose(report -> {}).build();
          var tree = MemCgroups.on(some)) {
        allocator = some;
        groups = tree;
        parent = groups.create("/parent");
        caches =
            new KmemCache[] {
              allocator.createCache("a", 64), allocator.createCache("b", 512),
            };
        prepare.run();
        int spare =
            round == 0
                ? Integer.MAX_VALUE
                : SPARE_BYTES[round - 1] + ThreadLocalRandom.current().nextInt(4) * 24;
        if (round == 0) {
          operation.run(); // every class has been used before the heap is full
        } else {
          FullHeap.attempt(spare, operation);
        }
        check("with " + spare + " bytes of heap");
      }
    }
  }

  private void check(String when) throws Exception {
    settle();
    allocator.validate();
    groups.validate();
    for (int i = 0; i < OBJECTS; i++) {
      allocator.free(held[i]);
      held[i] = 0;
    }
    assertEquals(0, allocator.stats().usedObjects(), when);
    for (MemCgroup child : parent.children()) {
      child.offline();
    }
    settle();
    allocator.trim();
    groups.validate();
    assertEquals(2, groups.groups().size(), () -> when + ": " + groups.groups());
    assertEquals(0, groups.root().usage() - groups.root().stockedBytes() - stocked(), when);
  }

  private long stocked() {
    return parent.stockedBytes();
  }

  private void settle() throws Exception {
    for (int i = 0; i < 1000 && allocator.slabs().endings().size() > 0; i++) {
      allocator.agent().doWork();
    }
    assertEquals(0, allocator.slabs().endings().size());
  }

  private void take(MemCgroup group) {
    for (int i = 0; i < OBJECTS; i++) {
      if (held[i] == 0) {
        held[i] = caches[i % caches.length].in(group).tryAlloc();
      }
    }
  }

  @Test
  void ofCreatingGroups() throws Exception {
    attempt(
        () -> {},
        () -> {
          for (int i = 0; i < 70; i++) { // more than the table has room for at first
            parent.create("g" + i);
          }
        });
  }

  @Test
  void ofAllocatingForAGroup() throws Exception {
    attempt(() -> parent.create("g"), () -> take(parent.child("g")));
  }

  @Test
  void ofClosingAGroup() throws Exception {
    attempt(
        () -> take(parent.create("g")),
        () -> {
          MemCgroup group = parent.child("g");
          group.offline();
        });
  }

  @Test
  void ofTheAgentThatEndsGroups() throws Exception {
    attempt(
        () -> {
          take(parent.create("g"));
          parent.child("g").offline();
        },
        () -> {
          try {
            for (int i = 0; i < 20; i++) {
              allocator.agent().doWork();
            }
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void ofALimit() throws Exception {
    attempt(
        () -> parent.create("g").max(64 << 10).high(32 << 10),
        () -> {
          take(parent.child("g"));
          try {
            held[0] = held[0] != 0 ? held[0] : caches[1].in(parent.child("g")).alloc();
          } catch (OutOfNativeMemoryException e) {
            assertTrue(parent.child("g").usage() <= 64 << 10);
          }
        });
  }
}
