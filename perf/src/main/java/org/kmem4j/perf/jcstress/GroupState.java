package org.kmem4j.perf.jcstress;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.KmemCache;

/** A group below another, in one allocator for all samples. */
abstract class GroupState {
  static final SlabAllocator ALLOCATOR =
      SlabAllocator.builder().max(256 << 20).onClose(report -> {}).build();
  static final MemCgroups GROUPS = MemCgroups.on(ALLOCATOR);
  static final KmemCache CACHE = ALLOCATOR.createCache("jcstress", 2000);

  /** Each sample has a tree of its own below the root, which ends with it. */
  final MemCgroup parent = create();

  final MemCgroup child = parent.create("child");

  private static MemCgroup create() {
    work();
    return GROUPS.create("/p" + System.nanoTime() + '-' + Thread.currentThread().threadId());
  }

  /** Background work, by one thread at a time. */
  static void work() {
    synchronized (GROUPS) {
      try {
        ALLOCATOR.agent().doWork();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
