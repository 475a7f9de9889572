package org.kmem4j.sync;

import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * What one slot holds of one cache: a link that leads to a main sheaf, whose spare may be a second
 * one.
 *
 * <pre>
 *   null      no front
 *   a sheaf   attached: the slot's thread pops and pushes, inside read sections
 *   DETACHED  the slot's thread works on its sheaf privately, outside any section
 *   DRAIN     as DETACHED, and somebody wants the memory back
 * </pre>
 *
 * <p>The link changes only by CAS, whoever changes it. The owner <em>detaches</em> before it locks,
 * maps or charges; a drainer takes a sheaf only if its own CAS removed it, and touches it only
 * after a grace period, for until then the owner may be in the middle of a pop. On DETACHED it
 * leaves DRAIN, upon which the owner cannot attach and empties the sheaf itself. Without the CAS
 * two threads hand out the same objects.
 *
 * <p>DETACHED and DRAIN are sheaves of capacity 0, both empty and full, so that the fast path needs
 * no test for them.
 */
public final class Front {
  /** Nothing to detach: the slot's own thread is in the middle of a slow path. */
  public static final Sheaf BUSY = Sheaf.none();

  private static final Sheaf DETACHED = Sheaf.none();
  private static final Sheaf DRAIN = Sheaf.none();

  private Front() {}

  /** Takes one object from the front of the slot, which the caller owns. 0 if it has none. */
  public static long pop(Slot slot, Linked owner) {
    long object = 0;
    try {
      Rcu.enter(slot);
      object = popPinned(slot, owner);
      Rcu.exit(slot);
    } catch (Throwable e) { // no finally that calls exit: see Rcu
      slot.fence = 0;
      slot.word = 0;
      if (object == 0) {
        throw e;
      }
    }
    return object;
  }

  /** Puts one object into the front of the slot, which the caller owns. False if it has no room. */
  public static boolean push(Slot slot, Linked owner, long object) {
    boolean pushed = false;
    try {
      Rcu.enter(slot);
      pushed = pushPinned(slot, owner, object);
      Rcu.exit(slot);
    } catch (Throwable e) {
      slot.fence = 0;
      slot.word = 0;
      if (!pushed) {
        throw e;
      }
    }
    return pushed;
  }

  /**
   * As {@link #push(Slot, Linked, long)}, for a caller who has the owner's number sooner than the
   * owner. False too if the number has ended: it is compared inside the section.
   */
  public static boolean push(Slot slot, Linked owner, int number, long object) {
    boolean pushed = false;
    try {
      Rcu.enter(slot);
      pushed = number == owner.link() && push(slot.link(number), object);
      Rcu.exit(slot);
    } catch (Throwable e) {
      slot.fence = 0;
      slot.word = 0;
      if (!pushed) {
        throw e;
      }
    }
    return pushed;
  }

  /**
   * Takes many objects in one section; the array has room for {@code count} from {@code from} on.
   *
   * @return how many it took
   */
  public static int popMany(Slot slot, Linked owner, long[] objects, int from, int count) {
    int taken = 0;
    try {
      Rcu.enter(slot);
      taken = popManyPinned(slot, owner, objects, from, count);
      Rcu.exit(slot);
    } catch (Throwable e) {
      slot.fence = 0;
      slot.word = 0;
      if (taken == 0) {
        throw e;
      }
    }
    return taken;
  }

  private static int popManyPinned(Slot slot, Linked owner, long[] objects, int from, int count) {
    Sheaf sheaf = slot.link(owner.link());
    if (sheaf == null) {
      return 0;
    }
    boolean more = sheaf.hasFirst();
    int top = sheaf.top;
    int taken = Math.min(count, top);
    if (taken > 0) {
      System.arraycopy(sheaf.objects, top - taken + 1, objects, from, taken);
      sheaf.top = top - taken; // from here on nothing is called
    }
    if (more && taken < count) {
      objects[from + taken] = sheaf.first;
      sheaf.first = 0;
      taken++;
    }
    return taken;
  }

  /**
   * Puts many objects in one section.
   *
   * @return how many had room
   */
  public static int pushMany(Slot slot, Linked owner, long[] objects, int from, int count) {
    int put = 0;
    try {
      Rcu.enter(slot);
      put = pushManyPinned(slot, owner, objects, from, count);
      Rcu.exit(slot);
    } catch (Throwable e) {
      slot.fence = 0;
      slot.word = 0;
      if (put == 0) {
        throw e;
      }
    }
    return put;
  }

  private static int pushManyPinned(Slot slot, Linked owner, long[] objects, int from, int count) {
    Sheaf sheaf = slot.link(owner.link());
    if (sheaf == null) {
      return 0;
    }
    int top = sheaf.top;
    int put = Math.max(0, Math.min(count, sheaf.objects.length - 1 - top));
    if (put > 0) {
      System.arraycopy(objects, from, sheaf.objects, top + 1, put);
      sheaf.top = top + put; // from here on nothing is called
    }
    if (put < count && sheaf.first == 0) {
      sheaf.first = objects[from + put];
      put++;
    }
    return put;
  }

  /** As {@link #pop}, in a section or under a pin of the calling thread. */
  public static long popPinned(Slot slot, Linked owner) {
    return pop(slot.link(owner.link()));
  }

  static long pop(Sheaf sheaf) {
    if (sheaf == null) {
      return 0;
    }
    long first = sheaf.first;
    if (first > 0 || first < Sheaf.NOTHING) { // plain, or sealed
      sheaf.first = 0;
      return first;
    }
    int top = sheaf.top;
    long[] objects = sheaf.objects;
    if (Integer.compareUnsigned(top, objects.length) >= 0) { // the array's own check, made once
      return 0;
    }
    long object = objects[top];
    if (object != 0) { // which lies at the bottom
      sheaf.top = top - 1;
    }
    return object;
  }

  /** As {@link #push}, in a section or under a pin of the calling thread. */
  public static boolean pushPinned(Slot slot, Linked owner, long object) {
    return push(slot.link(owner.link()), object);
  }

  private static boolean push(Sheaf sheaf, long object) {
    if (sheaf == null) {
      return false;
    }
    if (sheaf.first == 0) {
      sheaf.first = object;
      return true;
    }
    int next = sheaf.top + 1;
    long[] objects = sheaf.objects;
    if (Integer.compareUnsigned(next, objects.length) >= 0) { // full; as above
      return false;
    }
    objects[next] = object;
    sheaf.top = next;
    return true;
  }

  /**
   * Takes the front away from the slot, so that the caller may work on it outside any section.
   *
   * @return the main sheaf; null if there was none, and one may be attached; {@link #BUSY} if it is
   *     detached already, by a caller further up the stack or another user of the stripe
   */
  public static Sheaf detach(Slot slot, Linked owner) {
    while (true) {
      Sheaf sheaf = slot.linkVolatile(owner.link());
      if (sheaf == DETACHED || sheaf == DRAIN) {
        return BUSY;
      }
      if (slot.casLink(owner.link(), sheaf, DETACHED)) {
        if (sheaf != null) {
          sheaf.settle();
        }
        return sheaf;
      }
    }
  }

  /**
   * Puts a front back after {@link #detach}. The caller owns the slot again (a stripe: its lock).
   *
   * @param allowed whether fronts may be attached: one volatile read, made in the section, so that
   *     whoever forbids it and waits for a grace period then finds every front
   * @return false if it is forbidden or a drain was requested: the caller still owns the sheaf and
   *     empties it; the link is absent
   */
  public static boolean attach(Slot slot, Linked owner, Sheaf sheaf, BooleanSupplier allowed) {
    boolean attached = false;
    if (sheaf != null) {
      sheaf.lift();
    }
    Rcu.enter(slot);
    try {
      attached = allowed.getAsBoolean() && slot.casLink(owner.link(), DETACHED, sheaf);
    } finally {
      Rcu.exit(slot);
    }
    if (!attached && !slot.casLink(owner.link(), DETACHED, null)) {
      boolean drained = slot.casLink(owner.link(), DRAIN, null);
      assert drained : "a detached link belongs to its slot";
    }
    if (!attached && sheaf != null) {
      sheaf.settle();
    }
    return attached;
  }

  /**
   * Removes the front of any slot, on any thread.
   *
   * @return a sheaf that is the caller's own after a grace period, or null if there is none to
   *     take; a detached one is emptied by its owner, who finds the request
   */
  public static Sheaf unlink(Slot slot, Linked owner) {
    while (true) {
      Sheaf sheaf = slot.linkVolatile(owner.link());
      if (sheaf == null || sheaf == DRAIN) {
        return null;
      }
      Sheaf next = sheaf == DETACHED ? DRAIN : null;
      if (slot.casLink(owner.link(), sheaf, next)) {
        return next == DRAIN ? null : sheaf;
      }
    }
  }

  /** Whether no slot has anything under a number, not even a detached front. */
  public static boolean isAbsent(Linked owner) {
    for (int i = 0; i < PerThread.slotCount(); i++) {
      if (!isAbsent(PerThread.slot(i), owner)) {
        return false;
      }
    }
    return true;
  }

  /** Whether a slot has nothing under a number, not even a detached front. */
  public static boolean isAbsent(Slot slot, Linked owner) {
    return slot.linkVolatile(owner.link()) == null;
  }

  /** Objects in the front of any slot, spare included: exact at rest, else a recent value. */
  public static int peekCount(Slot slot, Linked owner) {
    Sheaf main = slot.linkVolatile(owner.link());
    return main == null ? 0 : main.peekCount();
  }

  /** Copies of the sheaves of any slot's front, main and spare; exact at rest. */
  public static List<Sheaf> peek(Slot slot, Linked owner) {
    Sheaf main = slot.linkVolatile(owner.link());
    return main == null ? List.of() : main.copyFront();
  }
}
