package org.kmem4j.perf.groups;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kmem4j.perf.groups.Interference.Neighbour;
import org.kmem4j.perf.groups.Interference.Row;

/** What tenant B is told of its neighbours. */
final class InterferenceTest {
  private static final long NANOS = 100_000_000;

  private final Interference interference = new Interference();

  @AfterEach
  void close() {
    interference.close();
  }

  @ParameterizedTest
  @EnumSource
  void everyNeighbourIsAtWorkWhileBIsTimed(Neighbour neighbour) throws InterruptedException {
    Row row = interference.run(neighbour, NANOS);

    assertAll(
        () -> assertTrue(row.operations() > 0, row::toString),
        () -> assertTrue(row.p50() > 0 && row.p50() <= row.p99(), row::toString),
        () -> assertTrue(row.p99() <= row.p999() && row.p999() <= row.p9999(), row::toString),
        () -> assertTrue(row.p9999() <= row.max(), row::toString));
  }

  @Test
  void givingBackCallsTheSystemAndDoingNothingDoesNot() throws InterruptedException {
    Row quiet = interference.run(Neighbour.UNDISTURBED, NANOS);
    Row busy = interference.run(Neighbour.TRIM, 5 * NANOS);

    assertAll(
        () -> assertTrue(busy.madvisePerSecond() > 0, busy::toString),
        () -> assertTrue(busy.gracePeriodsPerSecond() > 0, busy::toString),
        () -> assertTrue(quiet.madvisePerSecond() == 0, quiet::toString));
  }
}
