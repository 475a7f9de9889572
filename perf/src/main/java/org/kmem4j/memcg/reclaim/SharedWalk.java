package org.kmem4j.memcg.reclaim;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.MemCgroup;

/** For jcstress: a fresh iterator over one tree of four groups, which lasts. */
public final class SharedWalk {
  private static final SlabAllocator ALLOCATOR = SlabAllocator.builder().max(16 << 20).build();
  private static final GroupTree TREE = new GroupTree(ALLOCATOR.slabs());
  private static final MemCgroup TOP = TREE.root().create("top");

  static {
    TOP.create("a").create("x");
    TOP.create("b");
  }

  private final ReclaimIterator iterator = new ReclaimIterator(TREE::groupAt);

  /** Takes one step and abandons the walk; returns the group's name. */
  public String step() {
    try (Walk walk = iterator.walk(TOP)) {
      return walk.next().name();
    }
  }
}
