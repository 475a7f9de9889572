package org.kmem4j.perf.latency;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.kmem4j.perf.latency.GcLog.Pauses;
import org.kmem4j.perf.latency.GcLog.Times;

/** Lines as a JDK 25 writes them. */
final class GcLogTest {
  @Test
  void pausesAndStallsOfTheTimeMeasuredAreCounted() {
    Pauses found =
        GcLog.read(
            Stream.of(
                safepoint(999, 7_000_000), // before
                "[1000ms][info][gc,start    ] GC(1) Pause Young (Normal) (G1 Evacuation Pause)",
                safepoint(1000, 500),
                safepoint(1500, 3000),
                "[1600ms][info][gc          ] GC(1) Pause Young (Normal) 17M->16M(160M) 199.617ms",
                "[1700ms][info][gc,alloc    ] GC(0) Y: Allocation Stalls:          0      0",
                "[1766ms][info][gc          ] Allocation Stall (server) 81.272ms",
                "[1800ms][info][gc          ] Relocation Stall (server) 1.5ms",
                safepoint(2001, 9_000_000)), // after
            1000,
            2000);

    assertAll(
        () -> assertEquals(new Times(2, 3500, 3000), found.pauses()),
        () -> assertEquals(new Times(2, 82_772_000, 81_272_000), found.stalls()));
  }

  private static String safepoint(long millis, long nanos) {
    return "[%dms][info][safepoint   ] Safepoint \"G1CollectForAllocation\", Time since last: 652 ns,"
            .formatted(millis)
        + " Reaching safepoint: 49 ns, At safepoint: 52 ns, Leaving safepoint: 23 ns, Total: "
        + nanos
        + " ns, Threads: 0 runnable, 10 total";
  }
}
