package org.kmem4j.perf.torture;

import java.util.function.BooleanSupplier;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Slabs;

/** A group some of whose charges fail although it has room. */
record RefusingAccount(MemCgroup group, BooleanSupplier refuses) implements Account {
  @Override
  public long address() {
    return group.address();
  }

  @Override
  public boolean tryCharge(OwnedCache cache, long pages) {
    return !refuses.getAsBoolean() && group.tryCharge(cache, pages);
  }

  @Override
  public void uncharge(OwnedCache cache, long pages) {
    group.uncharge(cache, pages);
  }

  @Override
  public Runnable makeRoom(OwnedCache cache, long pages, int attempt) {
    if (attempt > 1) {
      throw cache.refusedByAccount(pages);
    }
    return group.makeRoom(cache, pages, attempt);
  }

  @Override
  public boolean isFull(OwnedCache cache) {
    return group.isFull(cache);
  }

  @Override
  public boolean link(OwnedCache cache, Runnable publish) {
    return group.link(cache, publish);
  }

  @Override
  public void unlink(OwnedCache cache) {
    group.unlink(cache);
  }

  @Override
  public boolean paysIn(Slabs slabs) {
    return group.paysIn(slabs);
  }

  @Override
  public Account heir() {
    MemCgroup heir = group.heir();
    return group.equals(heir) ? this : heir;
  }

  @Override
  public String toString() {
    return group.toString();
  }
}
