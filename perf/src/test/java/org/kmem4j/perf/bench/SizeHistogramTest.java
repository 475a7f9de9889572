package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.perf.trace.TraceReader;

/** The sizes that benchmarks draw from. */
final class SizeHistogramTest {
  /** Should a trace change, this leaves what it expected in {@code perf/target}. */
  @ParameterizedTest
  @ValueSource(strings = {"gcc", "python"})
  void theShippedOnesAreThoseOfTheShippedTraces(String trace) throws IOException {
    Path file = Path.of("traces", trace + ".mtr.gz");
    String counted = SizeHistogram.of(TraceReader.read(file)).toString();
    Files.writeString(Path.of("target", "sizes-" + trace + ".txt"), counted);

    assertEquals(counted, SizeHistogram.of(trace).toString());
  }

  @Test
  void theRanksFallOnTheSizesAsOftenAsTheyOccur() {
    SizeHistogram gcc = SizeHistogram.of("gcc");
    String first = gcc.toString().lines().findFirst().orElseThrow();
    int least = Integer.parseInt(first.split(" ")[0]);
    int count = Integer.parseInt(first.split(" ")[1]);

    assertAll(
        () -> assertEquals(least, gcc.at(0)),
        () -> assertEquals(least, gcc.at(count - 1)),
        () -> assertEquals(least + 16, gcc.at(count)),
        () -> assertEquals(0, gcc.at(gcc.total() - 1) % 16),
        () -> assertThrows(IllegalArgumentException.class, () -> SizeHistogram.of("nobody")));
  }
}
