package org.kmem4j.memcg.reclaim;

import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.MemCgroup;

/** For jcstress: a fresh iterator over four groups. */
public final class SharedWalk {
  private static final SlabAllocator ALLOCATOR = SlabAllocator.builder().max(16 << 20).build();
  private static final GroupTree TREE = new GroupTree(ALLOCATOR.slabs());
  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static final MemCgroup LASTING = groups("top");

  private final ReclaimIterator iterator = new ReclaimIterator(TREE::groupAt);
  private final MemCgroup top;

  /** Over groups that last. */
  public SharedWalk() {
    this(LASTING);
  }

  private SharedWalk(MemCgroup top) {
    this.top = top;
  }

  /** Over groups of its own. */
  public static SharedWalk ofItsOwn() {
    return new SharedWalk(groups("own" + NUMBER.incrementAndGet()));
  }

  private static MemCgroup groups(String name) {
    MemCgroup top = TREE.root().create(name);
    top.create("a").create("x");
    top.create("b");
    return top;
  }

  /** Takes one step and abandons the walk; returns the group's name. */
  public String step() {
    try (Walk walk = iterator.walk(top)) {
      return walk.next().name();
    }
  }

  /** Closes the group x, and has it released if nothing refers to it. */
  public void closeX() {
    MemCgroup dying = top.child("a").child("x");
    dying.close();
    for (int i = 0; i < 100 && !dying.isReleased(); i++) {
      work();
    }
  }

  private static synchronized void work() {
    TREE.work();
    ALLOCATOR.slabs().endSome();
  }

  /** Closes all groups; false if something keeps one of them. */
  public boolean end() {
    top.child("a").close();
    top.child("b").close();
    for (int i = 0; i < 100_000 && top.dyingDescendants() > 0; i++) {
      work();
    }
    boolean released = top.dyingDescendants() == 0;
    top.close();
    return released;
  }
}
