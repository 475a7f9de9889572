package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What goes in comes out, once and in order. */
final class LongRingTest {
  @Test
  void aFullRingRefusesAndAnEmptyOneHasNothing() {
    LongRing ring = new LongRing(2);

    assertEquals(0, ring.poll());
    assertTrue(ring.offer(1));
    assertTrue(ring.offer(2));
    assertFalse(ring.offer(3));
    assertEquals(1, ring.poll());
    assertTrue(ring.offer(3));
    assertEquals(2, ring.poll());
    assertEquals(3, ring.poll());
    assertEquals(0, ring.poll());
  }

  @Test
  void twoThreadsPassEverythingInOrder() throws InterruptedException {
    LongRing ring = new LongRing(16);
    int count = 200_000;
    Thread producer =
        new Thread(
            () -> {
              for (long value = 1; value <= count; value++) {
                while (!ring.offer(value)) {
                  Thread.onSpinWait();
                }
              }
            });
    producer.setDaemon(true);
    producer.start();

    for (long expected = 1; expected <= count; expected++) {
      long value = ring.poll();
      long end = System.nanoTime() + 20_000_000_000L;
      while (value == 0) {
        assertTrue(System.nanoTime() - end < 0, "nothing came for 20 s");
        Thread.onSpinWait();
        value = ring.poll();
      }
      assertEquals(expected, value);
    }

    assertTrue(producer.join(Duration.ofSeconds(20)));
    assertEquals(0, ring.poll());
  }
}
