package org.kmem4j.perf.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.kmem4j.perf.trace.Trace;

/**
 * How many of a thousand thousand objects of a trace had which size, up to 32 KiB and rounded up to
 * 16 bytes. Those of the shipped traces lie beside this class, so that a fork need not read a
 * trace.
 */
final class SizeHistogram {
  private static final int STEP = 16;
  private static final int MOST = 32 << 10;
  private static final int TOTAL = 1_000_000;

  private final NavigableMap<Integer, Integer> counts; // By size.
  private final NavigableMap<Integer, Integer> sizes = new TreeMap<>(); // By first rank.
  private final int total;

  private SizeHistogram(NavigableMap<Integer, Integer> counts) {
    this.counts = counts;
    int rank = 0;
    for (Map.Entry<Integer, Integer> entry : counts.entrySet()) {
      sizes.put(rank, entry.getKey());
      rank += entry.getValue();
    }
    total = rank;
  }

  /** Counts the objects of a trace; sizes too rare to be one in a million are left out. */
  static SizeHistogram of(Trace trace) {
    int[] objects = new int[MOST / STEP + 1];
    int counted = 0;
    for (int object = 0; object < trace.objects(); object++) {
      int bytes = Math.max(trace.bytes(object), 1);
      if (bytes <= MOST) {
        objects[(bytes + STEP - 1) / STEP]++;
        counted++;
      }
    }
    NavigableMap<Integer, Integer> counts = new TreeMap<>();
    for (int i = 0; i < objects.length; i++) {
      int share = (int) Math.round((double) objects[i] * TOTAL / counted);
      if (share > 0) {
        counts.put(i * STEP, share);
      }
    }
    return new SizeHistogram(counts);
  }

  /** That of a shipped trace. */
  static SizeHistogram of(String trace) {
    try (InputStream in = SizeHistogram.class.getResourceAsStream("sizes-" + trace + ".txt")) {
      if (in == null) {
        throw new IllegalArgumentException("there is no histogram of a trace " + trace);
      }
      NavigableMap<Integer, Integer> counts = new TreeMap<>();
      new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .map(line -> line.split(" "))
          .forEach(pair -> counts.put(Integer.valueOf(pair[0]), Integer.valueOf(pair[1])));
      return new SizeHistogram(counts);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Of how many objects it tells. */
  int total() {
    return total;
  }

  /** The size of the object of that rank, smallest first. */
  int at(int rank) {
    return sizes.floorEntry(rank).getValue();
  }

  /** A line for each size: the size, and how many there are. */
  @Override
  public String toString() {
    return counts.entrySet().stream()
        .map(entry -> entry.getKey() + " " + entry.getValue() + "\n")
        .collect(Collectors.joining());
  }
}
