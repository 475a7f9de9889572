package org.kmem4j.memcg.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Scene;

/** A shared walk over groups, step by step. */
final class WalkInterleavings {
  private final SlabAllocator allocator = SlabAllocator.builder().max(16 << 20).build();
  private final GroupTree tree = new GroupTree(allocator.slabs());

  private MemCgroup some() {
    MemCgroup top = tree.findOrCreate(tree.root(), "top");
    tree.findOrCreate(top, "a");
    tree.findOrCreate(top, "b");
    return top;
  }

  @Test
  void ofTwoWhoTakeAStepEachGetsAnotherGroup() {
    MemCgroup top = some();
    Interleavings.explore(
        () -> {
          ReclaimIterator iterator = new ReclaimIterator(tree::groupAt);
          String[] found = new String[2];
          return Scene.of(
              () -> assertNotEquals(found[0], found[1]),
              () -> found[0] = step(iterator, top),
              () -> found[1] = step(iterator, top));
        });
  }

  private static String step(ReclaimIterator iterator, MemCgroup top) {
    try (Walk walk = iterator.walk(top)) {
      return walk.next().name();
    }
  }

  @Test
  void aGroupThatDiesWhileItIsAPositionIsReleased() {
    Interleavings.explore(
        () -> {
          MemCgroup top = some();
          MemCgroup dying = top.child("a");
          ReclaimIterator iterator = new ReclaimIterator(tree::groupAt);
          List<String> found = new ArrayList<>();
          return Scene.of(
              () -> {
                workUntilGone(top);
                assertTrue(dying.isReleased());
                assertEquals("top", found.getFirst());
              },
              () -> {
                found.add(step(iterator, top));
                found.add(step(iterator, top));
                found.add(step(iterator, top));
              },
              () -> {
                Interleavings.step();
                dying.close();
                for (int i = 0; i < 4; i++) {
                  Interleavings.step();
                  tree.work();
                  allocator.slabs().endSome();
                }
              });
        });
  }

  private void workUntilGone(MemCgroup top) {
    for (int i = 0; i < 100_000 && top.dyingDescendants() > 0; i++) {
      tree.work();
      allocator.slabs().endSome();
    }
    assertEquals(0, top.dyingDescendants());
  }
}
