package org.kmem4j.perf.jcstress;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.kmem4j.memcg.counter.PageCounter;
import org.kmem4j.memcg.counter.Stock;
import org.kmem4j.memory.Os;
import org.kmem4j.perf.counter.PlainGroup;

/**
 * Two groups with one parent below a root, all without limits. Structs and ids are used in turn,
 * since jcstress makes states by the thousand.
 */
class CounterState {
  static final Stock STOCK;

  private static final int STATES = 50_000;
  private static final int COUNTERS = 4;
  private static final long BASE = Os.map(PageCounter.SIZE * COUNTERS * STATES, "jcstress");
  private static final AtomicReferenceArray<PlainGroup> GROUPS =
      new AtomicReferenceArray<>(COUNTERS * STATES);
  private static final AtomicInteger NEXT = new AtomicInteger();

  static {
    STOCK = new Stock(GROUPS::get);
  }

  private final int number = Math.floorMod(NEXT.getAndIncrement(), STATES) * COUNTERS;
  final PageCounter root = counter(0, null);
  final PageCounter parent = counter(1, root);
  final PlainGroup first = group(2);
  final PlainGroup second = group(3);

  private PageCounter counter(int index, PageCounter above) {
    return new PageCounter(BASE + (number + index) * PageCounter.SIZE, above);
  }

  private PlainGroup group(int index) {
    PlainGroup group = new PlainGroup(number + index, counter(index, parent));
    GROUPS.set(number + index, group);
    return group;
  }
}
