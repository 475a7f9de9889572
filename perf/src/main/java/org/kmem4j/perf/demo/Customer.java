package org.kmem4j.perf.demo;

import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.perf.KmemException;

/**
 * Whoever works with one tenant's objects, and knows what must be in each. One thread at a time;
 * others may ask how many are alive.
 */
final class Customer {
  private final Tenants.Tenant tenant;
  private final int limit;

  /** What each cell's object must begin with; 0 if there is none. */
  private final long[] stamps;

  private final int[] empty;
  private int empties;
  private final Random random = new Random(1);
  private long lastStamp;
  private long refusals;
  private final AtomicInteger live = new AtomicInteger(); // One writer.

  Customer(Tenants tenants, String name, int limit) {
    int cells = limit + limit / 20 + 64; // The last page may hold a few more.
    this.tenant = tenants.admit(name, limit, cells);
    this.limit = limit;
    stamps = new long[cells];
    empty = new int[cells];
    for (int cell = cells - 1; cell >= 0; cell--) {
      empty[empties++] = cell;
    }
  }

  int limit() {
    return limit;
  }

  int live() {
    return live.getAcquire();
  }

  long refusals() {
    return refusals;
  }

  Tenants.Tenant tenant() {
    return tenant;
  }

  /** Makes one object more; false if the limit refuses. */
  boolean tryCreate() {
    if (empties == 0) {
      throw new KmemException("The limit of a tenant does not hold: all its cells are full.");
    }
    int cell = empty[empties - 1];
    if (!tenant.tryCreate(cell, lastStamp + 1)) {
      refusals++;
      return false;
    }
    stamps[cell] = ++lastStamp;
    empties--;
    live.setRelease(stamps.length - empties);
    return true;
  }

  /** What a request does: an object is created, another updated, a third deleted. */
  void serve() {
    delete(anyCell());
    tenant.update(anyCell());
    if (!tryCreate()) {
      throw new KmemException("Tenant B was refused an object, far below its limit.");
    }
  }

  /** Asks for one more at the limit; when refused, drops one and asks again. */
  void insist() {
    if (!tryCreate()) {
      delete(anyCell());
      tryCreate();
    }
  }

  /** Frees all that is left of a tenant that was closed. */
  void deleteAll() {
    tenant.deleteAll(stamps);
    live.setRelease(0);
  }

  private int anyCell() {
    int cell;
    do {
      cell = random.nextInt(stamps.length);
    } while (stamps[cell] == 0);
    return cell;
  }

  private void delete(int cell) {
    long stamp = tenant.delete(cell);
    if (stamp != stamps[cell]) {
      throw new KmemException(
          "An object is corrupt: it holds %d, not %d.".formatted(stamp, stamps[cell]));
    }
    stamps[cell] = 0;
    empty[empties++] = cell;
    live.setRelease(stamps.length - empties);
  }
}
