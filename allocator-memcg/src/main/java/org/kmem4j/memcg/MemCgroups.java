package org.kmem4j.memcg;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.agrona.concurrent.Agent;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.Leftovers;
import org.kmem4j.memcg.group.LeftoversException;
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
 * <p><b>Limits</b> come from properties called {@code kmem4j.memcg.<path>.<limit>}, where the limit
 * is {@code max}, {@code high}, {@code low} or {@code min}, and a path may have {@code *} for one
 * name: {@code kmem4j.memcg./tenants/*.max=64m}. They are read from the system properties, and from
 * the properties file that {@code kmem4j.config} names, when this is made; a group gets its limits
 * when it is created. An exact path beats a pattern, and of two patterns the one with more names. A
 * property beats the file that says otherwise about the same pattern. Who writes at run time
 * ({@link #apply}, {@link #reload}, the setters of {@link MemCgroup}, the MBean) beats what was
 * there before: setters for the group they are called on, the others for groups to come as well.
 *
 * <p>Background work (reclaim above {@code high}, releasing groups that were closed, telling
 * listeners) is part of the allocator's {@link SlabAllocator#agent}.
 */
public final class MemCgroups implements AutoCloseable {
  private final SlabAllocator allocator;
  private final GroupTree tree;
  private final Reclaimer reclaimer;
  private final Agent agent = new Background();
  private final AtomicBoolean closing = new AtomicBoolean();
  private LimitRules rules; // guarded by this
  private Management management; // the same

  private MemCgroups(SlabAllocator allocator, LimitRules rules, boolean strict) {
    this.allocator = allocator;
    this.rules = rules;
    this.tree = new GroupTree(allocator.slabs());
    this.reclaimer = new Reclaimer(tree);
    tree.setReclaim(reclaimer);
    tree.setStrict(strict);
    tree.changeLimits(rules::of, rules::of).run();
    allocator.addWork(agent);
    allocator.addToUnmap(tree::unmap);
  }

  /**
   * A tree of one group, the root, whose caches are those of {@code allocator}, with limits from
   * the system properties and the file that {@code kmem4j.config} names.
   *
   * @throws IllegalArgumentException if a property is not understood, or the file cannot be read:
   *     the message says which, and what is accepted
   */
  public static MemCgroups on(SlabAllocator allocator) {
    Properties system = System.getProperties();
    String file = system.getProperty(MemcgPropertyNames.CONFIG);
    LimitRules rules = LimitRules.atStart(file == null ? new Properties() : read(file), system);
    String strict = system.getProperty(MemcgPropertyNames.STRICT, "false");
    if (!strict.equals("true") && !strict.equals("false")) {
      throw new IllegalArgumentException(
          "-D"
              + MemcgPropertyNames.STRICT
              + '='
              + strict
              + " is not understood; accepted: true or false");
    }
    return new MemCgroups(allocator, rules, strict.equals("true"));
  }

  /** For tests. */
  GroupTree tree() {
    return tree;
  }

  private static Properties read(String file) {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(file))) {
      properties.load(reader);
    } catch (IOException | IllegalArgumentException e) { // the latter: no path, or a bad escape
      throw new IllegalArgumentException(
          "-D"
              + MemcgPropertyNames.CONFIG
              + '='
              + file
              + " cannot be read: "
              + e
              + "; accepted: the name of a file of properties in UTF-8",
          e);
    }
    return properties;
  }

  // ------------------------------------------------------------------ limits

  /**
   * Sets limits of all groups that exist and those to come: all or, if one is bad, none. Where
   * usage is above a new limit, room is made as far as that goes; then requests are refused.
   *
   * @param properties called {@code kmem4j.memcg.<path>.<limit>}; names that do not begin with
   *     {@code kmem4j.} are not looked at
   * @throws IllegalArgumentException if a name beginning with {@code kmem4j.} is another one, a
   *     value is no size, or a {@code min} would be above a {@code max}; nothing was changed
   */
  public void apply(Properties properties) {
    Runnable enforce;
    synchronized (this) {
      LimitRules changed = rules.with(properties);
      enforce = tree.changeLimits(changed::latestOf, changed::of);
      rules = changed;
    }
    enforce.run(); // may call the program
  }

  /**
   * Reads the file again that {@code kmem4j.config} names, and {@linkplain #apply applies} it. What
   * it does not name any more stays as it is.
   *
   * @throws IllegalStateException if there is no such property
   * @throws IllegalArgumentException if the file cannot be read, or as {@link #apply} does; nothing
   *     was changed
   */
  public void reload() {
    String file = System.getProperty(MemcgPropertyNames.CONFIG);
    if (file == null) {
      throw new IllegalStateException(
          "there is nothing to reload: no -D" + MemcgPropertyNames.CONFIG + "=<file> was given");
    }
    apply(read(file));
  }

  /**
   * Registers these groups with the platform's MBean server, until {@link #close}. A second call
   * does nothing.
   *
   * @return the name of the MBean, a {@link MemCgroupsMXBean}; each allocator has its own
   * @throws IllegalStateException after {@link #close}
   */
  public synchronized String registerMBean() {
    if (closing.get()) {
      throw new IllegalStateException("the groups are closed");
    }
    if (management == null) {
      management = Management.register(this, allocator);
    }
    return management.name();
  }

  private synchronized void unregisterMBean() {
    if (management != null) {
      management.unregister();
    }
  }

  // ------------------------------------------------------------------ groups

  /** The group above all others. */
  public MemCgroup root() {
    return tree.root();
  }

  /**
   * Makes a group, and those above it that do not exist.
   *
   * @param path such as {@code /tenants/acme}, of at most {@value MemCgroup#MAX_DEPTH} names
   * @throws IllegalArgumentException if the path is illegal or the group exists; none is made
   * @throws IllegalStateException if a group above was closed meanwhile
   */
  public MemCgroup create(String path) {
    List<String> names = GroupPath.names(path);
    if (names.isEmpty()) {
      throw new IllegalArgumentException("path=\"/\": the root exists already");
    }
    MemCgroup at = tree.root();
    for (String name : names.subList(0, names.size() - 1)) {
      at = tree.findOrCreate(at, name);
    }
    return at.create(names.getLast());
  }

  /**
   * The group of that path that is online, or null.
   *
   * @throws IllegalArgumentException if the path is illegal
   */
  public MemCgroup find(String path) {
    MemCgroup at = tree.root();
    for (String name : GroupPath.names(path)) {
      at = at == null ? null : at.child(name);
    }
    return at;
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
    tree.setOutOfMemory(Objects.requireNonNull(host, "host"));
  }

  /** Sets who is told of events, by the agent. */
  public void onEvent(Consumer<MemcgEvent> listener) {
    tree.setListener(Objects.requireNonNull(listener, "listener"));
  }

  /** Sets who is told what a group left behind, by the thread that closed it. */
  public void onLeftovers(Consumer<Leftovers> listener) {
    tree.setLeftoversListener(Objects.requireNonNull(listener, "listener"));
  }

  /**
   * Makes it an error that a group leaves objects behind, as {@code -Dkmem4j.memcg.strict=true}
   * does: for tests, which reparenting would hide a leak from. {@link MemCgroup#offline} then
   * throws a {@link LeftoversException}, after the group was closed, everything was handed over,
   * and the listener was told; so nothing is lost.
   */
  public void strict(boolean on) {
    tree.setStrict(on);
  }

  /**
   * Closes all groups, the root last: nobody pays any more. What the caches hold stays as it is.
   * Waits until all that nothing else refers to is released. Once the allocator is closed there is
   * nothing left to do. A second call does nothing.
   *
   * @throws IllegalStateException under a pin
   * @throws RuntimeException what a listener threw, or a {@link LeftoversException}; all is closed
   *     nevertheless
   */
  @Override
  public void close() {
    if (!closing.compareAndSet(false, true)) {
      return;
    }
    try {
      tree.close(); // calls the program, so without a lock
    } finally {
      boolean closed = !tree.root().isOnline() || allocator.slabs().isClosed();
      closing.set(closed); // else it was refused
      if (closed) {
        unregisterMBean();
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
