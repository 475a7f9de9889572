package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Live objects by the place that allocated them, of those caches that track; see {@code
 * kmem4j.leaks}. Large blocks are not among them.
 *
 * @param leaks those that take most bytes first
 */
public record LeakReport(List<Leak> leaks) {
  /** Leaks that {@link #toString} shows. */
  private static final int SHOWN = 10;

  public LeakReport {
    leaks = List.copyOf(leaks);
  }

  /** Of some caches at this moment, other threads notwithstanding; exact at rest. */
  public static LeakReport of(
      Collection<KmemCache> caches, Function<? super KmemCache, String> payer) {
    List<Leak> leaks = new ArrayList<>();
    caches.forEach(cache -> addLeaks(cache, payer.apply(cache), leaks));
    leaks.sort(Comparator.comparingLong(Leak::bytes).reversed());
    return new LeakReport(leaks);
  }

  /** Of one site; a number for it serves while a slab is locked. */
  private static final class Sum {
    private long count;
    private long oldestNanos;

    Sum plus(Sum other) {
      count += other.count;
      oldestNanos = Math.max(oldestNanos, other.oldestNanos);
      return this;
    }
  }

  private static void addLeaks(KmemCache cache, String payer, List<Leak> leaks) {
    Map<Integer, Sum> byNumber = new HashMap<>();
    long now = System.nanoTime();
    cache.forEachLive(
        (object, track) -> {
          Sum sum = byNumber.computeIfAbsent(Tracks.siteNumber(track), number -> new Sum());
          sum.count++;
          sum.oldestNanos = Math.max(sum.oldestNanos, now - Tracks.nanoTime(track));
        });
    Map<List<StackTraceElement>, Sum> sums = new HashMap<>();
    byNumber.forEach(
        (number, sum) -> sums.merge(cache.slabs.tracks().site(number), sum, Sum::plus));
    long sampled = sums.values().stream().mapToLong(sum -> sum.count).sum();
    double each = sampled == 0 ? 0 : 1 + (double) cache.untrackedObjects() / sampled;
    sums.forEach(
        (site, sum) -> {
          long estimated = Math.round(sum.count * each);
          long bytes = estimated * cache.objectBytes();
          leaks.add(
              new Leak(site, cache.name(), payer, sum.count, estimated, bytes, sum.oldestNanos));
        });
  }

  /** Whether nothing that is tracked is alive. */
  public boolean isEmpty() {
    return leaks.isEmpty();
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (Leak leak : leaks.subList(0, Math.min(SHOWN, leaks.size()))) {
      text.append(text.isEmpty() ? "" : "\n").append(leak);
    }
    if (leaks.size() > SHOWN) {
      text.append("\nand ").append(leaks.size() - SHOWN).append(" places more");
    }
    return text.toString();
  }
}
