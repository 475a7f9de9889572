package org.kmem4j.slab;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.function.LongSupplier;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Os;
import org.kmem4j.sync.Linked;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.PercpuRef;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.StackProbe;

/**
 * Pages that one owner pays for: those of a cache, or of all large blocks of an account. The first
 * word of its native struct names the owner; to hand everything over, that one word is rewritten.
 *
 * <p><b>Life.</b> What is active serves. Retired, it serves no more and empties by itself, step by
 * step, while its objects may still be freed; when the last page and the last running operation are
 * gone, so is it:
 *
 * <pre>
 *   ACTIVE      fronts, barn, empty slabs
 *   RETIRED     no front is attached any more            a grace period
 *   KILLED      its fronts were unlinked                 a grace period
 *   DRAINED     no front, no barn, no empty slab         until the last reference is put
 *   EMPTY       nobody finds it                          a grace period
 *   RELEASED    its struct and its number serve others
 * </pre>
 *
 * <p><b>References</b>: one for each slab or large block, one for each running slow path, and the
 * initial one until it is drained. A fast path holds none: its read section is its reference, for
 * fronts are unlinked a grace period before the initial reference is put, and the number by which a
 * fast path finds a front ends a grace period before it is used again.
 *
 * <p>The steps are made by {@link Retirement}, on the thread that does the background work.
 */
@SuppressWarnings("exports") // Linked is for the modules above alone
public abstract sealed class OwnedCache extends Linked permits KmemCache, LargeBlocks {
  /** Offset of the owner word in the struct of every kind of cache. */
  static final long MEMCG = 0;

  /** What an attempt returns that the ceiling or the system refused, see {@link #insist}. */
  static final long NO_PAGES = 0;

  /** What an attempt returns that the account refused. */
  static final long NO_CHARGE = -1;

  /** What an attempt returns that the object account refused. */
  static final long NO_OBJECT_CHARGE = -2;

  /** Where a cache is in its life. */
  enum State {
    ACTIVE,
    RETIRED,
    KILLED,
    DRAINED,
    EMPTY,
    RELEASED
  }

  private static final VarHandle STATE;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(OwnedCache.class, "state", State.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  final Slabs slabs;
  final long address;
  final Account account;
  private final Retirement retirement;
  private final PercpuRef ref;

  /** Written by {@link Retirement} alone, but for the first step. */
  volatile State state = State.ACTIVE;

  /** Whether the account has it in its books. Written before it is visible to others. */
  boolean linked;

  /**
   * A cache that nobody knows yet.
   *
   * @param structBytes size of its struct
   * @param account who pays, or null
   * @throws OutOfNativeMemoryException if there is no room for another struct
   */
  OwnedCache(Slabs slabs, long structBytes, Account account) {
    this.slabs = slabs;
    this.account = account;
    try {
      this.retirement = new Retirement(this);
      this.ref = new PercpuRef(retirement::end);
    } catch (OutOfMemoryError e) {
      PerThread.giveLink(endLink());
      throw e;
    }
    this.address = hasLink() ? slabs.metadata().tryAllocate(structBytes) : 0;
    if (address == 0) {
      String usedUp = hasLink() ? "the metadata range is" : "all numbers of this process are";
      if (hasLink()) {
        PerThread.giveLink(endLink()); // no thread has seen it
      }
      long used = slabs.metadata().usedBytes();
      throw new OutOfNativeMemoryException(
          "no room for another cache: " + usedUp + " used up", structBytes, used, used, null);
    }
    Memory.putLong(address + MEMCG, account == null ? 0 : account.address());
  }

  // ------------------------------------------------------------------ for accounts

  /** Shown in reports. */
  public abstract String name();

  /** Address of the native struct. */
  public final long address() {
    return address;
  }

  /**
   * Address of the one word that says who pays: the address of a struct, or 0 for nobody. Accounts
   * read it inside a section and rewrite it.
   */
  public final long ownerWord() {
    return address + MEMCG;
  }

  /** Who paid when the cache was made, or null: nobody ever did. */
  public final Account account() {
    return account;
  }

  /** Pages that are charged. */
  public abstract long pages();

  /** Pages that it takes at least to get one object more. */
  public abstract long leastPages();

  /** Objects in the hands of the program: exact at rest. Touches no page. */
  public abstract long usedObjects();

  /** Bytes of an object, or the mean of a block. */
  public abstract long bytesPerObject();

  /** Whether the cache has begun to end. */
  public final boolean isRetired() {
    return state != State.ACTIVE;
  }

  /**
   * Begins the end of a cache that is not needed any more: it gets no new objects, and vanishes
   * with the last one. Returns at once; the rest is background work. A second call does nothing.
   */
  public final void retire() {
    tryBeginRetirement();
  }

  /** As {@link #retire}; false if somebody else began it. */
  final boolean tryBeginRetirement() {
    return retirement.begin();
  }

  final boolean tryRetire() {
    return STATE.compareAndSet(this, State.ACTIVE, State.RETIRED);
  }

  /** Takes all fronts away; they are emptied after a grace period. */
  public abstract void unlinkFronts();

  /** Takes back what threads have cached of this, waiting for a grace period for a bounded time. */
  public final void collect() {
    slabs.drain(List.of(this), slabs.settings().waitNanos());
  }

  /** What is thrown if the owner of this says no more than no. */
  public final OutOfNativeMemoryException refusedByAccount(long pages) {
    return slabs.refusedBy("the account of cache \"" + name() + '"', pages << Os.PAGE_SHIFT);
  }

  // ------------------------------------------------------------------ its life

  /**
   * Counts a slow operation, which keeps the cache from ending.
   *
   * @return false if it is ending already
   */
  final boolean enter() {
    if (!ref.tryGet()) {
      return false;
    }
    if (state != State.ACTIVE) {
      ref.put(1);
      return false;
    }
    return true;
  }

  /** Counts a slow operation on an object that is alive, or seems to be; false if it is not. */
  final boolean enterForLiveObject() {
    return ref.tryGet();
  }

  final void leave() {
    try {
      if (state != State.ACTIVE) {
        dropEmpty(); // what the operation has left behind nobody else would find
      }
    } finally { // it may report damage
      ref.put(1);
    }
  }

  /** Counts someone who only reads numbers; false if there are none any more. */
  final boolean enterToLook() {
    StackProbe.probe(); // for the section in which references are counted
    return ref.tryGet();
  }

  /** Touches no page, unlike {@link #leave}. */
  final void leaveUntouched() {
    ref.put(1);
  }

  /** References for slabs or blocks that were added, by a running operation. */
  final void addReferences(long count) {
    ref.get(count);
  }

  /** Ends the references of slabs or blocks; the last may end the cache. */
  final void dropReferences(long count) {
    ref.put(count);
  }

  final void kill() {
    ref.kill();
  }

  /** Ends the initial reference, a grace period after {@link #kill}. */
  final void confirm() {
    ref.confirm();
  }

  /** References now; exact at rest. */
  final long references() {
    return ref.count();
  }

  /** References that stand for slabs, blocks or children; a recent number. */
  abstract long holdings();

  /** Stops being found; the first step of the end. */
  abstract void hide();

  /** Empties what no front and no barn may hold any more. */
  abstract void drain();

  /** Releases what is empty. */
  abstract void dropEmpty();

  /** Begins the end of what cannot outlive this. */
  void retireChildren() {}

  /** Gives back what a cache has that could not be made, and that nobody has seen. */
  final void abandon(long bytes) {
    slabs.metadata().free(address, bytes);
    PerThread.giveLink(endLink());
  }

  /** The last reference is gone: nobody may take an address for one of this cache any more. */
  void vanish() {}

  /** Everything is given back. */
  void released() {}

  /** Size of the native struct. */
  abstract long structBytes();

  // ------------------------------------------------------------------ who pays

  /** Who pays now, as messages name it; null for nobody. */
  final String payerName() {
    Account payer = account == null ? null : account.heir();
    return payer == null ? null : payer.toString();
  }

  final boolean tryCharge(long pages) {
    return account == null || account.tryCharge(this, pages);
  }

  final void uncharge(long pages) {
    if (account != null && pages > 0) {
      account.uncharge(this, pages);
    }
  }

  /**
   * Tries until there is a result, making room in between as often as that helps.
   *
   * @param attempt returns what it got, or who refused
   * @param bytes what is asked for
   * @param pages what the account is asked for at once, at least
   * @throws OutOfNativeMemoryException if there is no room
   */
  final long insist(LongSupplier attempt, long bytes, long pages) {
    int refusedByAccount = 0;
    int refusedByPages = 0;
    Runnable keptRoom = null;
    while (true) {
      long result;
      try {
        result = attempt.getAsLong();
      } finally {
        if (keptRoom != null) {
          keptRoom.run();
          keptRoom = null;
        }
      }
      if (result > 0) {
        return result;
      } else if (result == NO_CHARGE) {
        keptRoom = account.makeRoom(this, pages, refusedByAccount++);
      } else if (result == NO_OBJECT_CHARGE) {
        throw slabs.refusedBy("the object account of cache \"" + name() + '"', bytes);
      } else if (refusedByPages++ == 0) {
        slabs.reclaim();
      } else {
        throw slabs.refused(bytes);
      }
    }
  }

  /** For what must not be called where a grace period would wait for its caller. */
  static void checkMayWait(String what) {
    Rcu.checkNotReading(what);
    if (CacheSlabs.isConstructing()) {
      throw new IllegalStateException(what + " was called by the constructor of an object");
    }
  }
}
