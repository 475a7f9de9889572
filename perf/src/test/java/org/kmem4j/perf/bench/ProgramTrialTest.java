package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.program.Scenario;
import org.kmem4j.perf.program.Task;
import org.kmem4j.perf.trace.TraceWriter;

/** Programs and replays as trials, with real JVMs but little work. */
final class ProgramTrialTest {
  private static final Settings SHORT =
      new Settings(Duration.ofMillis(5), 1, Map.of(), Duration.ofSeconds(1), true);

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource
  void everyScenarioIsAQuestion(Scenario scenario) {
    List<Trial> trials = ProgramTrial.all(scenario, SHORT);

    assertEquals(scenario.contenders().size() * scenario.params().size(), trials.size());
    assertEquals(
        Question.valueOf(scenario.name()).contenders,
        trials.stream().map(Trial::contender).distinct().toList());
  }

  @Test
  void aProgramIsScoredByTimeAndMemory() {
    Trial trial = trial(Scenario.MLEAK, "malloc");

    Trial.Outcome outcome = trial.run(System.out);

    Reading time = outcome.readings().get(0);
    Reading memory = outcome.readings().get(1);
    Curve resident = outcome.curves().get(0);
    assertAll(
        () -> assertEquals("malloc", time.key().contender()),
        () -> assertEquals("ns/op", time.key().unit()),
        () -> assertTrue(time.value() > 0),
        () -> assertEquals("malloc.peakResident", memory.key().contender()),
        () -> assertTrue(memory.value() >= 0 && memory.value() < 100),
        () -> assertEquals("malloc", resident.contender()),
        () -> assertEquals("resident", resident.name()));
  }

  @Test
  void aChildThatFailsFailsItsTrialWithASentence() {
    Task wrong = new Task(Scenario.PHASE_CHANGE, "malloc", Map.of("from", "64", "to", "0"), 5);

    assertThrows(
        KmemException.class, () -> new ProgramTrial(Question.PHASE_CHANGE, wrong).run(System.out));
  }

  @Test
  void aReplayIsScoredByTheGeometricMeanOfItsTraces() {
    Trial.Outcome outcome = replay(false).run(System.out);

    double[] values = outcome.readings().stream().mapToDouble(Reading::value).toArray();
    assertAll(
        () ->
            assertEquals(
                List.of("malloc", "malloc.a", "malloc.b"),
                outcome.readings().stream().map(it -> it.key().contender()).toList()),
        () -> assertEquals(Math.sqrt(values[1] * values[2]), values[0], 1e-9),
        () -> assertTrue(values[0] > 0));
  }

  @Test
  void aReplaysMemoryIsDrawnBesideWhatIsLive() {
    Trial.Outcome outcome = replay(true).run(System.out);

    List<String> names = outcome.curves().stream().map(Curve::name).distinct().toList();
    Curve live =
        outcome.curves().stream().filter(it -> it.contender().equals("live")).findFirst().get();
    assertAll(
        () -> assertTrue(outcome.readings().get(0).value() > 0),
        () ->
            assertEquals(
                List.of("a: resident", "a: resident ÷ live", "b: resident", "b: resident ÷ live"),
                names),
        () -> assertTrue(live.x().length > 100),
        () -> assertTrue(Arrays.stream(live.y()).allMatch(y -> y >= 0)));
  }

  private ReplayTrial replay(boolean isOfMemory) {
    List<Path> traces =
        List.of(
            TraceWriter.random(1, 20_000, 1).write(folder.resolve("a.mtr.gz")),
            TraceWriter.random(2, 20_000, 1).write(folder.resolve("b.mtr.gz")));
    return new ReplayTrial(isOfMemory, "malloc", traces, Map.of("traces", "a+b"), 1);
  }

  private static Trial trial(Scenario scenario, String contender) {
    return ProgramTrial.all(scenario, SHORT).stream()
        .filter(trial -> trial.contender().equals(contender))
        .findFirst()
        .orElseThrow();
  }
}
