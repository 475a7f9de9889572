package org.kmem4j.perf.counter;

import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.memcg.counter.Chargeable;
import org.kmem4j.memcg.counter.PageCounter;

/** A group that is no more than its counter, and never goes offline. */
public final class PlainGroup implements Chargeable {
  private final int id;
  private final PageCounter counter;
  private final AtomicInteger references = new AtomicInteger(1);

  public PlainGroup(int id, PageCounter counter) {
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
    return true;
  }

  @Override
  public boolean tryGet() {
    references.incrementAndGet();
    return true;
  }

  @Override
  public void put() {
    references.decrementAndGet();
  }

  public int references() {
    return references.get();
  }
}
