package org.kmem4j.perf.groups;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.IntConsumer;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Os;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;

/**
 * The published experiment: short-lived workloads, each in a group of its own, which share some of
 * their objects with each other. What a workload shares outlives it; all else it frees before its
 * group is closed. All events come from the seed, so both schemes execute the same ones.
 */
public final class Churn {
  /** Dying groups of the published run in the original scheme, by day. */
  public static final List<Integer> PUBLISHED_ORIGINAL =
      List.of(56, 362, 628, 752, 1070, 1250, 1490, 1560);

  /** Those of the published run with reparenting. */
  public static final List<Integer> PUBLISHED_REPARENTING = List.of(23, 46, 51, 55, 60, 57, 67, 69);

  /** Workloads of one day. */
  static final int WORKLOADS_PER_DAY = 250;

  private static final int OBJECTS_PER_WORKLOAD = 2000;
  private static final int[] SIZES = {64, 192, 576, 1024, 200};

  /** Of the objects that are shared, so many of a hundred are wanted for days. */
  private static final int LONG_LIVED_PERCENT = 30;

  private static final double LONG_LIFE_DAYS = 10;
  private static final double SHORT_LIFE_DAYS = 0.3;
  private static final int WORKLOADS_PER_AGENT_RUN = 10;
  private static final int WORKLOADS_PER_TRIM = 50;

  /** Runs of the agent at the end of a day. */
  private static final int NIGHT = 20;

  /**
   * The end of one day.
   *
   * @param dying closed groups that are not released, the mean over the day
   * @param heldBytes what closed groups hold beside live objects, at the end of the day
   * @param lingering caches of closed groups
   */
  public record Day(double dying, long heldBytes, int lingering) {}

  /** What one closed group and one cache of it take beside slabs, in Java heap and native bytes. */
  private record Overhead(long groupBytes, long cacheBytes) {}

  private record Shared(long address, double expires) {}

  private final int days;
  private final double sharingPercent;
  private final long seed;

  /** Of so many days after the first; of a hundred objects, so many are shared. */
  public Churn(int days, double sharingPercent, long seed) {
    this.days = days;
    this.sharingPercent = sharingPercent;
    this.seed = seed;
  }

  /** In the original scheme, where pages keep closed groups alive; tells after each day. */
  public List<Day> original(IntConsumer tellDay) {
    return run(Scheme.Original::new, overhead(Scheme.Original::new), tellDay);
  }

  /** With reparenting; tells after each day. */
  public List<Day> reparenting(IntConsumer tellDay) {
    return run(Scheme.Reparenting::new, overhead(Scheme.Reparenting::new), tellDay);
  }

  /** Runs all days, the day before the first among them, and tells after each. */
  private List<Day> run(
      Function<SlabAllocator, Scheme> scheme, Overhead overhead, IntConsumer tellDay) {
    SplittableRandom random = new SplittableRandom(seed);
    PriorityQueue<Shared> shared = new PriorityQueue<>(Comparator.comparingDouble(Shared::expires));
    List<Day> result = new ArrayList<>();
    try (SlabAllocator allocator =
            SlabAllocator.builder().max(8L << 30).onClose(report -> {}).build();
        Scheme used = scheme.apply(allocator)) {
      KmemCache[] caches = caches(allocator);
      for (int day = 0; day <= days; day++) {
        long dyingSum = 0;
        for (int i = 0; i < WORKLOADS_PER_DAY; i++) {
          double now = day + (double) i / WORKLOADS_PER_DAY;
          while (!shared.isEmpty() && shared.peek().expires <= now) {
            allocator.free(shared.poll().address);
          }
          workload(used, caches, random, now, shared, day + "-" + i);
          if (i % WORKLOADS_PER_TRIM == 0) {
            allocator.trim(); // moderate pressure
          }
          if (i % WORKLOADS_PER_AGENT_RUN == 0) {
            BackgroundWork.run(allocator);
          }
          dyingSum += used.dying();
        }
        for (int i = 0; i < NIGHT; i++) {
          BackgroundWork.run(allocator); // what only waits for the agent is not held
        }
        List<OwnedCache> lingering = used.lingering();
        double dying = (double) dyingSum / WORKLOADS_PER_DAY;
        result.add(new Day(dying, held(used, lingering, overhead), lingering.size()));
        tellDay.accept(day);
      }
      shared.forEach(object -> allocator.free(object.address));
    }
    return result;
  }

  private static KmemCache[] caches(SlabAllocator allocator) {
    KmemCache[] caches = new KmemCache[SIZES.length];
    for (int i = 0; i < SIZES.length; i++) {
      caches[i] = allocator.createCache("churn-" + SIZES[i], SIZES[i]);
    }
    return caches;
  }

  private void workload(
      Scheme scheme,
      KmemCache[] caches,
      SplittableRandom random,
      double now,
      PriorityQueue<Shared> shared,
      String name) {
    Account group = scheme.open(name);
    KmemCache[] mine = new KmemCache[caches.length];
    for (int i = 0; i < caches.length; i++) {
      mine[i] = caches[i].in(group);
    }
    long[] own = new long[OBJECTS_PER_WORKLOAD];
    int[] cacheOf = new int[OBJECTS_PER_WORKLOAD];
    for (int i = 0; i < own.length; i++) {
      cacheOf[i] = random.nextInt(caches.length);
      own[i] = mine[cacheOf[i]].alloc();
    }
    for (int i = 0; i < own.length; i++) {
      if (random.nextDouble(100) < sharingPercent) {
        boolean isLong = random.nextInt(100) < LONG_LIVED_PERCENT;
        double mean = isLong ? LONG_LIFE_DAYS : SHORT_LIFE_DAYS;
        double life = -mean * Math.log(1 - random.nextDouble());
        shared.add(new Shared(own[i], now + life));
      } else {
        mine[cacheOf[i]].free(own[i]);
      }
    }
    scheme.offline(group);
  }

  private static long held(Scheme scheme, List<OwnedCache> lingering, Overhead overhead) {
    long bytes = scheme.dying() * overhead.groupBytes;
    for (OwnedCache cache : lingering) {
      bytes += overhead.cacheBytes + (cache.pages() << Os.PAGE_SHIFT);
      bytes -= cache.usedObjects() * cache.bytesPerObject();
    }
    return bytes;
  }

  /** Measures what groups and idle caches take, by making many. */
  private static Overhead overhead(Function<SlabAllocator, Scheme> scheme) {
    int count = 2000;
    try (SlabAllocator allocator =
            SlabAllocator.builder().max(64 << 20).onClose(report -> {}).build();
        Scheme used = scheme.apply(allocator)) {
      KmemCache[] caches = caches(allocator);
      List<Account> kept = new ArrayList<>();
      caches[0].in(used.open("warm-up"));
      long before = bytes(allocator);
      for (int i = 0; i < count; i++) {
        kept.add(used.open("g" + i));
      }
      long withGroups = bytes(allocator);
      for (Account group : kept) {
        for (KmemCache cache : caches) {
          cache.in(group);
        }
      }
      long withCaches = bytes(allocator);
      return new Overhead(
          (withGroups - before) / count, (withCaches - withGroups) / count / caches.length);
    }
  }

  /** Java heap after a collection, and native structs. */
  private static long bytes(SlabAllocator allocator) {
    Runtime runtime = Runtime.getRuntime();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return runtime.totalMemory() - runtime.freeMemory() + allocator.stats().metadataBytes();
  }
}
