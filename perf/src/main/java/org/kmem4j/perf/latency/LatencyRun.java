package org.kmem4j.perf.latency;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.TemporaryFile;
import org.kmem4j.perf.latency.GcLog.Times;

/**
 * One run of the server in a JVM of its own, whose Java heap and allocator together may hold the
 * budget.
 *
 * @param live how many orders are alive
 * @param budget what the contender may hold, as a multiple of the orders' own bytes
 * @param rate requests a second
 * @param time measured; about as much again goes into ageing and warm-up
 */
public record LatencyRun(Store store, int live, double budget, long rate, Duration time) {
  /**
   * What the slowest contender serves with about half of a core where the live set is the largest.
   */
  public static final long USUAL_RATE = 150_000;

  /** The live sets of a full run. */
  public static final List<Integer> ALL_LIVE = List.of(1_000_000, 4_000_000, 8_000_000);

  /** The budgets of a full run. */
  public static final List<Double> ALL_BUDGETS = List.of(1.5, 2.0, 4.0);

  private static final double MOST_OF_MEMORY = 0.9;
  private static final double MOST_BEHIND = 0.05;
  private static final double START_SECONDS = 1.5;
  private static final double SECONDS_PER_ORDER = 3e-6;
  private static final long HOLDS_NANOS = 1_000_000;

  /**
   * What one run found. Latencies are in nanoseconds, and null where the contender does not fit.
   *
   * @param liveBytes of the orders themselves
   * @param budgetBytes that times the budget, and a base for the JVM
   * @param heapBytes the JVM's {@code -Xmx}
   * @param nativeBytes the ceiling of the allocator; with the heap, the budget
   * @param doesNotFit why it could not hold the live set in the budget, or null
   * @param keptUp whether the last request was not more than a twentieth of the time too late
   * @param busy the share of one core that requests took, pauses in them included
   * @param pauses safepoints while it was measured, by the JVM's log
   * @param stalls waits of the server for ZGC, by the same log
   * @param peakResidentBytes of the process, from its start to its end
   * @param oneIn with {@code slowestNanos}: one request in so many was slower
   * @param timelineNanos the longest latency in each 100 ms
   */
  public record Result(
      String contender,
      int live,
      double budget,
      long rate,
      double seconds,
      long liveBytes,
      long budgetBytes,
      long heapBytes,
      long nativeBytes,
      String doesNotFit,
      Boolean keptUp,
      Double busy,
      Long p50,
      Long p90,
      Long p99,
      Long p999,
      Long p9999,
      Long p99999,
      Long max,
      Times pauses,
      Times stalls,
      long peakResidentBytes,
      double[] oneIn,
      double[] slowestNanos,
      long[] timelineNanos) {
    /** Whether it fits, keeps up, and answers 999 of 1000 requests within a millisecond. */
    boolean holds() {
      return doesNotFit == null && keptUp && p999 <= HOLDS_NANOS;
    }
  }

  /** Bytes that the contender's heap and allocator may hold together. */
  long budgetBytes() {
    return Store.BASE_BYTES + ofOrders();
  }

  private long ofOrders() {
    return (long) (budget * liveBytes());
  }

  private long liveBytes() {
    return (long) live * Orders.MEAN_BYTES;
  }

  /** About. */
  public Duration estimate() {
    double seconds = 1.2 * time.toMillis() / 1e3;
    seconds += Math.min(live * SECONDS_PER_ORDER, time.toMillis() / 1e3);
    return Duration.ofMillis((long) (1e3 * (seconds + START_SECONDS + live * 1e-6)));
  }

  /**
   * Runs it.
   *
   * @param output where the JVM's output goes
   * @throws KmemException if it failed, or the machine has not as much memory
   */
  public Result run(ProcessBuilder.Redirect output) {
    long machineBytes =
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    if (budgetBytes() > MOST_OF_MEMORY * machineBytes) {
      throw new KmemException(
          "%s needs %d MiB, and this machine has %d MiB."
              .formatted(this, budgetBytes() >> 20, machineBytes >> 20));
    }
    if (!store.isOnHeap() && store.nativeBytes(live, ofOrders()) < (1 << 20)) {
      return result(
          Server.Answer.doesNotFit("what it keeps on the heap takes the whole budget"), null);
    }
    Path log = null;
    try {
      log = Files.createTempFile("kmem-gc", ".log");
      Server.Answer answer = fork(log).run(Server.Answer.class, output);
      return result(answer, GcLog.read(log, answer.fromMillis(), answer.toMillis()));
    } catch (IOException e) {
      throw new KmemException(
          "The garbage collector's log %s cannot be read: %s.".formatted(log, e.getMessage()), e);
    } finally {
      TemporaryFile.delete(log);
    }
  }

  private Fork fork(Path log) {
    List<String> flags = new ArrayList<>(store.flags(live, ofOrders()));
    flags.add(GcLog.flag(log));
    return new Fork(
        "The JVM of " + this,
        flags,
        Server.class,
        List.of(
            store.name(),
            Integer.toString(live),
            Long.toString(store.nativeBytes(live, ofOrders())),
            Long.toString(rate),
            Long.toString(time.toNanos())));
  }

  private Result result(Server.Answer answer, GcLog.Pauses log) {
    boolean fits = answer.doesNotFit() == null;
    Long[] nanos = new Long[Server.QUANTILES.length + 1]; // Null if it does not fit.
    for (int i = 0; fits && i < nanos.length; i++) {
      nanos[i] = answer.percentiles()[i];
    }
    return new Result(
        store.toString(),
        live,
        budget,
        rate,
        time.toMillis() / 1e3,
        liveBytes(),
        budgetBytes(),
        store.heapBytes(live, ofOrders()),
        store.nativeBytes(live, ofOrders()),
        answer.doesNotFit(),
        fits ? answer.behindNanos() <= MOST_BEHIND * time.toNanos() : null,
        fits ? answer.busy() : null,
        nanos[0],
        nanos[1],
        nanos[2],
        nanos[3],
        nanos[4],
        nanos[5],
        nanos[6],
        fits ? log.pauses() : null,
        fits ? log.stalls() : null,
        answer.peakResidentBytes(),
        answer.oneIn(),
        answer.slowestNanos(),
        answer.timelineNanos());
  }

  /** For example {@code heapG1 (4000000 live, budget 2)}. */
  @Override
  public String toString() {
    return "%s (%d live, budget %s)".formatted(store, live, text(budget));
  }

  /** Without a point where there is nothing behind it. */
  public static String text(double budget) {
    return budget == Math.rint(budget) ? Long.toString((long) budget) : Double.toString(budget);
  }
}
