package org.kmem4j.perf.latency;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.contender.ResidentMemory;
import org.kmem4j.slab.OutOfNativeMemoryException;

/**
 * An order book's server in one thread. A request deletes a random order, creates one of a random
 * kind in its place, and updates {@value #UPDATES} others. The numbers drawn are the same for every
 * contender.
 *
 * <p>Requests arrive at a fixed rate, whether or not the server is ready. Latency counts from when
 * a request was due: one that waits behind a pause has waited, although nobody had read it.
 */
final class Server {
  static final int UPDATES = 4;
  static final long SLOT_NANOS = 100_000_000;

  private static final long LONGEST_NANOS = 3_600_000_000_000L;
  private static final long FILL_NANOS = 180_000_000_000L;
  private static final int CHECK_EVERY = 1 << 8;

  private final Orders orders;
  private final int live;
  private long drawn;
  private long requests;
  private long sum;

  Server(Orders orders, int live) {
    this.orders = orders;
    this.live = live;
  }

  /**
   * What a run found.
   *
   * @param doesNotFit why the live set could not be held; null if it could. Nothing else is known
   *     then
   * @param busy the share of time in which requests were worked on, pauses in them included
   * @param behindNanos how late the last request was
   * @param percentiles latency in nanoseconds by {@link #QUANTILES}, then the maximum
   * @param oneIn with {@code slowestNanos}: one request in so many took longer
   * @param timelineNanos the longest latency of the requests due in each {@link #SLOT_NANOS}
   * @param fromMillis uptime of the JVM at the begin of what was measured
   * @param sum what all requests read: the same for all contenders
   */
  record Answer(
      String doesNotFit,
      double busy,
      long behindNanos,
      long[] percentiles,
      double[] oneIn,
      double[] slowestNanos,
      long[] timelineNanos,
      long fromMillis,
      long toMillis,
      long peakResidentBytes,
      long requests,
      long sum) {
    static Answer doesNotFit(String why) {
      long resident = ResidentMemory.peakBytes().orElse(0);
      return new Answer(
          why, 0, 0, new long[0], new double[0], new double[0], new long[0], 0, 0, resident, 0, 0);
    }
  }

  /** Of {@link Answer#percentiles}. */
  static final double[] QUANTILES = {50, 90, 99, 99.9, 99.99, 99.999};

  /** In a JVM of its own: store, live orders, the allocator's ceiling, rate, nanoseconds. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Store store = Store.valueOf(arguments[0]);
    int live = Integer.parseInt(arguments[1]);
    long nativeBytes = Long.parseLong(arguments[2]);
    long rate = Long.parseLong(arguments[3]);
    long nanos = Long.parseLong(arguments[4]);
    Fork.answer(run(store, live, nativeBytes, rate, nanos));
  }

  /** Fills, warms up and measures in this JVM. */
  static Answer run(Store store, int live, long nativeBytes, long rate, long nanos)
      throws InterruptedException {
    Answer[] answer = new Answer[1];
    try (Orders orders = store.open(live, nativeBytes)) {
      Throwable[] failure = new Throwable[1];
      Thread thread =
          orders.thread(() -> answer[0] = new Server(orders, live).liveAndMeasure(rate, nanos));
      thread.setUncaughtExceptionHandler((dead, thrown) -> failure[0] = thrown);
      thread.start();
      thread.join();
      if (failure[0] instanceof OutOfMemoryError
          || failure[0] instanceof OutOfNativeMemoryException) {
        answer[0] = Answer.doesNotFit(firstSentence(failure[0]));
      } else if (failure[0] != null) {
        throw new IllegalStateException(store + " failed", failure[0]);
      }
    } catch (OutOfMemoryError e) {
      return Answer.doesNotFit(firstSentence(e)); // the index alone was too much
    }
    return answer[0];
  }

  private static String firstSentence(Throwable failure) {
    String message = failure.getMessage() == null ? "" : failure.getMessage();
    return failure.getClass().getSimpleName() + ": " + message.lines().findFirst().orElse("");
  }

  private Answer liveAndMeasure(long rate, long nanos) {
    if (!fill(System.nanoTime() + FILL_NANOS)) {
      return Answer.doesNotFit(
          "after %d s the live set was not there".formatted(FILL_NANOS / 1_000_000_000));
    }
    age(System.nanoTime() + nanos);
    measure(rate, nanos / 5); // the JIT and the caches as they are at this rate
    return measure(rate, nanos);
  }

  /** Creates all orders; false if that took too long, as a collector at its wits' end does. */
  boolean fill(long deadline) {
    for (int index = 0; index < live; index++) {
      orders.create(index, below(Orders.SIZES.length), index);
      if (index % CHECK_EVERY == 0 && System.nanoTime() > deadline) {
        return false;
      }
    }
    return true;
  }

  /** Replaces as many orders as there are, or what the time allows, as fast as it goes. */
  private void age(long deadline) {
    for (int i = 0; i < live; i++) {
      serve();
      if (i % CHECK_EVERY == 0 && System.nanoTime() > deadline) {
        return;
      }
    }
  }

  /** One request. */
  void serve() {
    int index = below(live);
    sum += orders.delete(index);
    orders.create(index, below(Orders.SIZES.length), live + requests);
    for (int i = 0; i < UPDATES; i++) {
      sum += orders.update(below(live), i + 1);
    }
    requests++;
  }

  /** What all requests have read. */
  long sum() {
    return sum;
  }

  /** SplitMix64, scaled: no division, no garbage, the same numbers everywhere. */
  private int below(int bound) {
    drawn += 0x9e3779b97f4a7c15L;
    long mixed = (drawn ^ drawn >>> 30) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
    return (int) (((mixed ^ mixed >>> 31) >>> 32) * bound >>> 32);
  }

  /** Lets requests arrive for some time. Who falls behind by as much again is not waited for. */
  Answer measure(long rate, long nanos) {
    Histogram latencies = new Histogram(LONGEST_NANOS, 3);
    long count = Math.max(1, (long) (rate * (nanos / 1e9)));
    long[] timeline = new long[(int) ((nanos + SLOT_NANOS - 1) / SLOT_NANOS)];
    long fromMillis = ManagementFactory.getRuntimeMXBean().getUptime();
    long busy = 0;
    long latency = 0;
    long served = 0;
    long start = System.nanoTime();
    while (served < count && latency <= nanos) {
      long due = dueAfter(served, rate);
      long now = System.nanoTime() - start;
      while (now < due) {
        Thread.onSpinWait();
        now = System.nanoTime() - start;
      }
      serve();
      long done = System.nanoTime() - start;
      busy += done - now;
      latency = done - due;
      book(latencies, timeline, due, latency);
      served++;
    }
    long elapsed = System.nanoTime() - start;
    for (long i = served; i < count; i++) { // These have waited at least so long.
      long due = dueAfter(i, rate);
      book(latencies, timeline, due, Math.max(0, elapsed - due));
    }
    long toMillis = ManagementFactory.getRuntimeMXBean().getUptime();
    return answer(latencies, timeline, (double) busy / elapsed, latency, fromMillis, toMillis);
  }

  private static long dueAfter(long request, long rate) {
    return (long) (request * (1e9 / rate));
  }

  private static void book(Histogram latencies, long[] timeline, long due, long latency) {
    latencies.recordValue(Math.min(latency, LONGEST_NANOS));
    int slot = (int) (due / SLOT_NANOS);
    timeline[slot] = Math.max(timeline[slot], latency);
  }

  private Answer answer(
      Histogram latencies,
      long[] timeline,
      double busy,
      long behind,
      long fromMillis,
      long toMillis) {
    long[] percentiles = Arrays.copyOf(quantiles(latencies), QUANTILES.length + 1);
    percentiles[QUANTILES.length] = latencies.getMaxValue();
    int points = 0;
    double[] oneIn = new double[1000];
    double[] slowest = new double[oneIn.length];
    for (HistogramIterationValue value : latencies.percentiles(5)) {
      double quantile = value.getPercentileLevelIteratedTo() / 100;
      if (quantile < 1 && points < oneIn.length) {
        oneIn[points] = 1 / (1 - quantile);
        slowest[points++] = value.getValueIteratedTo();
      }
    }
    return new Answer(
        null,
        busy,
        behind,
        percentiles,
        Arrays.copyOf(oneIn, points),
        Arrays.copyOf(slowest, points),
        timeline,
        fromMillis,
        toMillis,
        ResidentMemory.peakBytes().orElse(0),
        requests,
        sum);
  }

  private static long[] quantiles(Histogram latencies) {
    return Arrays.stream(QUANTILES).mapToLong(latencies::getValueAtPercentile).toArray();
  }
}
