package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.memcg.counter.Counters.Group;

/** Charging makes no garbage on the Java heap, refusals and drains included. */
class NoGarbageTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final int ROUNDS = 2000;
  private static final int ATTEMPTS = 40;

  private final Counters counters = new Counters();
  private final Group[] groups = new Group[16]; // an array: a map would box their ids
  private final Stock stock = new Stock(id -> groups[id]);
  private final PageCounter root = counters.counter(null);

  @AfterEach
  void unmap() {
    stock.unmap();
    counters.close();
  }

  private Group group() {
    Group group = counters.group(root);
    groups[group.stockId()] = group;
    return group;
  }

  private static long garbage(Runnable run) {
    long best = Long.MAX_VALUE;
    for (int attempt = 0; attempt < ATTEMPTS && best > 0; attempt++) {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < ROUNDS; i++) {
        run.run();
      }
      best = Math.min(best, THREADS.getCurrentThreadAllocatedBytes() - before);
    }
    return best;
  }

  @Test
  void chargingAndUnchargingMakesNone() {
    PageCounter counter = counters.counter(root);

    assertEquals(
        0,
        garbage(
            () -> {
              counter.tryCharge(3);
              counter.uncharge(3);
            }));
  }

  @Test
  void aRefusalMakesNone() {
    Group group = group();
    root.setMax(5);

    assertEquals(0, garbage(() -> stock.tryCharge(group, 6)));
    assertEquals(0, garbage(() -> Counters.chargeDrained(stock, group, 6)));
  }

  @Test
  void theStockMakesNoneEvenIfItMissesAndIsDrained() {
    Group[] mine = new Group[Stock.ENTRIES + 2];
    for (int i = 0; i < mine.length; i++) {
      mine[i] = group();
      mine[i].tryGet();
    }

    assertEquals(
        0,
        garbage(
            () -> {
              for (Group group : mine) {
                stock.tryCharge(group, 30);
                stock.uncharge(group, 20);
                stock.uncharge(group, 10);
              }
              stock.drain(root);
            }));
  }
}
