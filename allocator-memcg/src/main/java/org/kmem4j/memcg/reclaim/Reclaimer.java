package org.kmem4j.memcg.reclaim;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgEvent.Kind;
import org.kmem4j.memcg.group.Reclaim;
import org.kmem4j.memory.Os;

/**
 * Makes room in a group and those below it by asking shrinkers.
 *
 * <p>It goes over the subtree again and again, with ever more <em>priority</em>: at 12 it asks for
 * one object in 2^12, at 0 for all, though never for a larger share than it needs, and stops after
 * the pass that reached its aim. Of a group that is protected it asks in proportion to what lies
 * above the protection. What shrinkers free lies in fronts and slabs at first, so it is collected;
 * what counts is by how much usage falls.
 *
 * <p>A request at a limit looks at every group. The agent, above {@code high}, shares its walks: it
 * stops half-way when it has got enough, and goes on there the next time.
 */
public final class Reclaimer implements Reclaim {
  private static final System.Logger LOGGER = System.getLogger("org.kmem4j.memcg");

  /** The priority of the first pass; the last one's is 0. */
  private static final int FIRST_PRIORITY = 12;

  /** What is aimed at, at least, for each attempt costs grace periods. */
  private static final long LEAST_PAGES = 32;

  /** Objects after which a shared walk looks whether it has got enough. */
  private static final long BATCH = 128;

  private final GroupTree tree;
  private final List<Registered> shrinkers = new CopyOnWriteArrayList<>();
  private final AtomicLong failures = new AtomicLong();

  /** By walk root, which they do not refer to; then by priority. */
  private final Map<MemCgroup, ReclaimIterator[]> iterators =
      Collections.synchronizedMap(new WeakHashMap<>());

  /** Without shrinkers, there is never any room. */
  public Reclaimer(GroupTree tree) {
    this.tree = tree;
  }

  /** Asks a shrinker from now on. */
  public Shrinker.Registration register(Shrinker shrinker) {
    Registered registered = new Registered(shrinker);
    shrinkers.add(registered);
    return registered;
  }

  /** How often a shrinker has thrown something. */
  public long failures() {
    return failures.get();
  }

  @Override
  public long reclaim(MemCgroup top, long pages, Kind why) {
    return shrinkers.isEmpty() ? 0 : new Attempt(top, pages, why == Kind.HIGH).run();
  }

  @Override
  public void closed(MemCgroup group, MemCgroup heir) {
    Failures failed = new Failures();
    for (Registered registered : shrinkers) {
      try {
        registered.shrinker.closed(group, heir);
      } catch (Throwable e) {
        failed.add(registered.shrinker, e);
      }
    }
  }

  private ReclaimIterator iterator(MemCgroup top, int priority) {
    return iterators.computeIfAbsent(top, some -> newIterators())[Math.max(0, priority)];
  }

  private ReclaimIterator[] newIterators() {
    ReclaimIterator[] made = new ReclaimIterator[FIRST_PRIORITY + 1];
    for (int i = 0; i < made.length; i++) {
      made[i] = new ReclaimIterator(tree::groupAt);
    }
    return made;
  }

  private final class Registered implements Shrinker.Registration {
    private final Shrinker shrinker;

    private Registered(Shrinker shrinker) {
      this.shrinker = shrinker;
    }

    @Override
    public void close() {
      shrinkers.remove(this);
    }
  }

  /** What shrinkers throw: all is counted, the first is logged. */
  private final class Failures {
    private boolean logged;

    void add(Shrinker shrinker, Throwable thrown) {
      failures.incrementAndGet();
      if (!logged) {
        logged = true;
        LOGGER.log(System.Logger.Level.WARNING, "shrinker " + shrinker + " failed", thrown);
      }
    }
  }

  /** One attempt to make room. */
  private final class Attempt {
    private final MemCgroup top;
    private final boolean shared;
    private final long before;
    private final long aim;
    private final Failures failed = new Failures();

    private long freed;
    private long uncollected;
    private boolean sparedLow;

    // Of the current descent and pass.
    private boolean lowToo;
    private int priority;
    private double atMost;
    private long largest;
    private EffectiveProtection protection;

    private Attempt(MemCgroup top, long pages, boolean shared) {
      this.top = top;
      this.shared = shared;
      this.before = top.usage();
      this.aim = before - ((shared ? pages : Math.max(LEAST_PAGES, pages)) << Os.PAGE_SHIFT);
    }

    /** Returns pages gained; at least 1 if objects were freed, for one may be what is needed. */
    long run() {
      descend();
      if (sparedLow && gained() <= 0) {
        lowToo = true;
        descend();
      }
      long pages = gained() >>> Os.PAGE_SHIFT;
      return pages > 0 ? pages : Math.min(1, freed);
    }

    /** Nothing if the group was closed meanwhile: what it used is its heir's. */
    private long gained() {
      return top.isOnline() ? Math.max(0, before - top.usage()) : 0;
    }

    private boolean isEnough() {
      return !top.isOnline() || top.usage() <= aim;
    }

    private void descend() {
      priority = FIRST_PRIORITY;
      boolean more = true;
      while (more && !isEnough()) {
        largest = 0;
        protection = new EffectiveProtection(top);
        atMost = atMost();
        pass();
        collect();
        more = largest > 0 && (priority > 0 || atMost < 1);
        // Not lower than one at which something will be asked for.
        priority = Math.min(priority - 1, Long.SIZE - 1 - Long.numberOfLeadingZeros(largest));
      }
    }

    /**
     * The share of all objects that would be enough if each was as good as another. Pages come free
     * late, so behind priority 0 it is doubled, until it is all of them.
     */
    private double atMost() {
      long usage = Math.max(1, top.usage());
      double needed = (double) (usage - aim) / usage;
      return Math.min(1, Math.scalb(needed, Math.max(0, -priority)));
    }

    /** One look at every group, or at enough of them. */
    private void pass() {
      if (!shared) {
        walk(new FullWalk(top));
      } else if (!walk(iterator(top, priority).walk(top)) && !isEnough()) {
        walk(iterator(top, priority).walk(top)); // it began in the middle of a round
      }
    }

    /** Returns whether it came to all groups. */
    private boolean walk(Walk groups) {
      try (groups) {
        MemCgroup first = groups.next();
        for (MemCgroup group = first; group != null; group = groups.next()) {
          shrink(group);
          if (shared && uncollected >= BATCH) {
            collect();
            if (isEnough()) {
              return false;
            }
          }
        }
        return top.equals(first);
      }
    }

    private void collect() {
      if (uncollected > 0) {
        uncollected = 0;
        tree.collect(top);
      }
    }

    private void shrink(MemCgroup group) {
      long min = protection.min(group);
      long low = protection.low(group);
      long spared = lowToo ? min : low;
      long usage = low == 0 ? 0 : group.usage();
      if (low > 0 && usage <= spared) {
        sparedLow |= usage > min;
        return;
      }
      double share = spared == 0 ? 1 : (double) (usage - spared) / usage;
      if (shrinkAll(group, share) > 0 && low > 0 && usage <= low) {
        tree.raiseLow(group);
      }
    }

    private long shrinkAll(MemCgroup group, double share) {
      long sum = 0;
      for (Registered registered : shrinkers) {
        sum += shrink(group, registered.shrinker, share);
      }
      freed += sum;
      return sum;
    }

    /** Called without any lock: a shrinker may do what it likes. */
    private long shrink(MemCgroup group, Shrinker shrinker, double share) {
      try {
        long count = shrinker.count(group);
        largest = Math.max(largest, count);
        double asked = Math.min(count >> Math.max(0, priority), count * atMost);
        long objects = (long) Math.ceil(asked * share);
        if (objects <= 0) {
          return 0;
        }
        uncollected++; // also if it throws half-way
        long done = Math.max(0, shrinker.scan(group, objects));
        uncollected += done;
        return done;
      } catch (Throwable e) {
        failed.add(shrinker, e);
        return 0;
      }
    }
  }
}
