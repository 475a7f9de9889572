package org.kmem4j.perf.latency;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kmem4j.perf.latency.Server.Answer;

/** What the server does, and when a request is late; with contenders that stand still on demand. */
final class ServerTest {
  private static final int LIVE = 2000;
  private static final long MILLIS = 1_000_000;

  @ParameterizedTest
  @EnumSource
  void everyContenderDoesTheSameWork(Store store) {
    assertEquals(sum(Store.HEAP_G1), sum(store));
  }

  private static long sum(Store store) {
    try (Orders orders = store.open(LIVE, 8 << 20)) {
      Server server = new Server(orders, LIVE);
      assertTrue(server.fill(Long.MAX_VALUE));
      for (int i = 0; i < 10_000; i++) {
        server.serve();
      }
      return server.sum();
    }
  }

  /** One that does not read what it should would have another sum. */
  @Test
  void theSumTellsWhetherWorkWasDone() {
    Orders forgetful =
        new SlowOrders() {
          @Override
          public long update(int index, long quantity) {
            return 0;
          }
        };
    Server server = new Server(forgetful, LIVE);
    server.fill(Long.MAX_VALUE);
    for (int i = 0; i < 10_000; i++) {
      server.serve();
    }

    assertTrue(server.sum() != sum(Store.HEAP_G1));
  }

  @Test
  void requestsThatWaitBehindAPauseAreLateToo() {
    SlowOrders orders = new SlowOrders();
    Server server = new Server(orders, LIVE);
    server.fill(Long.MAX_VALUE);
    orders.stopAfter = 1000;
    orders.stopNanos = 100 * MILLIS;

    Answer answer = server.measure(5000, 500 * MILLIS); // 2500 requests; 500 arrive meanwhile

    assertAll(
        () -> assertNull(answer.doesNotFit()),
        () -> assertTrue(percentile(answer, 99.9) >= 95 * MILLIS, "the one that was stopped"),
        () -> assertTrue(percentile(answer, 90) >= 40 * MILLIS, "a tenth waited for half of it"),
        () -> assertTrue(max(answer) >= 100 * MILLIS),
        () -> assertEquals(5, answer.timelineNanos().length),
        () -> assertEquals(max(answer), longest(answer), 0.01 * max(answer)),
        () -> assertTrue(answer.busy() >= 0.2, "a pause is no idle time"));
  }

  @Test
  void aServerThatCannotKeepUpIsNotWaitedForAndItsBacklogCounts() {
    SlowOrders orders = new SlowOrders();
    Server server = new Server(orders, LIVE);
    server.fill(Long.MAX_VALUE);
    orders.stopAfter = 0;
    orders.stopNanos = 10 * MILLIS; // every one

    orders.isAlwaysSlow = true;
    Answer answer = server.measure(10_000, 200 * MILLIS); // it would take 20 s

    assertAll(
        () -> assertTrue(answer.behindNanos() > 200 * MILLIS),
        () -> assertTrue(answer.requests() < 200, "it gave up"),
        () -> assertTrue(percentile(answer, 50) >= 90 * MILLIS, "those not served waited as well"),
        () -> assertTrue(answer.busy() > 0.9));
  }

  @Test
  void latencyRisesWithThePercentile() {
    Server server = new Server(new SlowOrders(), LIVE);
    server.fill(Long.MAX_VALUE);

    Answer answer = server.measure(8_000, 500 * MILLIS);

    long[] sorted = answer.percentiles().clone();
    Arrays.sort(sorted);
    assertAll(
        () -> assertEquals(Server.QUANTILES.length + 1, sorted.length),
        () -> assertEquals(Arrays.toString(sorted), Arrays.toString(answer.percentiles())),
        () -> assertEquals(answer.oneIn().length, answer.slowestNanos().length),
        () -> assertTrue(answer.oneIn()[answer.oneIn().length - 1] >= 1000),
        () -> assertEquals(4000, answer.requests()),
        () -> assertTrue(answer.fromMillis() <= answer.toMillis()));
  }

  @Test
  void whatDoesNotFitIsSaidAndNotThrown() throws InterruptedException {
    Answer answer = Server.run(Store.KMEM_ADDRESSES, 50_000, 2 << 20, 1000, MILLIS);

    assertTrue(answer.doesNotFit().startsWith("OutOfNativeMemoryException: "), answer::doesNotFit);
  }

  private static long percentile(Answer answer, double quantile) {
    return answer.percentiles()[Arrays.binarySearch(Server.QUANTILES, quantile)];
  }

  private static long max(Answer answer) {
    return answer.percentiles()[Server.QUANTILES.length];
  }

  private static long longest(Answer answer) {
    return Arrays.stream(answer.timelineNanos()).max().orElseThrow();
  }

  /** Orders on the heap; creating one may take long, once or always. */
  private static class SlowOrders implements Orders {
    private final HeapOrders orders = new HeapOrders(LIVE);
    private int stopAfter = -1;
    private long stopNanos;
    private boolean isAlwaysSlow;

    @Override
    public void create(int index, int kind, long id) {
      if (isAlwaysSlow || stopAfter >= 0 && stopAfter-- == 0) {
        long end = System.nanoTime() + stopNanos;
        while (System.nanoTime() < end) {
          Thread.onSpinWait();
        }
      }
      orders.create(index, kind, id);
    }

    @Override
    public long update(int index, long quantity) {
      return orders.update(index, quantity);
    }

    @Override
    public long delete(int index) {
      return orders.delete(index);
    }

    @Override
    public void close() {
      orders.close();
    }
  }
}
