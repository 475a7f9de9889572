package org.kmem4j.memcg;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.slab.KmemCache;

/**
 * Opens allocators with groups for a test; after it, checks the invariants of the design in those
 * that are open, and closes and unmaps them.
 */
public final class Groups implements AfterEachCallback {
  private final List<SlabAllocator> allocators = new ArrayList<>();
  private final List<MemCgroups> trees = new ArrayList<>();

  /** The groups of a new allocator of 64 MiB. */
  public MemCgroups open() {
    return open(builder -> builder);
  }

  /** The groups of a new allocator of 64 MiB, unless the test says otherwise. */
  public MemCgroups open(UnaryOperator<SlabAllocator.Builder> settings) {
    var builder = SlabAllocator.builder().max(64 << 20).onClose(report -> {});
    SlabAllocator allocator = settings.apply(builder).build();
    MemCgroups groups = MemCgroups.on(allocator);
    allocators.add(allocator);
    trees.add(groups);
    return groups;
  }

  /** The allocator of what was opened last. */
  public SlabAllocator allocator() {
    return allocators.getLast();
  }

  /** What is below the groups. */
  public static GroupTree tree(MemCgroups groups) {
    return groups.tree();
  }

  /** Does background work until something holds, or fails after some seconds. */
  public void await(BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > 10_000_000_000L) {
        throw new AssertionError("it did not come about in 10 s");
      }
      work();
    }
  }

  /** One round of background work. */
  public void work() {
    try {
      allocator().agent().doWork();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  public static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    for (int i = 0; i < trees.size(); i++) {
      trees.get(i).validate();
      allocators.get(i).validate();
      trees.get(i).close();
      if (trees.get(i).groups().size() != 1) {
        throw new AssertionError("not released: " + trees.get(i).groups());
      }
      allocators.get(i).validate();
      allocators.get(i).close();
      allocators.get(i).unmap();
    }
  }
}
