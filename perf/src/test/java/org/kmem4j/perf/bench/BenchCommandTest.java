package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import picocli.CommandLine;

/** What the command asks, refuses, prints and writes; with real forks, but short ones. */
final class BenchCommandTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @EnumSource
  void everyBenchmarkIsAskedFor(Question question) {
    if (question.isJmh()) {
      assertEquals(question.entries().keySet(), new HashSet<>(question.contenders));
    }
  }

  @Test
  void theListNamesWhatTheExpressionIsFoundIn() {
    int status = bench("--list", "--only=pair.*size=64");

    List<String> lines = out.toString().lines().toList();
    assertAll(
        () -> assertEquals(0, status, err::toString),
        () -> assertEquals("pair.kmemCache(size=64)", lines.get(0)),
        () -> assertTrue(lines.contains("pair.malloc(size=64)")),
        () -> assertTrue(lines.stream().allMatch(line -> line.endsWith("(size=64)"))));
  }

  @Test
  void aQuickRunHasFewerVirtualThreadsAndASoonerEnd() {
    bench("--list", "--quick", "--only=threadStart.after|giveBack");

    assertEquals(
        List.of(
            "threadStart.afterVirtualThreads(virtualThreads=100000)",
            "giveBack.agent(decayMillis=2000)"),
        out.toString().lines().toList());
  }

  @Test
  void aQuickRunAsksLatencyOfASmallLiveSet() {
    bench("--list", "--quick", "--only=latency[.]heap|interference[.]agent");

    assertEquals(
        List.of(
            "interference.agent",
            "latency.heapG1(budget=2, live=200000)",
            "latency.heapZgc(budget=2, live=200000)"),
        out.toString().lines().toList());
  }

  @Test
  void interferenceIsMeasuredInAJvmOfItsOwn() throws IOException {
    Path json = folder.resolve("r.json");

    int status = bench("--only=interference.trim", "--forks=1", "--millis=50", "--json=" + json);

    assertEquals(0, status, err::toString);
    JsonNode rows = new ObjectMapper().readTree(json.toFile()).get("rows");
    assertAll(
        () -> assertEquals("trim", rows.get(0).get("contender").asText()),
        () -> assertEquals("ns", rows.get(0).get("unit").asText()),
        () -> assertTrue(rows.get(0).get("score").asDouble() > 0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--forks=0      | '--forks': '0', accepted are 1 to 1000",
        "--forks=-1     | '--forks': '-1', accepted are 1 to 1000",
        "--forks=x      | '--forks': 'x' is not an int",
        "--only=nowhere | '--only': 'nowhere' is found in nothing that --list names",
        "--only=(       | '--only': '(' is no regular expression, unclosed group",
        "--decay=1ms    | '--decay': '1ms', accepted are 100ms to 1000s",
        "--decay=soon   | '--decay': 'soon', accepted are 100ms to 1000s",
        "--slow         | Unknown option: '--slow'",
      },
      quoteCharacter = '"')
  void aWrongCommandLineEndsWithStatus2(String argument, String message) {
    assertEquals(2, bench(argument));
    assertTrue(err.toString().contains(message), err::toString);
    assertTrue(out.toString().isEmpty());
  }

  @Test
  void aRunPrintsTablesAndWritesJson() throws IOException {
    Path json = folder.resolve("r.json");

    int status = bench("--only=bulk", "--forks=2", "--millis=10", "--json=" + json);

    assertEquals(0, status, err::toString);
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    JsonNode row = report.get("rows").get(0);
    assertAll(
        () -> assertTrue(out.toString().contains("bulk ÷ singles"), out::toString),
        () -> assertEquals("bulk", row.get("contender").asText()),
        () -> assertEquals("ns/op", row.get("unit").asText()),
        () -> assertEquals(2, row.get("forks").asInt()),
        () -> assertTrue(row.get("score").asDouble() > 0),
        () -> assertTrue(row.get("bytesPerOp").isNumber()));
  }

  @Test
  void jsonThatCannotBeWrittenEndsTheRunBeforeItStarts() {
    Path json = folder.resolve("no such folder").resolve("r.json");

    assertEquals(1, bench("--only=bulk", "--json=" + json));
    assertTrue(err.toString().contains("cannot be written"), err::toString);
    assertTrue(out.toString().isEmpty());
    assertFalse(Files.exists(json));
  }

  @Test
  void givingBackTellsShareAndTime() {
    List<Reading> readings =
        new GiveBack(Duration.ofMillis(200), 16 << 20).run(System.out).readings();

    assertAll(
        () -> assertEquals("agent", readings.get(0).key().contender()),
        () -> assertTrue(readings.get(0).value() >= 0 && readings.get(0).value() <= 1),
        () -> assertEquals("agent.fellTo5Percent", readings.get(1).key().contender()),
        () -> assertEquals("s", readings.get(1).key().unit()));
  }

  private int bench(String... arguments) {
    CommandLine commandLine = new CommandLine(new BenchCommand());
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(err, true));
    commandLine.setExecutionExceptionHandler(
        (failure, command, parsed) -> {
          command.getErr().println(failure.getMessage());
          return 1;
        });
    return commandLine.execute(arguments);
  }
}
