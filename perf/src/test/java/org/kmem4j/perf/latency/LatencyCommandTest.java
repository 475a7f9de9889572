package org.kmem4j.perf.latency;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.ContenderJvm;
import picocli.CommandLine;

/** The command with real JVMs and few orders, and what it reckons without any. */
final class LatencyCommandTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void aRunPrintsATableAndWritesJson() throws IOException {
    Path json = folder.resolve("r.json");

    int status =
        latency(
            "--contenders=heapZgc,kmemFlyweights",
            "--live=10000",
            "--rate=5000",
            "--seconds=0.3",
            "--json=" + json);

    assertEquals(0, status, err::toString);
    assertTrue(out.toString().contains("p99.999"), out::toString);
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    JsonNode heap = rows.get(0);
    JsonNode ours = rows.get(1);
    assertAll(
        () -> assertEquals("heapZgc", heap.get("contender").asText()),
        () -> assertEquals(10_000, heap.get("live").asInt()),
        () -> assertEquals(2_560_000, heap.get("liveBytes").asLong()),
        () -> assertEquals(37 << 20, heap.get("heapBytes").asLong(), "-Xmx, in whole MiB"),
        () -> assertEquals(0, heap.get("nativeBytes").asLong()),
        () -> assertTrue(heap.get("p999").asLong() > 0),
        () -> assertTrue(heap.get("doesNotFit").isNull()),
        () -> assertTrue(heap.get("pauses").get("count").isInt()),
        () -> assertTrue(heap.get("stalls").get("maxNanos").isInt()),
        () -> assertEquals(3, heap.get("timelineNanos").size()),
        () -> assertEquals("kmemFlyweights", ours.get("contender").asText()),
        () -> assertTrue(ours.get("busy").asDouble() > 0),
        () -> assertTrue(ours.get("nativeBytes").asLong() > 2_560_000));
  }

  @Test
  void whoDoesNotFitIsShown() {
    int status =
        latency("--contenders=kmemAddresses", "--live=50000", "--budget=1", "--seconds=0.1");

    assertEquals(0, status, err::toString);
    assertTrue(
        out.toString()
            .contains(
                "kmemAddresses, 50,000 live, budget 1 does not fit: OutOfNativeMemoryException"),
        out::toString);
  }

  @Test
  void aBudgetBeyondTheMachineIsASentence() {
    var run = new LatencyRun(Store.HEAP_G1, 100_000_000, 100, 1000, Duration.ofSeconds(1));
    String sentence = "";
    try {
      run.run(ProcessBuilder.Redirect.INHERIT);
    } catch (KmemException e) {
      sentence = e.getMessage();
    }

    assertTrue(
        sentence.startsWith("heapG1 (100000000 live, budget 100) needs 2441438 MiB"), sentence);
  }

  @ParameterizedTest
  @EnumSource
  void heapAndAllocatorTogetherHaveTheBudget(Store store) {
    int live = 4_000_000;
    for (double budget : new double[] {1.5, 2, 4}) {
      long bytes = (long) (budget * live * Orders.MEAN_BYTES);
      long heap = store.heapBytes(live, bytes);

      assertTrue(store.flags(live, bytes).contains("-Xmx" + (heap >> 20) + "m"));
      assertEquals(Store.BASE_BYTES + bytes, heap + store.nativeBytes(live, bytes), 1 << 20);
    }
  }

  @Test
  void aCollectorThatTheUserChoseHoldsForAll() {
    List<String> flags = new ArrayList<>();
    ContenderJvm.chooseCollector(flags, "-XX:+UseSerialGC");

    boolean fits =
        new Fork("The JVM of a user", flags, User.class, List.of())
            .run(Boolean.class, ProcessBuilder.Redirect.INHERIT);

    assertTrue(fits);
  }

  /** Runs in a JVM whose collector was chosen; two of them would be refused. */
  static final class User {
    private User() {}

    public static void main(String[] arguments) throws IOException {
      var run = new LatencyRun(Store.HEAP_ZGC, 10_000, 2, 1000, Duration.ofMillis(100));
      Fork.answer(run.run(ProcessBuilder.Redirect.INHERIT).doesNotFit() == null);
    }
  }

  @Test
  void theSmallestBudgetIsFoundByHalves() {
    for (double least : LatencyCommand.STEPS) {
      List<Double> tried = new ArrayList<>();
      Double found =
          LatencyCommand.smallest(
              budget -> {
                tried.add(budget);
                return budget >= least;
              });

      assertEquals(least, found);
      assertTrue(tried.size() <= 4, tried::toString);
    }
    assertNull(LatencyCommand.smallest(budget -> false));
  }

  private int latency(String... arguments) {
    CommandLine commandLine = new CommandLine(new LatencyCommand());
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(err, true));
    return commandLine.execute(arguments);
  }
}
