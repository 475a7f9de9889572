package org.kmem4j.perf.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.ResidentMemory;

/**
 * The main class of a lane's JVM: a server of two tenants.
 *
 * <p>Requests of tenant B are due at a fixed rate, whatever became of those before, and the latency
 * of each counts from when it was due: a server that stands still is charged for all that wait. The
 * thread that serves them yields while none is due, so that a collector finds a core. Another
 * thread is tenant A, a third looks at memory at the end of each slice.
 */
final class Server {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** How long tenant A rests at its limit when it has asked often enough, and for how much then. */
  private static final long BURST_NANOS = 500_000;

  private static final int BURST = 1000;

  private static final int LONGEST_SECONDS = 600;

  private final Plan plan;
  private final Lane lane;
  private final Tenants tenants;
  private final Customer b;
  private final Path live;
  private final Histogram[] histograms = new Histogram[Plan.SLICES];
  private final List<Timeline.Slice> slices = new ArrayList<>(); // the sampler's
  private final List<Timeline.Event> events = Collections.synchronizedList(new ArrayList<>());
  private Customer a;
  private volatile Throwable failure;
  private volatile int slicesServed;
  private long start;

  private Server(Plan plan, Lane lane, Path live) {
    this.plan = plan;
    this.lane = lane;
    this.live = live;
    tenants = lane.open(plan);
    b = new Customer(tenants, "b", 2 * plan.objectsOfB());
    for (int slice = 0; slice < Plan.SLICES; slice++) {
      histograms[slice] = histogram();
    }
  }

  /** Runs the lane that the arguments name, and answers with its {@link Timeline}. */
  public static void main(String[] arguments) {
    int status = 1;
    try {
      Lane lane = Lane.valueOf(arguments[0]);
      Plan plan =
          new Plan(
              Integer.parseInt(arguments[1]),
              Integer.parseInt(arguments[2]),
              Integer.parseInt(arguments[3]));
      Fork.answer(new Server(plan, lane, Path.of(arguments[4])).run(Path.of(arguments[5])));
      status = 0;
    } catch (Throwable e) { // An error too: whoever reads this reads it in a terminal.
      e.printStackTrace();
    }
    System.exit(status); // Whatever still runs in the background need not end first.
  }

  /** As the lane's JVM is started by {@link DemoCommand}. */
  static List<String> arguments(Plan plan, Lane lane, Path live, Path log) {
    return List.of(
        lane.name(),
        Integer.toString(plan.seconds()),
        Integer.toString(plan.rate()),
        Integer.toString(plan.objects()),
        live.toString(),
        log.toString());
  }

  private Timeline run(Path log) throws Exception {
    while (b.live() < plan.objectsOfB()) {
      b.tryCreate();
    }
    warmUp();
    a = new Customer(tenants, "a", plan.objects());
    start = System.nanoTime() + 20_000_000; // until all threads wait for it
    Thread tenantA = start("tenant-a", this::liveAsA);
    Thread sampler = start("sampler", this::sample);
    serve(start, plan.sliceNanos(), histograms);
    slicesServed = Plan.SLICES;
    tenantA.join();
    sampler.join();
    if (failure != null) {
      throw new KmemException(lane.title + " failed: " + failure, failure);
    }
    b.tenant().offline();
    b.deleteAll();
    long end = start + Plan.SLICES * plan.sliceNanos();
    return new Timeline(
        lane,
        tenants.version(),
        lane.flags(plan),
        slices,
        List.copyOf(events),
        StopLog.read(log, start, end),
        phases(),
        tenants.leakedBytes());
  }

  private static Histogram histogram() {
    return new Histogram(100, LONGEST_SECONDS * 1_000_000_000L, 2);
  }

  private Thread start(String name, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Throwable e) { // An error too: it is reported by the thread that joins.
                failure = e;
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private interface Work {
    void run() throws Exception;
  }

  // ------------------------------------------------------------------ tenant B

  /** Serves requests for as many slices as there are histograms. */
  private void serve(long from, long sliceNanos, Histogram[] into) {
    double gap = 1e9 / plan.rate();
    long served = 0;
    for (int slice = 0; slice < into.length; slice++) {
      slicesServed = slice;
      long sliceEnd = from + (slice + 1) * sliceNanos;
      Histogram histogram = into[slice];
      long due;
      while ((due = from + (long) (served * gap)) < sliceEnd) {
        while (System.nanoTime() < due) {
          Thread.yield();
        }
        b.serve();
        histogram.recordValue(System.nanoTime() - due);
        served++;
      }
    }
  }

  // ------------------------------------------------------------------ tenant A

  /** All that A will do is done by another before, on a small scale, while B serves. */
  private void warmUp() throws InterruptedException, IOException {
    JSON.writeValueAsString(new Timeline.Slice(0, 0, 0, 0, ResidentMemory.bytes().orElse(0), 0, 0));
    long begin = System.nanoTime();
    long nanos = plan.warmUp().toNanos();
    Thread rehearsal =
        start(
            "rehearsal",
            () -> {
              Customer extra = new Customer(tenants, "rehearsal", 1000 + plan.objects() / 50);
              grow(extra, begin, nanos / 4);
              hammer(extra, begin + nanos / 4, nanos / 2);
              extra.tenant().offline();
              extra.deleteAll();
              extra.tenant().afterlife();
            });
    serve(begin, nanos, new Histogram[] {histogram()});
    rehearsal.join();
  }

  private void liveAsA() {
    long nanos = Plan.SLICES * plan.sliceNanos();
    sleepUntil(start);
    grow(a, start, (long) (nanos * Plan.LIMIT * 0.95));
    sleepUntil(start + (long) (nanos * Plan.LIMIT));
    double atLimit = second();
    long before = a.refusals();
    hammer(a, start + (long) (nanos * Plan.LIMIT), (long) (nanos * (Plan.OFFLINE - Plan.LIMIT)));
    events.add(
        new Timeline.Event(
            atLimit, "%s: %,d times".formatted(a.tenant().refusal(), a.refusals() - before)));
    double closed = second();
    events.add(new Timeline.Event(closed, a.tenant().offline()));
    sleepUntil(start + (long) (nanos * Plan.FREE));
    double freed = second();
    a.deleteAll();
    double millis = (second() - freed) * 1e3;
    events.add(
        new Timeline.Event(
            freed, "freed in %.0f ms; %s".formatted(millis, a.tenant().afterlife())));
  }

  /** Takes as many objects as the limit allows, evenly over some time. */
  private void grow(Customer customer, long from, long nanos) {
    while (customer.tryCreate()) {
      if ((customer.live() & 0xff) == 0) {
        sleepUntil(from + (long) (nanos * ((double) customer.live() / customer.limit())));
      }
    }
  }

  /** Asks as often as the plan says, or as often as it can. */
  private void hammer(Customer customer, long from, long nanos) {
    long end = from + nanos;
    double gap = 1e9 / Plan.ASKS_PER_SECOND;
    long asked = 0;
    for (long now; (now = System.nanoTime()) < end; ) {
      long due = (long) ((now - from) / gap);
      if (asked >= due) {
        LockSupport.parkNanos(BURST_NANOS);
      }
      for (long until = Math.min(due, asked + BURST); asked < until; asked++) {
        customer.insist();
      }
    }
  }

  // ------------------------------------------------------------------ what is seen

  /** Looks at memory at the end of each slice, and tells whoever watches of those served. */
  private void sample() throws IOException {
    long[] resident = new long[Plan.SLICES];
    int[] ofA = new int[Plan.SLICES];
    for (int slice = 0; slice < Plan.SLICES; slice++) {
      sleepUntil(start + (slice + 1) * plan.sliceNanos());
      resident[slice] = ResidentMemory.bytes().orElse(0);
      ofA[slice] = a.live();
      tell(resident, ofA, Math.min(slicesServed, slice + 1));
    }
    while (slicesServed < Plan.SLICES) { // It may lag behind its time, and its time counts.
      sleepUntil(System.nanoTime() + plan.sliceNanos());
      tell(resident, ofA, slicesServed);
    }
    tell(resident, ofA, Plan.SLICES);
  }

  private void tell(long[] resident, int[] ofA, int served) throws IOException {
    while (slices.size() < served) {
      int slice = slices.size();
      Histogram histogram = histograms[slice];
      Timeline.Slice told =
          new Timeline.Slice(
              (slice + 1) * plan.sliceNanos() / 1e9,
              micros(histogram, 50),
              micros(histogram, 99.9),
              micros(histogram, 100),
              resident[slice],
              (long) ofA[slice] * Plan.OBJECT_BYTES,
              (long) b.live() * Plan.OBJECT_BYTES);
      slices.add(told);
      Files.writeString(live, JSON.writeValueAsString(told) + '\n', StandardOpenOption.APPEND);
    }
  }

  private List<Timeline.Phase> phases() {
    List<Timeline.Phase> phases = new ArrayList<>();
    for (int quarter = 0; quarter < 4; quarter++) {
      Histogram all = histogram();
      for (int slice = 0; slice < Plan.SLICES / 4; slice++) {
        all.add(histograms[quarter * Plan.SLICES / 4 + slice]);
      }
      phases.add(
          new Timeline.Phase(
              all.getTotalCount(), micros(all, 50), micros(all, 99.9), micros(all, 100)));
    }
    return phases;
  }

  private static double micros(Histogram histogram, double percentile) {
    return histogram.getValueAtPercentile(percentile) / 1e3;
  }

  private double second() {
    return (System.nanoTime() - start) / 1e9;
  }

  private static void sleepUntil(long nanos) {
    for (long left; (left = nanos - System.nanoTime()) > 0; ) {
      LockSupport.parkNanos(left);
    }
  }
}
