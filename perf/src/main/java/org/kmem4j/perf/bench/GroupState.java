package org.kmem4j.perf.bench;

import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A cache of 64 bytes, and its child for a group four levels deep, whose limit is far. */
@State(Scope.Thread)
public class GroupState {
  SlabAllocator allocator;
  MemCgroups groups;
  MemCgroup group;
  KmemCache nobodys;
  KmemCache ofGroup;

  @Setup(Level.Trial)
  public void open() {
    allocator = settings().build();
    groups = MemCgroups.on(allocator);
    group = groups.create("/a/b/c").max(KmemBenchmark.MAX_BYTES / 2);
    nobodys = allocator.createCache("pair", 64);
    ofGroup = nobodys.in(group);
  }

  SlabAllocator.Builder settings() {
    return SlabAllocator.builder().max(KmemBenchmark.MAX_BYTES);
  }

  @TearDown(Level.Trial)
  public void close() {
    groups.close();
    allocator.close();
  }
}
