package org.kmem4j.memcg.counter;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.memory.Metadata;

/** Counters and groups for tests, in native memory of their own. */
public final class Counters implements AutoCloseable {
  private final Metadata memory = new Metadata(1 << 20, "counters of a test");
  private final Map<Integer, Group> groups = new ConcurrentHashMap<>();
  private final AtomicInteger ids = new AtomicInteger();

  public PageCounter counter(PageCounter parent) {
    return new PageCounter(memory.tryAllocate(PageCounter.SIZE), parent);
  }

  /** A group that is online and has one reference. */
  Group group(PageCounter parent) {
    Group group = new Group(ids.incrementAndGet(), counter(parent));
    groups.put(group.id, group);
    return group;
  }

  /** The group of an id, if it was not released. */
  Group find(int id) {
    Group group = groups.get(id);
    return group == null || group.references.get() == 0 ? null : group;
  }

  /**
   * Charges as whoever insists does.
   *
   * @return null, or a counter whose room is in use, stocks aside
   */
  static PageCounter chargeDrained(Stock stock, Group group, long pages) {
    PageCounter drained = null;
    PageCounter refused = group.counter().tryCharge(pages);
    while (refused != null && (drained == null || !refused.isWithin(drained))) {
      drained = refused; // the second time an ancestor
      drained.hold();
      try {
        stock.drain(drained);
        refused = group.counter().tryCharge(pages);
      } finally {
        drained.unhold();
      }
    }
    return refused;
  }

  @Override
  public void close() {
    memory.unmap();
  }

  /** A group with hooks. */
  static final class Group implements Chargeable {
    final AtomicInteger references = new AtomicInteger(1);
    volatile boolean online = true;
    volatile Runnable onTryGet = () -> {};
    volatile Runnable onPut = () -> {};

    private final int id;
    private final PageCounter counter;

    private Group(int id, PageCounter counter) {
      this.id = id;
      this.counter = counter;
    }

    @Override
    public PageCounter counter() {
      return counter;
    }

    @Override
    public int stockId() {
      return id;
    }

    @Override
    public boolean isOnline() {
      return online;
    }

    @Override
    public boolean tryGet() {
      onTryGet.run();
      return references.getAndUpdate(count -> count == 0 ? 0 : count + 1) > 0;
    }

    @Override
    public void put() {
      onPut.run();
      if (references.decrementAndGet() < 0) {
        throw new AssertionError("a reference was put twice");
      }
    }
  }
}
