package org.kmem4j.memcg.reclaim;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongFunction;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Slot;
import org.kmem4j.sync.StackProbe;

/**
 * A walk that many share: each goes on where the last one stopped, so that together they come to
 * each group about once per round. Whoever finds that another has finished the round stops; whoever
 * arrives at its very end begins the next one, and so gets one group at least.
 *
 * <p>The model is the {@code mem_cgroup_reclaim_iter} of Linux 3.10. <b>The position is weak</b>: a
 * walk that is abandoned for ever pins nothing. It is the address of a group's struct, which may be
 * another group's by now; beside it stands how many groups below the root had been destroyed before
 * the group was chosen. A group is destroyed in this order:
 *
 * <pre>
 *   (a) no reference can be taken any more
 *   (b) it is counted in every group above it
 *   (c) a grace period
 *   (d) struct and number serve another group
 * </pre>
 *
 * <p><b>Why a position may be trusted.</b> A step reads the counter once, inside a read section,
 * and trusts the position if its cookie is that very number. The group was alive, for the walker
 * who chose it held a reference, after the cookie had been read. So its (b) came after that, and as
 * the counter is the same still, not before our reading; hence its (c) began inside our section,
 * and what the address leads to is that group. It may have passed (a), then {@code tryGet} fails.
 * With the reference the section may end.
 *
 * <p><b>Why the counter is read once.</b> The number that was compared goes along with the next
 * position: a later one could include the death of that very position, which would then be trusted.
 * In Linux, which counted a group when it was removed, that happened; here a walker's reference
 * keeps (b) away until its position is published, and the number holds without asking for that.
 *
 * <p><b>A position is lost</b> by any death below the root. A walker that has a group of its own
 * goes on behind that one. Another begins a new round, which ends those of all others: so every
 * walker comes to an end, however fast groups are destroyed.
 *
 * <p>Position, cookie and round are one immutable object, changed by CAS; who loses puts what it
 * found and tries again, so no two get the same group out of one position.
 */
class ReclaimIterator {
  /**
   * How far a round has come.
   *
   * @param group address of the group that was visited last; 0 before the first
   * @param deaths the root's counter before that group was chosen
   * @param round number of the round
   */
  private record Position(long group, long deaths, long round) {}

  private final LongFunction<MemCgroup> groups;
  private final AtomicReference<Position> position = new AtomicReference<>(new Position(0, 0, 0));

  /**
   * An iterator for one walk root; it does not refer to it.
   *
   * @param groups finds the group whose struct lies at an address, or null; leaf code
   */
  ReclaimIterator(LongFunction<MemCgroup> groups) {
    this.groups = groups;
  }

  /** Takes part in the round that is running. */
  Walk walk(MemCgroup root) {
    return new Walker(root);
  }

  /** For tests to meet a walker between its reading of the counter and its new position. */
  MemCgroup after(MemCgroup root, MemCgroup at) {
    return Walk.after(root, at);
  }

  private final class Walker implements Walk {
    private final MemCgroup root;

    /** The group that was returned last, with a reference. */
    private MemCgroup mine;

    private long round;
    private boolean ended;

    /** The root's counter, as this step has read it. */
    private long deaths;

    private Walker(MemCgroup root) {
      this.root = root;
    }

    @Override
    public MemCgroup next() {
      while (!ended) {
        Position seen = position.get();
        if (mine != null && seen.round != round) {
          break; // somebody finished the round
        }
        MemCgroup at = resolve(seen);
        boolean lost = at == null && seen.group != 0;
        MemCgroup from = lost ? mine : at;
        MemCgroup next = from == null ? root : after(root, from);
        Walk.put(root, at);
        long current = lost && mine == null ? seen.round + 1 : seen.round;
        Position fresh =
            next == null
                ? new Position(0, 0, current + 1)
                : new Position(next.address(), deaths, current);
        if (!position.compareAndSet(seen, fresh)) {
          Walk.put(root, next);
        } else if (next != null) {
          Walk.put(root, mine);
          mine = next;
          round = current;
          return next;
        } else if (mine != null) {
          break;
        } // else it arrived at the very end, and begins the next round
      }
      close();
      return null;
    }

    /** The group at a position, with a reference; null if there is none, or it is lost. */
    private MemCgroup resolve(Position seen) {
      StackProbe.probe();
      Slot slot = PerThread.find();
      Slot stripe = slot == null ? PerThread.tryLockStripe() : null;
      Slot reader = slot == null ? stripe : slot;
      if (reader == null) {
        deaths = root.deaths();
        return null; // without a section no position can be trusted
      }
      Rcu.enter(reader);
      try {
        deaths = root.deaths(); // the only reading of this step
        return seen.group != 0 && seen.deaths == deaths ? tryGet(seen.group) : null;
      } finally {
        Rcu.exit(reader);
        if (stripe != null) {
          PerThread.unlock(stripe);
        }
      }
    }

    /** In a section. */
    @SuppressWarnings("ReferenceEquality") // it is that very group or not
    private MemCgroup tryGet(long address) {
      MemCgroup group = groups.apply(address);
      return group == root || group != null && group.tryGet() ? group : null;
    }

    @Override
    public void close() {
      Walk.put(root, mine);
      mine = null;
      ended = true;
    }
  }
}
