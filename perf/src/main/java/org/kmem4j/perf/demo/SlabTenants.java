package org.kmem4j.perf.demo;

import java.util.Locale;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.Leftovers;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.slab.CacheStats;
import org.kmem4j.slab.KmemCache;

/** A memory cgroup for each tenant, and the allocator's agent in the background. */
final class SlabTenants implements Tenants {
  private final SlabAllocator allocator;
  private final KmemCache orders;
  private final MemCgroup tenants;

  SlabTenants(Plan plan, long maxBytes) {
    allocator = SlabAllocator.builder().max(maxBytes).decay(plan.decay()).build();
    orders = allocator.createCache("order", Plan.OBJECT_BYTES);
    tenants = MemCgroups.on(allocator).create("/tenants");
    allocator.startAgent();
  }

  @Override
  public Tenant admit(String name, int limit, int cells) {
    CacheStats slab = orders.stats();
    long slabs = Math.ceilDiv(limit, slab.objectsPerSlab());
    return new Group(tenants.create(name).max(slabs << slab.order() + Os.PAGE_SHIFT), cells);
  }

  @Override
  public String charged() {
    return "/tenants is charged %,d MB".formatted(tenants.usage() / 1_000_000);
  }

  @Override
  public long leakedBytes() {
    return allocator.live().bytes();
  }

  @Override
  public String version() {
    String version = SlabAllocator.class.getPackage().getImplementationVersion();
    return version != null ? version : "of this working tree";
  }

  private final class Group implements Tenant {
    private final MemCgroup group;
    private final KmemCache cache;
    private final long[] addresses;

    Group(MemCgroup group, int cells) {
      this.group = group;
      cache = orders.in(group);
      addresses = new long[cells];
    }

    @Override
    public boolean tryCreate(int cell, long stamp) {
      long order = cache.tryAlloc();
      if (order == 0) {
        return false;
      }
      for (int at = 0; at < Plan.OBJECT_BYTES; at += 64) {
        Memory.putLong(order + at, stamp);
      }
      addresses[cell] = order;
      return true;
    }

    @Override
    public void update(int cell) {
      long line = addresses[cell] + 64;
      Memory.putLong(line, Memory.getLong(line) + 1);
    }

    @Override
    public long delete(int cell) {
      long order = addresses[cell];
      long stamp = Memory.getLong(order);
      cache.free(order);
      return stamp;
    }

    @Override
    public String refusal() {
      return "tryAlloc() returns 0";
    }

    @Override
    public String offline() {
      long start = System.nanoTime();
      Leftovers left = group.offline();
      double micros = (System.nanoTime() - start) / 1e3;
      return String.format(
          Locale.ROOT,
          "offline() hands %,d live objects to %s in %.0f µs",
          left.objects(),
          left.heir(),
          micros);
    }

    @Override
    public void deleteAll(long[] stamps) {
      for (int cell = 0; cell < stamps.length; cell++) {
        if (stamps[cell] != 0) {
          cache.free(addresses[cell]);
        }
      }
    }

    @Override
    public String afterlife() {
      return "credited to the heir: " + charged();
    }
  }
}
