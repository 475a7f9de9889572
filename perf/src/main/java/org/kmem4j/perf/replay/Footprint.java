package org.kmem4j.perf.replay;

import java.util.Arrays;
import org.kmem4j.perf.contender.ResidentMemory;

/** Looks at live and resident bytes a few hundred times in a pass of one worker. */
final class Footprint implements AutoCloseable {
  private static final int SAMPLES = 400;

  private final ResidentMemory.Gauge gauge = new ResidentMemory.Gauge();
  private final int every;
  private final long[] atEvent = new long[SAMPLES + 1];
  private final long[] live = new long[atEvent.length];
  private final long[] resident = new long[atEvent.length];
  private int count;
  private long events;
  private long liveBytes;

  private Footprint(int events) {
    every = Math.max(1, (events + SAMPLES - 1) / SAMPLES);
  }

  /** Of a program that one worker does and where the system tells, else null. */
  static Footprint of(Program program) {
    return program.workers() > 1 || ResidentMemory.bytes().isEmpty()
        ? null
        : new Footprint(program.operations(0).length);
  }

  /** An object of so many bytes comes, or goes if they are negative. */
  void event(long bytes) {
    liveBytes += bytes;
    if (++events % every == 0) {
      atEvent[count] = events;
      live[count] = liveBytes;
      resident[count++] = gauge.bytes();
    }
  }

  /** What was seen, less what was resident before. */
  Samples samples(long residentBefore) {
    return new Samples(
        Arrays.copyOf(atEvent, count),
        Arrays.copyOf(live, count),
        Arrays.stream(resident, 0, count).map(it -> Math.max(0, it - residentBefore)).toArray());
  }

  @Override
  public void close() {
    gauge.close();
  }

  /** After how many events how many bytes were live and resident. */
  record Samples(long[] events, long[] liveBytes, long[] residentBytes) {}
}
