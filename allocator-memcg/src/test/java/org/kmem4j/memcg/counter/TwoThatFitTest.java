package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

/**
 * Two requests that fit never refuse each other. Each scenario has a control: a counter that works
 * the kernel's way, and does refuse them.
 */
class TwoThatFitTest {
  private static final Duration TIME = Duration.ofMillis(1000);
  private static final Duration TIME_OF_A_CONTROL = Duration.ofSeconds(15);

  private final Counters counters = new Counters();
  private final Stock stock = new Stock(counters::find);
  private final Crew crew = new Crew();
  private final AtomicInteger refusals = new AtomicInteger();

  @AfterEach
  void unmap() {
    stock.unmap();
    counters.close();
  }

  /** Charges and uncharges pages for ever, and counts refusals. */
  private void startOneThatFits(LongPredicate tryCharge, LongConsumer uncharge, long pages) {
    crew.start(
        () -> {
          while (crew.goesOn()) {
            if (tryCharge.test(pages)) {
              uncharge.accept(pages);
            } else {
              refusals.incrementAndGet();
            }
          }
        });
  }

  private int refusalsUntilTheFirst() throws InterruptedException {
    long end = System.nanoTime() + TIME_OF_A_CONTROL.toNanos();
    while (refusals.get() == 0 && System.nanoTime() - end < 0) {
      Thread.sleep(1);
    }
    crew.stop();
    crew.join();
    return refusals.get();
  }

  @Test
  void siblingsThatFillTheirParentTogether() throws InterruptedException {
    PageCounter parent = counters.counter(counters.counter(null));
    parent.setMax(2);
    for (int i = 0; i < 2; i++) {
      var group = counters.group(parent);
      startOneThatFits(
          pages -> stock.tryCharge(group, pages) == null, pages -> stock.uncharge(group, pages), 1);
    }

    crew.runFor(TIME);

    assertEquals(0, refusals.get());
    assertEquals(0, parent.usage() - stock.drain(parent));
  }

  @Test
  void siblingsThatFillTheirParentTogetherTheKernelsWay() throws InterruptedException {
    var parent = new SpeculativeCounter(new SpeculativeCounter(null));
    parent.max = 2;
    for (int i = 0; i < 2; i++) {
      var child = new SpeculativeCounter(parent);
      startOneThatFits(
          pages -> child.tryCharge(Stock.BATCH) || child.tryCharge(pages), child::uncharge, 1);
    }

    assertTrue(refusalsUntilTheFirst() > 0, "the scenario shows what it is for");
  }

  @Test
  void oneThatFitsBesideOneThatIsRefusedAbove() throws InterruptedException {
    PageCounter root = counters.counter(null);
    PageCounter parent = counters.counter(root);
    root.setMax(7);
    parent.setMax(10);
    PageCounter small = counters.counter(parent);
    PageCounter large = counters.counter(parent);
    startOneThatFits(pages -> small.tryCharge(pages) == null, small::uncharge, 3);
    crew.start(
        () -> {
          while (crew.goesOn()) {
            assertNotNull(large.tryCharge(8), "it passes its parent, and fails at the root");
          }
        });

    crew.runFor(TIME);

    assertEquals(0, refusals.get());
    assertEquals(0, root.usage());
  }

  @Test
  void oneThatFitsBesideOneThatIsRefusedAboveTheKernelsWay() throws InterruptedException {
    var root = new SpeculativeCounter(null);
    var parent = new SpeculativeCounter(root);
    root.max = 7;
    parent.max = 10;
    var small = new SpeculativeCounter(parent);
    var large = new SpeculativeCounter(parent);
    startOneThatFits(small::tryCharge, small::uncharge, 3);
    crew.start(
        () -> {
          while (crew.goesOn()) {
            assertTrue(!large.tryCharge(8));
          }
        });

    assertTrue(refusalsUntilTheFirst() > 0, "the scenario shows what it is for");
  }

  /** One has pages stocked, a second thread's request needs them, a third drains all the while. */
  @Test
  void requestsThatFitWhileStocksAreDrained() throws InterruptedException {
    PageCounter parent = counters.counter(counters.counter(null));
    parent.setMax(300);
    for (int i = 0; i < 2; i++) {
      var small = counters.group(parent);
      startOneThatFits(
          pages -> stock.tryCharge(small, pages) == null, pages -> stock.uncharge(small, pages), 1);
    }
    var large = counters.group(parent);
    startOneThatFits(
        pages -> Counters.chargeDrained(stock, large, pages) == null,
        large.counter()::uncharge,
        298);
    crew.start(
        () -> {
          while (crew.goesOn()) {
            stock.drain(parent);
          }
        });

    crew.runFor(TIME);

    assertEquals(0, refusals.get());
    stock.drain(parent);
    assertEquals(0, parent.usage());
    assertNull(parent.tryCharge(300));
  }
}
