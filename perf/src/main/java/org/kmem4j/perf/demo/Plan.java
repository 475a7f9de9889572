package org.kmem4j.perf.demo;

import java.time.Duration;

/**
 * What every lane does, in the same way. Tenant B serves requests at a fixed rate throughout;
 * tenant A fills up through the first quarter of the time, hammers its limit through the second, is
 * closed at the end of it, and what it left behind is freed at the end of the third.
 *
 * @param seconds for each lane
 * @param rate requests of tenant B per second
 * @param objects live objects of tenant A
 */
record Plan(int seconds, int rate, int objects) {
  /** Of every object, of both tenants. */
  static final int OBJECT_BYTES = 256;

  /** A lane's time in equal parts, each with a histogram of its own. */
  static final int SLICES = 120;

  /** How often tenant A asks for an object at its limit. */
  static final int ASKS_PER_SECOND = 500_000;

  /** What a JVM holds beside heap and tenants: code, classes, stacks, the collector's tables. */
  static final long JVM_BYTES = 160L << 20;

  private static final long LEAST_BUDGET = 320L << 20;

  /** When, as shares of the time. */
  static final double LIMIT = 0.25;

  static final double OFFLINE = 0.5;
  static final double FREE = 0.75;

  int objectsOfB() {
    return objects / 4;
  }

  /** Of both tenants, at the most. */
  long liveBytes() {
    return (long) OBJECT_BYTES * (objects + objectsOfB());
  }

  /** Resident memory that a lane may have: four times what is live. */
  long budgetBytes() {
    return Math.max(4 * liveBytes(), LEAST_BUDGET);
  }

  /** Before the time begins to count, B serves and a tenant lives through all that A will. */
  Duration warmUp() {
    return Duration.ofMillis(Math.clamp(seconds * 1000L / 6, 250, 3000));
  }

  /** How long free pages keep their memory, where that can be set. */
  Duration decay() {
    return Duration.ofSeconds(Math.max(1, seconds / 12));
  }

  long sliceNanos() {
    return seconds * 1_000_000_000L / SLICES;
  }
}
