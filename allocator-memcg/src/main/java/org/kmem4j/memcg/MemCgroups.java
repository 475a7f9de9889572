package org.kmem4j.memcg;

import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.agrona.concurrent.Agent;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.Leftovers;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgEvent;
import org.kmem4j.memcg.group.Refusal;
import org.kmem4j.memcg.reclaim.Reclaimer;
import org.kmem4j.memcg.reclaim.Shrinker;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.sync.PerThread;

/**
 * The memory cgroups of one allocator: a tree of limits. Any thread may call any method.
 *
 * <p>Background work (reclaim above {@code high}, releasing groups that were closed, telling
 * listeners) is part of the allocator's {@link SlabAllocator#agent}.
 */
public final class MemCgroups implements AutoCloseable {
  private final SlabAllocator allocator;
  private final GroupTree tree;
  private final Reclaimer reclaimer;
  private final Agent agent = new Background();
  private boolean closed; // guarded by this

  private MemCgroups(SlabAllocator allocator) {
    this.allocator = allocator;
    this.tree = new GroupTree(allocator.slabs());
    this.reclaimer = new Reclaimer(tree);
    tree.setReclaim(reclaimer);
    allocator.addWork(agent);
  }

  /** A tree of one group, the root, whose caches are those of {@code allocator}. */
  public static MemCgroups on(SlabAllocator allocator) {
    return new MemCgroups(allocator);
  }

  /** For tests. */
  GroupTree tree() {
    return tree;
  }

  /** The group above all others. */
  public MemCgroup root() {
    return tree.root();
  }

  /**
   * Makes a group, and those above it that do not exist.
   *
   * @param path such as {@code /tenants/acme}
   * @throws IllegalArgumentException if the path is illegal or the group exists
   */
  public MemCgroup create(String path) {
    String[] names = names(path);
    if (names.length == 0) {
      throw new IllegalArgumentException("path=\"/\": the root exists already");
    }
    MemCgroup at = tree.root();
    for (int i = 0; i < names.length - 1; i++) {
      MemCgroup next = at.child(names[i]);
      at = next != null ? next : at.create(names[i]);
    }
    return at.create(names[names.length - 1]);
  }

  /** The group of that path that is online, or null. */
  public MemCgroup find(String path) {
    MemCgroup at = tree.root();
    for (String name : names(path)) {
      at = at == null ? null : at.child(name);
    }
    return at;
  }

  private static String[] names(String path) {
    if (!path.startsWith("/") || path.length() > 1 && path.endsWith("/") || path.contains("//")) {
      throw new IllegalArgumentException(
          "path=\"" + path + "\": a path begins with / and has one name after each, as /tenants/a");
    }
    return path.equals("/") ? new String[0] : path.substring(1).split("/");
  }

  /** All groups that are not released, parents before children. */
  public List<MemCgroup> groups() {
    return tree.groups();
  }

  /**
   * Walks over all groups and their caches and checks that the books are right: for tests. Only
   * while nobody else uses the allocator.
   *
   * @throws AssertionError with what is wrong
   */
  public void validate() {
    tree.validate();
  }

  /** Caches that live on because of an object, although their group is closed. */
  public List<OwnedCache> lingeringCaches() {
    return tree.lingeringCaches();
  }

  /**
   * Binds the calling thread to a group, which pays from now on for what the thread allocates
   * through caches that are nobody's; for code that cannot pass a group along. If the group is
   * closed, its heir pays.
   *
   * @return ends the binding, on the same thread, and restores the one before
   */
  public Scope bind(MemCgroup group) {
    return new Scope(Objects.requireNonNull(group, "group"));
  }

  /** A thread's binding to a group. */
  public static final class Scope implements AutoCloseable {
    private final Thread thread = Thread.currentThread();
    private final Object before;
    private boolean ended;

    private Scope(MemCgroup group) {
      this.before = PerThread.bind(group);
    }

    /**
     * Ends the binding.
     *
     * @throws IllegalStateException on another thread than the one that was bound
     */
    @Override
    public void close() {
      if (!thread.equals(Thread.currentThread())) {
        throw new IllegalStateException(
            "a binding of " + thread + " was to be ended by " + Thread.currentThread());
      }
      if (!ended) {
        ended = true;
        PerThread.bind(before);
      }
    }
  }

  /**
   * Has a shrinker asked for objects when a group has no room, or uses more than its {@code high}.
   *
   * @return ends that
   */
  public Shrinker.Registration register(Shrinker shrinker) {
    return reclaimer.register(Objects.requireNonNull(shrinker, "shrinker"));
  }

  /** How often a shrinker has thrown something, which was then ignored. */
  public long shrinkerFailures() {
    return reclaimer.failures();
  }

  /**
   * Sets who is asked when no room could be made: true to try again. Called by the thread whose
   * request failed, without any lock; it may allocate and free.
   */
  public void onOutOfMemory(Predicate<Refusal> host) {
    tree.setOutOfMemory(Objects.requireNonNull(host));
  }

  /** Sets who is told of events, by the agent. */
  public void onEvent(Consumer<MemcgEvent> listener) {
    tree.setListener(Objects.requireNonNull(listener));
  }

  /** Sets who is told what a group left behind, by the thread that closed it. */
  public void onLeftovers(Consumer<Leftovers> listener) {
    tree.setLeftoversListener(Objects.requireNonNull(listener));
  }

  /**
   * Closes all groups, the root last: nobody pays any more. What the caches hold stays as it is.
   * Waits until all that nothing else refers to is released. Once the allocator is closed there is
   * nothing left to do.
   *
   * @throws IllegalStateException under a pin
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    try {
      tree.close();
    } finally {
      closed = !tree.root().isOnline() || allocator.slabs().isClosed(); // else it was refused
      if (closed) {
        allocator.removeWork(agent);
      }
    }
  }

  private final class Background implements Agent {
    @Override
    public int doWork() {
      return tree.work();
    }

    @Override
    public String roleName() {
      return "kmem4j-memcg";
    }
  }
}
