package org.kmem4j.perf.demo;

import java.util.List;

/**
 * What happened in one lane.
 *
 * @param lane which
 * @param version of what allocates
 * @param flags of its JVM, those for memory
 * @param slices in order
 * @param events what happened to tenant A, in order
 * @param stops when the whole JVM stood still, or a thread waited for the collector
 * @param phases of tenant B: before A's limit, at it, after A was closed, after the late frees
 * @param leakedBytes alive in the end, where nothing should be
 */
record Timeline(
    Lane lane,
    String version,
    List<String> flags,
    List<Slice> slices,
    List<Event> events,
    List<Stop> stops,
    List<Phase> phases,
    long leakedBytes) {
  /**
   * A part of the time. Latency is of the requests that arrived in it, from when they were due.
   *
   * @param end in seconds
   * @param residentBytes of the JVM at the end, or 0 if the system does not tell
   * @param liveBytesOfA at the end, those that it left behind included
   */
  record Slice(
      double end,
      double p50Micros,
      double p999Micros,
      double maxMicros,
      long residentBytes,
      long liveBytesOfA,
      long liveBytesOfB) {}

  /** Something about tenant A, in a sentence. */
  record Event(double second, String what) {}

  /** How long nothing ran, or a thread was stalled, and why. */
  record Stop(double second, double millis, String why) {}

  /** Tenant B in a quarter of the time. */
  record Phase(long requests, double p50Micros, double p999Micros, double maxMicros) {}

  double maxMicros() {
    return slices.stream().mapToDouble(Slice::maxMicros).max().orElse(0);
  }

  long peakBytes() {
    return slices.stream().mapToLong(Slice::residentBytes).max().orElse(0);
  }
}
