package org.kmem4j.perf.torture;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadFactory;
import org.kmem4j.memory.Os;
import org.kmem4j.perf.contender.ResidentMemory;
import org.kmem4j.perf.torture.Outcome.Interval;
import org.kmem4j.perf.torture.Outcome.Share;
import org.kmem4j.perf.torture.Outcome.Visit;
import org.kmem4j.perf.torture.Plan.Plant;
import org.kmem4j.perf.torture.Worker.Act;
import org.kmem4j.sync.Rcu;

/**
 * One run. Workers do random things on threads of four kinds; about once a second all of them come
 * to rest, and everything is checked.
 */
final class Torture {
  private static final Duration BETWEEN_QUIET_POINTS = Duration.ofSeconds(1);

  /** At one of so many quiet points the Java heap is filled, for so many steps. */
  private static final int FULL_HEAP_EACH = 20;

  private static final int FULL_HEAP_STEPS = 3;

  /** Of each interval a tenth is spent in a world of other settings. */
  private static final long MILLIS_OF_A_VISIT_BY_SECOND = 100;

  private static final long LEAST_MILLIS_OF_A_VISIT = 300;

  private static final Duration TO_REST = Duration.ofSeconds(60);

  /** Threads live in a world where everything happens at any time. */
  private enum Kind {
    /** One platform thread from the beginning to the end. */
    STEADY,
    /** A platform thread dies, with what it has cached, and the next one goes on. */
    DYING,
    /** A virtual thread ends, and the next one goes on. */
    VIRTUAL,
    /** A platform thread sleeps in native code again and again, with what it has cached. */
    PARKED
  }

  private final Plan plan;
  private final World world;
  private final List<Worker> workers = new ArrayList<>();
  private final List<Thread> drivers = new ArrayList<>();
  private final List<Interval> intervals = new ArrayList<>();
  private final List<Visit> visits = new ArrayList<>();
  private final SplittableRandom random;
  private final FullHeap fullHeap = new FullHeap();
  private final long intervalSeconds;
  private final long gracePeriodsBefore = Rcu.gracePeriods();

  /** Where the workers are: in {@link #world}, but for visits. */
  private volatile World visited;

  private long quietPoints;
  private long peakResident;
  private long endResident;

  Torture(Plan plan) {
    this.plan = plan;
    this.world = new World(plan);
    this.visited = world;
    this.random = new SplittableRandom(~plan.seed());
    this.intervalSeconds = Math.clamp(plan.seconds() / 10, 1, 60);
  }

  /** Runs, and tells how it went. */
  Outcome run() throws InterruptedException {
    for (int i = 0; i < plan.threads(); i++) {
      Worker worker = Worker.that(world, i + 1, plan);
      workers.add(worker);
      start(Kind.values()[i % Kind.values().length], worker, i);
    }
    drive("agent", this::runAgent);
    long start = System.nanoTime();
    try {
      watch(start);
      world.stop();
      world.gate.open();
      for (Thread driver : drivers) {
        if (!driver.join(TO_REST)) {
          throw new Violation(Violation.Kind.HANG, driver.getName() + " does not end");
        }
      }
      if (world.violation() == null) {
        world.faults.on(false);
        freeEverything(world);
        world.checkNothingIsLeft();
        endResident = resident();
        world.close();
      }
    } catch (InterruptedException e) {
      throw e;
    } catch (Throwable e) {
      world.fail(e);
    } finally {
      world.faults.on(false);
      Os.injectFaults(null);
      world.stop();
      world.gate.open();
    }
    return outcome((System.nanoTime() - start) / 1e9);
  }

  // ------------------------------------------------------------------ threads

  private void start(Kind kind, Worker worker, int number) {
    ThreadFactory platform =
        Thread.ofPlatform().daemon().name("worker-" + number + "-", 0).factory();
    ThreadFactory virtual = Thread.ofVirtual().name("virtual-" + number + "-", 0).factory();
    Runnable work =
        switch (kind) {
          case STEADY -> () -> live(worker, Integer.MAX_VALUE);
          case DYING -> () -> liveAgainAndAgain(platform, worker);
          case VIRTUAL -> () -> liveAgainAndAgain(virtual, worker);
          case PARKED -> () -> liveAndPark(worker);
        };
    drive("driver-" + number, work);
  }

  private void drive(String name, Runnable work) {
    Thread driver =
        Thread.ofPlatform()
            .daemon()
            .name(name)
            .start(
                () -> {
                  try {
                    work.run();
                  } catch (Throwable e) {
                    world.fail(e);
                  }
                });
    drivers.add(driver);
  }

  private void live(Worker worker, int steps) {
    world.gate.enter();
    try {
      worker.steps(steps);
    } catch (Throwable e) {
      world.fail(e);
    } finally {
      world.gate.leave();
    }
  }

  private void liveAgainAndAgain(ThreadFactory factory, Worker worker) {
    var random = new SplittableRandom(plan.seed() - drivers.size());
    while (world.isRunning()) {
      int steps = 1 + random.nextInt(random.nextInt(2000) + 1);
      Thread thread = factory.newThread(() -> live(worker, steps));
      thread.start();
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private void liveAndPark(Worker worker) {
    var random = new SplittableRandom(plan.seed() + drivers.size());
    while (world.isRunning()) {
      live(worker, 1 + random.nextInt(500));
      NativeSleep.micros(random.nextInt(random.nextInt(20_000) + 1));
    }
  }

  /** Does the background work, with pauses; a stall is a fault. */
  private void runAgent() {
    var random = new SplittableRandom(plan.seed() ^ 0xA6E47);
    try {
      while (world.isRunning()) {
        world.gate.enter();
        try {
          world.allocator.agent().doWork();
          visited.allocator.agent().doWork(); // the same, mostly
        } finally {
          world.gate.leave();
        }
        Thread.sleep(world.faults.once(5000) ? 100 + random.nextInt(2000) : 1);
      }
    } catch (Exception e) {
      world.fail(e);
    }
  }

  // ------------------------------------------------------------------ quiet points

  private void watch(long start) throws Exception {
    Os.injectFaults(plan.faults() ? world.faults : null);
    world.faults.on(plan.faults());
    long end = start + Duration.ofSeconds(plan.seconds()).toNanos();
    long nextInterval = start + Duration.ofSeconds(intervalSeconds).toNanos();
    while (world.isRunning() && System.nanoTime() - end < 0) {
      long next = System.nanoTime() + BETWEEN_QUIET_POINTS.toNanos();
      while (world.isRunning() && System.nanoTime() - next < 0 && System.nanoTime() - end < 0) {
        Thread.sleep(10);
      }
      world.gate.close(TO_REST);
      if (!world.isRunning()) {
        return;
      }
      world.faults.on(false);
      world.settle();
      world.check(workers.stream().map(Worker::hand).toList());
      quietPoints++;
      long resident = resident();
      peakResident = Math.max(peakResident, resident);
      if (System.nanoTime() - nextInterval >= 0) {
        nextInterval += Duration.ofSeconds(intervalSeconds).toNanos();
        interval((System.nanoTime() - start) / 1_000_000_000, resident);
        if (plan.plant() == Plant.NOTHING && System.nanoTime() - end < 0) {
          visit(Setup.visited(plan.seed() + visits.size()));
        }
        if (!world.isRunning()) {
          return;
        }
      }
      if (plan.faults() && quietPoints % FULL_HEAP_EACH == 0 && FullHeap.isPossible()) {
        fillHeap();
      }
      world.faults.on(plan.faults());
      world.gate.open();
    }
  }

  /** Has workers do things without heap, while the others rest; then all must be right again. */
  private void fillHeap() throws Exception {
    for (int i = 0; i < FULL_HEAP_STEPS; i++) {
      Worker worker = workers.get(random.nextInt(workers.size()));
      int spare = random.nextInt(random.nextInt(1000) + 1);
      if (!fullHeap.attempt(spare, worker::stepWithLittleHeap)) {
        world.faults.add(1);
      }
      world.settle();
      world.check(workers.stream().map(Worker::hand).toList());
    }
  }

  /** Has everything freed, so that what is in memory then is what piles up. */
  private void interval(long second, long resident) {
    freeEverything(world);
    world.allocator.trim();
    long process = ResidentMemory.bytes().orElse(0);
    intervals.add(new Interval(second, operations(), resident, resident(), process));
  }

  /**
   * Has everything done for a while with another allocator, whose settings are not the usual ones,
   * from its opening to its end. Nobody is at work, and nothing held, before and after.
   */
  private void visit(Setup setup) throws Exception {
    long before = operations();
    long start = System.nanoTime();
    long millis = Math.max(LEAST_MILLIS_OF_A_VISIT, intervalSeconds * MILLIS_OF_A_VISIT_BY_SECOND);
    World other = new World(plan, setup, world);
    workers.forEach(worker -> worker.moveTo(other));
    visited = other;
    world.faults.on(plan.faults());
    world.gate.open();
    while (world.isRunning() && System.nanoTime() - start < millis * 1_000_000) {
      Thread.sleep(10);
    }
    world.gate.close(TO_REST);
    world.faults.on(false);
    if (!world.isRunning()) {
      return; // something is wrong there
    }
    other.settle();
    other.check(workers.stream().map(Worker::hand).toList());
    quietPoints++;
    visits.add(new Visit(setup.title, (System.nanoTime() - start) / 1e9, operations() - before));
    freeEverything(other);
    other.checkNothingIsLeft();
    visited = world;
    workers.forEach(worker -> worker.moveTo(world));
    other.close();
  }

  private void freeEverything(World where) {
    workers.forEach(Worker::freeAll);
    for (int i = 0; i < where.mailboxes.length(); i++) {
      workers.getFirst().freeAll(where.mailboxes.get(i));
    }
    where.unstash(Long.MAX_VALUE);
  }

  /** Bytes of the allocator that are in memory. */
  private long resident() {
    var stats = world.allocator.stats();
    return stats.residentBytes() + stats.metadataBytes();
  }

  // ------------------------------------------------------------------ how it went

  private long operations() {
    long sum = 0;
    for (Worker worker : workers) {
      for (Act act : Act.values()) {
        sum += worker.operations(act);
      }
    }
    return sum;
  }

  /** Prints where it was found, and if threads hang, where they all are. */
  private static void tell(Violation violation) {
    violation.printStackTrace();
    if (violation.kind() == Violation.Kind.HANG) {
      Thread.getAllStackTraces()
          .forEach(
              (thread, stack) -> {
                System.err.println(thread);
                for (StackTraceElement line : stack) {
                  System.err.println("  at " + line);
                }
              });
    }
  }

  private Outcome outcome(double seconds) {
    List<Share> mix = new ArrayList<>();
    for (Act act : Act.values()) {
      long calls = workers.stream().mapToLong(worker -> worker.calls(act)).sum();
      long operations = workers.stream().mapToLong(worker -> worker.operations(act)).sum();
      mix.add(new Share(act.title, calls, operations, act.waits));
    }
    Violation violation = world.violation();
    if (violation != null && plan.plant() == Plant.NOTHING) {
      tell(violation);
    }
    return new Outcome(
        operations(),
        violation == null ? 0 : 1,
        world.faults.injected(),
        Rcu.gracePeriods() - gracePeriodsBefore,
        peakResident,
        endResident,
        plan.seed(),
        seconds,
        plan.threads(),
        plan.maxBytes(),
        workers.stream().mapToLong(Worker::refusals).sum(),
        world.groupsClosed(),
        quietPoints,
        violation == null ? "" : violation.kind().name(),
        violation == null ? "" : violation.getMessage(),
        mix,
        intervals,
        visits);
  }
}
