package org.kmem4j.memcg.group;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.kmem4j.memcg.counter.Stock;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Slabs;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.SpinLock;

/**
 * The groups of one allocator, and what they share: numbers, stock, the lock that guards who owns
 * which cache, the queue of what the agent is to look at.
 *
 * <p><b>Lock.</b> {@link #lock} is taken when caches are linked and unlinked, when groups are
 * created, closed and released. Nothing waits, charges or calls the program under it; it is never
 * taken to charge, nor by what reads statistics of one group.
 */
public final class GroupTree {
  private static final int INDEX_BITS = 20;
  private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
  private static final int GENERATIONS = 1 << 11;

  private static final long PATIENCE_NANOS = 100_000_000;

  /** Groups that can exist at once, those that are dying included. */
  public static final int MAX_GROUPS = 1 << 17;

  final Object lock = new Object();

  /**
   * Held while limits are checked and stored, and while a group is made with its limits: so that no
   * two changes make a bad pair. Before {@link #lock}. Leaf code but for that: making room below a
   * new limit comes afterwards.
   */
  final Object limitsLock = new Object();

  final Slabs slabs;
  final Stock stock = new Stock(this::cssOf);

  /** By index; grown by copying, under the lock. */
  private volatile AtomicReferenceArray<MemCgroup> table = new AtomicReferenceArray<>(64);

  /**
   * Ids that were used before, oldest first: a ring with room for all there are, so that giving one
   * back takes no memory. Guarded by the lock, as all of this.
   */
  private int[] freeIds = new int[64];

  private int firstFree;
  private int freeCount;

  private int usedIndices; // guarded by the lock; 0 is nobody's
  private long nextSerial; // guarded by the lock

  private boolean closing; // guarded by the lock

  private final ConcurrentLinkedQueue<MemCgroup> toLookAt = new ConcurrentLinkedQueue<>();

  private volatile Reclaim reclaim = (top, pages, why) -> 0;
  private volatile Predicate<Refusal> outOfMemory = refusal -> false;
  private volatile Consumer<MemcgEvent> listener = event -> {};
  private volatile Consumer<Leftovers> leftoversListener = left -> {};
  private volatile boolean strict;

  /** The limits that a new group gets. Guarded by {@link #limitsLock}. */
  private Function<MemCgroup, Map<Limit, Long>> limitsOfNew = group -> Map.of();

  private final MemCgroup root;

  /** A tree that consists of a root without limits. */
  public GroupTree(Slabs slabs) {
    this.slabs = slabs;
    this.root = create(null, "");
  }

  /** The group above all others. It cannot be closed but with the tree. */
  public MemCgroup root() {
    return root;
  }

  // ------------------------------------------------------------------ numbers

  /** Makes a group that is online at once, with its limits. */
  MemCgroup create(MemCgroup parent, String name) {
    synchronized (limitsLock) {
      return createLimited(parent, name);
    }
  }

  /** The group of that name below another, made if there is none. */
  public MemCgroup findOrCreate(MemCgroup parent, String name) {
    synchronized (limitsLock) { // no other group is made meanwhile
      MemCgroup present = parent.child(name);
      return present != null ? present : createLimited(parent, name);
    }
  }

  private MemCgroup createLimited(MemCgroup parent, String name) {
    synchronized (lock) {
      if (parent != null) {
        checkAllocatorOpen();
        parent.checkMayHaveChild(name);
        if (closing) {
          throw new IllegalStateException("the groups are being closed: there are no new ones");
        }
      }
      int id = takeId();
      long address = slabs.tryAllocateStruct(MemCgroup.SIZE);
      if (address == 0) {
        giveId(id);
        throw new IllegalStateException("no room for another group: the metadata range is used up");
      }
      boolean done = false;
      try {
        MemCgroup group = new MemCgroup(this, parent, name, ++nextSerial, id, address);
        group.storeLimits(limitsOfNew.apply(group));
        table.set(id & INDEX_MASK, group);
        if (parent != null) {
          parent.adopt(group);
        }
        done = true;
        return group;
      } finally {
        if (!done) { // there was no room on the Java heap
          table.set(id & INDEX_MASK, null);
          giveId(id);
          slabs.freeStruct(address, MemCgroup.SIZE);
        }
      }
    }
  }

  /** Guarded by the lock. */
  private void giveId(int id) {
    freeIds[(firstFree + freeCount) % freeIds.length] = id;
    freeCount++;
  }

  /** Guarded by the lock. */
  private int takeId() {
    if (usedIndices >= 63 && freeCount > 0) { // late, so that stale ones show
      int used = freeIds[firstFree];
      firstFree = (firstFree + 1) % freeIds.length;
      freeCount--;
      return used;
    }
    if (usedIndices == MAX_GROUPS - 1) {
      throw new IllegalStateException("more than " + MAX_GROUPS + " groups, dying ones included");
    }
    if (usedIndices + 1 == table.length()) {
      grow();
    }
    usedIndices++;
    return usedIndices;
  }

  /** Guarded by the lock. */
  private void grow() {
    var larger = new AtomicReferenceArray<MemCgroup>(2 * table.length());
    for (int i = 0; i < table.length(); i++) {
      larger.set(i, table.get(i));
    }
    int[] ring = new int[larger.length()];
    for (int i = 0; i < freeCount; i++) {
      ring[i] = freeIds[(firstFree + i) % freeIds.length];
    }
    freeIds = ring;
    firstFree = 0;
    table = larger;
  }

  /** The end of a group: nothing leads to its struct or number any more. */
  void forget(MemCgroup group) {
    synchronized (lock) {
      int id = group.css().stockId();
      table.set(id & INDEX_MASK, null);
      int generation = ((id >>> INDEX_BITS) + 1) % GENERATIONS;
      giveId(id & INDEX_MASK | generation << INDEX_BITS);
      Memory.fill(group.address(), MemCgroup.SIZE, (byte) 0x6b); // a late look shows
      slabs.freeStruct(group.address(), MemCgroup.SIZE);
    }
  }

  private MemCgroup indexed(int index) {
    AtomicReferenceArray<MemCgroup> present = table;
    return index < present.length() ? present.get(index) : null;
  }

  private Css cssOf(int id) {
    MemCgroup group = indexed(id & INDEX_MASK);
    return group == null || group.css().stockId() != id ? null : group.css();
  }

  // ------------------------------------------------------------------ limits

  /**
   * Changes limits of all groups, and those that new ones get: all of them or, if that would leave
   * a group with a bad pair, none.
   *
   * @param changes what changes at a group that exists
   * @param ofNew what a new group gets
   * @return makes room where usage is above a new limit; to be run without any lock
   * @throws IllegalArgumentException if nothing was changed
   */
  public Runnable changeLimits(
      Function<MemCgroup, Map<Limit, Long>> changes, Function<MemCgroup, Map<Limit, Long>> ofNew) {
    Map<MemCgroup, Map<Limit, Long>> changed = new LinkedHashMap<>();
    synchronized (limitsLock) {
      for (MemCgroup group : groups()) {
        Map<Limit, Long> some = group.isOnline() ? changes.apply(group) : Map.of();
        if (!some.isEmpty()) {
          group.checkLimits(some);
          changed.put(group, some);
        }
      }
      limitsOfNew = ofNew;
      changed.forEach(MemCgroup::storeLimits);
    }
    return () -> changed.keySet().forEach(MemCgroup::enforceLimits);
  }

  // ------------------------------------------------------------------ who pays

  /**
   * Who pays for a cache now: the group that its owner word names, or the nearest above it that is
   * online; null for nobody. The caller knows that the cache has not ended.
   *
   * <p>The answer may be old when it arrives: who needs it to be alive takes a reference and asks
   * again. The struct that the word led to may have been released and reused between the two reads;
   * its memory stays readable, and the group that is found by its number has another address then.
   */
  MemCgroup payerOf(OwnedCache cache) {
    while (true) {
      long word = Memory.getLongAcquire(cache.ownerWord()); // pairs with reparenting
      if (word == 0) {
        return null;
      }
      MemCgroup owner = groupAt(word);
      if (owner != null) {
        return owner.nearestOnline();
      }
    }
  }

  /**
   * The group whose struct lies at an address that was a group's once; null if none does now. Leaf
   * code.
   */
  public MemCgroup groupAt(long address) {
    MemCgroup group = indexed(Memory.getInt(address + MemCgroup.ID) & INDEX_MASK);
    return group != null && group.address() == address ? group : null;
  }

  /** The group that a cache's owner word names. Guarded by the lock. */
  MemCgroup ownerOf(OwnedCache cache) {
    long word = Memory.getLong(cache.ownerWord());
    return word == 0 ? null : indexed(Memory.getInt(word + MemCgroup.ID) & INDEX_MASK);
  }

  // ------------------------------------------------------------------ what the program is asked

  /** Whether the calling thread makes room: what it charges meanwhile is refused at once. */
  boolean isReclaiming() {
    return slabs.isAskedForRoom();
  }

  /** Runs shrinkers, as often as that helps. Returns pages given back. */
  long reclaim(MemCgroup top, long pages, MemcgEvent.Kind why) {
    if (!slabs.beginAskingForRoom()) {
      return 0;
    }
    try {
      return reclaim.reclaim(top, pages, why);
    } finally {
      slabs.endAskingForRoom();
    }
  }

  /** Asks the program; what it asks for meanwhile is refused without asking it. */
  boolean mayTryAgain(Refusal refusal) {
    if (!slabs.beginAskingForRoom()) {
      return false;
    }
    try {
      return outOfMemory.test(refusal);
    } finally {
      slabs.endAskingForRoom();
    }
  }

  /**
   * Takes back what threads have cached of a subtree, all of it if that is possible in a tenth of a
   * second: whoever went on by a usage that is about to fall would take too much.
   */
  public void collect(MemCgroup top) {
    top.collect();
    if (slabs.isDraining() && Rcu.synchronize(PATIENCE_NANOS)) {
      top.collect();
    }
  }

  /** Counts that what {@code low} protects was reclaimed nevertheless. */
  public void raiseLow(MemCgroup group) {
    group.raise(MemcgEvent.Kind.LOW);
  }

  /** What makes room in a subtree, beyond what threads have cached. */
  public void setReclaim(Reclaim some) {
    reclaim = some;
  }

  public void setOutOfMemory(Predicate<Refusal> some) {
    outOfMemory = some;
  }

  public void setListener(Consumer<MemcgEvent> some) {
    listener = some;
  }

  public void setLeftoversListener(Consumer<Leftovers> some) {
    leftoversListener = some;
  }

  /** Whether leaving something behind is an error. */
  public void setStrict(boolean on) {
    strict = on;
  }

  /** A group is offline; its heir owns what it had. */
  void closed(MemCgroup group, MemCgroup heir) {
    reclaim.closed(group, heir);
  }

  /**
   * Tells what a group left behind.
   *
   * @throws LeftoversException if it left something and that is an error
   */
  void tell(Leftovers left) {
    leftoversListener.accept(left);
    if (strict && !left.isEmpty()) {
      throw new LeftoversException(left);
    }
  }

  /** Gives native memory back. Nobody may charge or uncharge from here on. */
  public void unmap() {
    stock.unmap();
  }

  // ------------------------------------------------------------------ the agent

  void lookAtLater(MemCgroup group) {
    toLookAt.add(group);
  }

  /**
   * Background work: reclaims above {@code high}, tells of events. By one thread at a time.
   *
   * @return groups looked at
   */
  public int work() {
    int looked = 0;
    RuntimeException failure = null;
    int most = toLookAt.size(); // a look may raise events, which are for the next time
    while (looked < most) {
      MemCgroup group = toLookAt.remove();
      looked++;
      List<MemcgEvent> events = new ArrayList<>();
      group.lookAt(events);
      for (MemcgEvent event : events) {
        try {
          listener.accept(event);
        } catch (RuntimeException e) { // the program's; the other events are told of nevertheless
          failure = e;
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
    return looked;
  }

  /** All groups that are not released, parents before children, siblings by age. */
  public List<MemCgroup> groups() {
    List<MemCgroup> all = new ArrayList<>();
    root.collect(all);
    return all;
  }

  /**
   * Walks over all groups and checks that the books are right. Only while nobody else uses the
   * allocator.
   *
   * @throws AssertionError with what is wrong
   */
  public void validate() {
    new GroupValidator(this).run();
  }

  /** Caches that live on because of an object, although their group is closed. */
  public List<OwnedCache> lingeringCaches() {
    return groups().stream()
        .flatMap(group -> group.owned().stream())
        .filter(OwnedCache::isRetired)
        .toList();
  }

  void checkAllocatorOpen() {
    if (slabs.isClosed()) {
      throw new IllegalStateException("the allocator is closed");
    }
  }

  /**
   * Closes all groups, the root last, and waits until all are released that nothing refers to.
   *
   * @throws RuntimeException what a listener threw, or a report on damage that came to light; all
   *     is closed nevertheless
   */
  public void close() {
    slabs.checkMayEnd("close() of groups");
    synchronized (lock) {
      closing = true;
    }
    if (slabs.isClosed()) {
      return; // with it all caches have ended, and the structs of all groups are gone
    }
    RuntimeException failure = null;
    List<MemCgroup> all = groups();
    for (int i = all.size() - 1; i > 0; i--) {
      try {
        all.get(i).tryOffline();
      } catch (RuntimeException e) {
        failure = with(failure, e);
      }
    }
    root.closeAsRoot();
    for (int round = 0; slabs.endings().size() > 0 && !slabs.endings().isStopped(); round++) {
      try {
        if (slabs.endings().advance(Long.MAX_VALUE) == 0) {
          SpinLock.pause(round);
        }
      } catch (RuntimeException e) {
        failure = with(failure, e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private static RuntimeException with(RuntimeException first, RuntimeException next) {
    if (first == null) {
      return next;
    }
    if (!first.equals(next)) { // a listener may throw the same again
      first.addSuppressed(next);
    }
    return first;
  }
}
