package org.kmem4j.perf.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StopLogTest {
  private static final long START = 12_000_000_000L;
  private static final long END = 14_000_000_000L;

  @TempDir private Path folder;

  @Test
  void safepointsAndStallsAreKnownByWhenTheyBegan() throws IOException {
    Path log =
        log(
            """
            [12988127516503ns] Using G1
            [13000000000ns] GC(0) Pause Young (Normal) (G1 Evacuation Pause) 15M->3M(96M) 250.000ms
            [13000000000ns] Safepoint "G1CollectForAllocation", Time since last: 906882888 ns, \
            Reaching safepoint: 3365 ns, At safepoint: 60659069 ns, Leaving safepoint: 16785 ns, \
            Total: 250000000 ns, Threads: 0 runnable, 10 total
            [13500000000ns] Allocation Stall (main) 100.000ms
            """);

    List<Timeline.Stop> stops = StopLog.read(log, START, END);

    assertEquals(
        List.of(
            new Timeline.Stop(0.75, 250, "G1CollectForAllocation"),
            new Timeline.Stop(1.4, 100, "Allocation stall of main")),
        stops);
  }

  @Test
  void whatBeganBeforeOrAfterIsLeftOut() throws IOException {
    Path log =
        log(
            """
            [12000000100ns] Safepoint "Before", Reaching safepoint: 1 ns, Total: 500 ns, Threads: 0
            [12000000500ns] Safepoint "First", Reaching safepoint: 1 ns, Total: 500 ns, Threads: 0
            [14000000500ns] Safepoint "After", Reaching safepoint: 1 ns, Total: 500 ns, Threads: 0
            """);

    List<Timeline.Stop> stops = StopLog.read(log, START, END);

    assertEquals(List.of(new Timeline.Stop(0, 0.0005, "First")), stops);
  }

  private Path log(String text) throws IOException {
    return Files.writeString(folder.resolve("stops.log"), text);
  }
}
