package org.kmem4j.perf.torture;

import java.util.List;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.perf.torture.Plan.Plant;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;

/**
 * A worker that breaks one thing, once. It stands between the other workers' checks and the
 * allocator, whose own code is as it always is: an address is exchanged for another after it was
 * handed out; a page is taken off a group's books by the call that a cache makes when it has given
 * a page back; a reference is taken by the call that iterators make.
 */
final class Saboteur extends Worker {
  private static final int AFTER = 20_000;

  private final World world;
  private final Plant plant;
  private int allocations;
  private boolean done;

  Saboteur(World world, int number, Plan plan) {
    super(world, number, plan);
    this.world = world;
    this.plant = number == 1 ? plan.plant() : Plant.NOTHING;
  }

  @Override
  long alloc(KmemCache cache) {
    long object = super.alloc(cache);
    allocations++;
    if (done || allocations < AFTER || object == 0) {
      return object;
    }
    if (plant == Plant.LOST_CHARGE) {
      loseCharge();
    } else if (plant == Plant.STUCK_GROUP) {
      done = closeOneGroup(true);
    } else if (plant == Plant.DOUBLE_HANDOUT) {
      long other = someAddress();
      if (other != 0) {
        done = true;
        return other; // and the object that was handed out is lost
      }
    }
    return object;
  }

  private void loseCharge() {
    MemCgroup group = world.tenant(random()).group();
    List<OwnedCache> caches = group.caches();
    for (OwnedCache cache : caches) {
      if (!cache.isRetired() && cache.pages() > 0) {
        group.uncharge(cache, 1);
        done = true;
        return;
      }
    }
  }
}
