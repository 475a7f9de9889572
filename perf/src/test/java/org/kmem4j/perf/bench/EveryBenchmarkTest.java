package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs every benchmark of every question for a moment, in this JVM, with few objects. */
final class EveryBenchmarkTest {
  private static final Settings SETTINGS =
      new Settings(
          Duration.ofMillis(1),
          1,
          Map.of(
              "size", List.of("16"),
              "live", List.of("1000"),
              "order", List.of("shuffled"),
              "trace", List.of("python"),
              "threads", List.of("2"),
              "depth", List.of("2"),
              "groups", List.of("10"),
              "virtualThreads", List.of("1000")),
          Duration.ofSeconds(1),
          true);

  @TestFactory
  List<DynamicTest> everyBenchmarkRuns() {
    List<DynamicTest> tests =
        Question.trials(SETTINGS, missing -> {}).stream()
            .filter(JmhTrial.class::isInstance)
            .map(JmhTrial.class::cast)
            // Refuses to run without its executor, which JMH chooses once for a JVM.
            .filter(trial -> trial.question() != Question.VIRTUAL_THREAD)
            .map(trial -> DynamicTest.dynamicTest(trial.id(), () -> run(trial)))
            .toList();
    assertFalse(tests.isEmpty());
    return tests;
  }

  /** The lock keeps JMH from taking it, which it would for one benchmark after the other. */
  @SuppressWarnings("try") // Held, not used.
  private static void run(JmhTrial trial) throws RunnerException {
    try (JmhLock lock = JmhLock.take()) {
      runLocked(trial);
    }
  }

  private static void runLocked(JmhTrial trial) throws RunnerException {
    Collection<RunResult> results =
        new Runner(
                trial
                    .options()
                    .forks(0)
                    .warmupIterations(0)
                    .measurementIterations(1)
                    .measurementTime(TimeValue.milliseconds(1))
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run();

    assertEquals(1, results.size());
  }
}
