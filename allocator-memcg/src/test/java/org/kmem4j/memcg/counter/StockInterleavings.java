package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Scene;
import org.kmem4j.sync.PerThread;

/** A stock and who drains it, step by step. */
final class StockInterleavings {
  private final Counters counters = new Counters();
  private final Stock stock = new Stock(counters::find);
  private final PageCounter root = counters.counter(null);
  private final Counters.Group group = counters.group(root);

  @Test
  void aPageThatIsConsumedAndToppedUpWhileOthersDrainIsCountedOnce() {
    Interleavings.explore(
        () ->
            Scene.of(
                () -> {
                  stock.drain(root);
                  assertEquals(1, group.counter().usage());
                  assertEquals(1, group.references.get());
                  group.counter().uncharge(1);
                },
                () -> {
                  PerThread.find();
                  stock.tryCharge(group, 1);
                  stock.tryCharge(group, 1);
                  stock.uncharge(group, 1);
                },
                () -> stock.drain(group.counter())));
  }

  @Test
  void nothingIsStockedOnceAGroupIsOfflineAndItsStocksAreDrained() {
    Interleavings.explore(
        () -> {
          group.online = true;
          return Scene.of(
              () -> {
                assertEquals(0, stock.entries(group));
                assertEquals(1, group.counter().usage());
                group.counter().uncharge(1);
              },
              () -> {
                PerThread.find();
                stock.tryCharge(group, 1);
              },
              () -> {
                Interleavings.step();
                group.online = false;
                stock.drain(group.counter());
              });
        });
  }
}
