package org.kmem4j.memcg.group;

import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import org.kmem4j.memcg.group.MemcgEvent.Kind;

/** How often what happened at one group, and at those below it. Made of nothing until it does. */
final class Events {
  private static final int KINDS = Kind.values().length;

  /** Hierarchical counts, then local ones, then those that the listener knows. Or null. */
  private volatile AtomicLongArray counts;

  void raise(Kind kind) {
    some().getAndIncrement(kind.ordinal());
  }

  void raiseLocal(Kind kind) {
    some().getAndIncrement(KINDS + kind.ordinal());
  }

  private AtomicLongArray some() {
    if (counts == null) {
      synchronized (this) {
        if (counts == null) {
          counts = new AtomicLongArray(3 * KINDS);
        }
      }
    }
    return counts;
  }

  long hierarchical(Kind kind) {
    return counts == null ? 0 : counts.get(kind.ordinal());
  }

  long local(Kind kind) {
    return counts == null ? 0 : counts.get(KINDS + kind.ordinal());
  }

  /** Adds what happened here since this was asked last. By one thread at a time. */
  void collectNews(String group, List<MemcgEvent> news) {
    if (counts == null) {
      return;
    }
    for (Kind kind : Kind.values()) {
      long now = local(kind);
      if (counts.getAndSet(2 * KINDS + kind.ordinal(), now) != now) {
        news.add(new MemcgEvent(group, kind, now));
      }
    }
  }
}
