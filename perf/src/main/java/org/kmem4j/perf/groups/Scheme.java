package org.kmem4j.perf.groups;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.OwnedCache;

/** How pages find who pays for them: the two ways that the churn compares. */
interface Scheme extends AutoCloseable {
  /** A new group, which new caches may be made for. */
  Account open(String name);

  /** Closes a group while some of its objects live on. */
  void offline(Account group);

  /** Groups that are closed and not released. */
  int dying();

  /** Caches that live on although their group is closed. */
  List<OwnedCache> lingering();

  @Override
  void close();

  /** Ours: caches are handed to the parent. */
  final class Reparenting implements Scheme {
    private final MemCgroups groups;

    Reparenting(SlabAllocator allocator) {
      groups = MemCgroups.on(allocator);
    }

    @Override
    public Account open(String name) {
      return groups.root().create(name);
    }

    @Override
    public void offline(Account group) {
      ((MemCgroup) group).offline();
    }

    @Override
    public int dying() {
      return groups.root().dyingDescendants();
    }

    @Override
    public List<OwnedCache> lingering() {
      return groups.lingeringCaches();
    }

    @Override
    public void close() {
      groups.close();
    }
  }

  /** The original one: pages keep their group alive. */
  final class Original implements Scheme {
    private final SlabAllocator allocator;
    private final AtomicInteger dying = new AtomicInteger();
    private final OriginalGroup root;
    private final List<OriginalGroup> closed = new ArrayList<>();

    Original(SlabAllocator allocator) {
      this.allocator = allocator;
      this.root = new OriginalGroup(allocator.slabs(), null, dying);
    }

    @Override
    public Account open(String name) {
      return new OriginalGroup(allocator.slabs(), root, dying);
    }

    @Override
    public void offline(Account group) {
      OriginalGroup some = (OriginalGroup) group;
      some.offline();
      closed.add(some);
    }

    @Override
    public int dying() {
      return dying.get();
    }

    @Override
    public List<OwnedCache> lingering() {
      closed.removeIf(group -> !group.isDying());
      return closed.stream().flatMap(group -> group.caches().stream()).toList();
    }

    @Override
    public void close() {}
  }
}
