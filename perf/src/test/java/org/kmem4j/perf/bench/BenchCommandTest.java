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
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.contender.Contender;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import picocli.CommandLine;

/** What the command asks, refuses, prints and writes; with real forks, but short ones. */
final class BenchCommandTest {
  private static final Map<String, String> SIZE = Map.of("size", "64");

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @EnumSource
  void everyBenchmarkIsAskedForAndEveryContenderHasOne(Question question) {
    if (!question.isJmh()) {
      return;
    }
    Map<String, BenchmarkListEntry> entries = question.entries();
    Set<String> asked = new HashSet<>();
    for (String contender : question.contenders) {
      asked.add(Question.entry(entries, contender).getUsername());
    }

    assertEquals(
        entries.values().stream().map(BenchmarkListEntry::getUsername).collect(Collectors.toSet()),
        asked);
  }

  @Test
  void whoeverIsAskedByABenchmarkOfAllCanBeOpenedForIt() {
    for (Question question : Question.values()) {
      if (question.isJmh()) {
        Map<String, BenchmarkListEntry> entries = question.entries();
        for (String name : question.contenders) {
          if (Question.isOfAnyContender(Question.entry(entries, name))) {
            Contender contender = JmhTrial.who(name).orElseThrow(() -> new AssertionError(name));
            assertTrue(
                question == Question.MIXED ? contender.isOfAnySize() : contender.isAllocator(),
                name);
          }
        }
      }
    }
  }

  @Test
  void aFullRunAsksForEveryCombinationThatAContenderCanBear() {
    bench("--list", "--full", "--only=replacement.*live=10000000");

    List<String> lines = out.toString().lines().toList();
    assertAll(
        () -> assertTrue(lines.contains("replacement.heapZgc(live=10000000)")),
        () -> assertFalse(lines.contains("replacement.arrow(live=10000000)")),
        () ->
            assertTrue(
                err.toString().contains("replacement(live=10000000) of arena, nettyPooled, "),
                err::toString));
  }

  @Test
  void aUsualRunAsksForFewerParametersThanAFullOne() {
    bench("--list", "--only=pair.bySize");

    assertEquals(
        List.of("pair.bySize(size=64)", "pair.bySize(size=1024)"), out.toString().lines().toList());
  }

  @Test
  void everyValueThatAUsualRunAsksForIsOneOfAFullOne() {
    Set<String> values = new HashSet<>();
    for (Trial trial : Question.trials(settings(Map.of()), missing -> {})) {
      trial
          .params()
          .forEach((name, value) -> values.add(trial.question() + "." + name + "=" + value));
    }

    Question.usualParams()
        .forEach(
            (name, some) ->
                some.forEach(value -> assertTrue(values.contains(name + "=" + value), name)));
  }

  @Test
  void aUsualRunEndsWithinAnHourAndAQuarter() {
    Settings usual = settings(Question.usualParams());
    Duration round =
        Question.trials(usual, missing -> {}).stream()
            .map(Trial::estimate)
            .reduce(Duration.ZERO, Duration::plus);

    assertTrue(round.multipliedBy(BenchCommand.USUAL_FORKS).toMinutes() <= 75, round::toString);
  }

  @Test
  void aForkIsStartedAsItsContendersUsersWould() {
    assertAll(
        () -> assertTrue(flags(Question.PAIR, "heapZgc", SIZE).contains("-XX:+UseZGC")),
        () -> assertTrue(flags(Question.PAIR, "heap", SIZE).contains("-XX:+UseG1GC")),
        () ->
            assertTrue(
                flags(Question.PAIR, "nettyPooled", SIZE)
                    .containsAll(Contender.NETTY_POOLED.flags())),
        () ->
            assertTrue(flags(Question.PAIR, "nettyPooled", SIZE).contains("-Djmh.executor=CUSTOM")),
        () -> assertTrue(flags(Question.PAIR, "kmemCache", SIZE).containsAll(Fork.inherited())),
        () ->
            assertTrue(
                flags(Question.REPLACEMENT, "heap", Map.of("live", "10000000"))
                    .contains("-Xmx3885m")));
  }

  private static List<String> flags(
      Question question, String contender, Map<String, String> params) {
    return new JmhTrial(question, contender, params, "benchmark", settings(Map.of())).flags();
  }

  private static Settings settings(Map<String, List<String>> params) {
    return new Settings(Duration.ofMillis(500), 3, params, Duration.ofSeconds(10), false);
  }

  @Test
  void theListNamesWhatTheExpressionIsFoundIn() {
    int status = bench("--list", "--forks=10", "--only=pair.*size=64");

    List<String> lines = out.toString().lines().toList();
    assertAll(
        () -> assertEquals(0, status, err::toString),
        () -> assertTrue(err.toString().contains("10 rounds, about "), err::toString),
        () -> assertEquals("pair.kmemCache(size=64)", lines.get(0)),
        () -> assertTrue(lines.contains("pair.malloc(size=64)")),
        () -> assertTrue(lines.stream().allMatch(line -> line.endsWith("(size=64)"))));
  }

  @Test
  void theHelpTellsWhenTwoRunsDiffer() {
    assertEquals(0, bench("--help"), err::toString);
    assertTrue(out.toString().contains("5 %,"), out::toString);
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
  void aFullRunAsksLatencyOfAllLiveSetsAndBudgets() {
    bench("--list", "--full", "--only=latency[.]heapG1");

    assertEquals(
        List.of(
            "latency.heapG1(budget=1.5, live=1000000)",
            "latency.heapG1(budget=2, live=1000000)",
            "latency.heapG1(budget=4, live=1000000)",
            "latency.heapG1(budget=1.5, live=4000000)",
            "latency.heapG1(budget=2, live=4000000)",
            "latency.heapG1(budget=4, live=4000000)",
            "latency.heapG1(budget=1.5, live=8000000)",
            "latency.heapG1(budget=2, live=8000000)",
            "latency.heapG1(budget=4, live=8000000)"),
        out.toString().lines().toList());
  }

  @Test
  void onlyAQuickRunReplaysTheSmallestTraceAlone() {
    bench("--list", "--forks=2", "--millis=1", "--only=replay[.]slab|traceMemory[.]slab");
    bench("--list", "--quick", "--only=replay[.]slab|traceMemory[.]slab");

    List<String> lines = out.toString().lines().toList();
    assertAll(
        () -> assertEquals(4, lines.size(), lines::toString),
        () -> assertTrue(lines.get(0).contains("+"), lines::toString),
        () -> assertTrue(lines.get(1).contains("+"), lines::toString),
        () -> assertFalse(lines.get(2).contains("+"), lines::toString),
        () -> assertFalse(lines.get(3).contains("+"), lines::toString));
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
        "--millis=0     | '--millis': '0', accepted are 1 to 60000",
        "--millis=-1    | '--millis': '-1', accepted are 1 to 60000",
        "--millis=60001 | '--millis': '60001', accepted are 1 to 60000",
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
  void quickAndFullExcludeEachOther() {
    assertEquals(2, bench("--quick", "--full", "--only=bulk"));
    assertTrue(err.toString().contains("'--quick' and '--full' exclude each other"), err::toString);
  }

  @Test
  void aRunPrintsTablesAndWritesJson() throws IOException {
    Path json = folder.resolve("r.json");

    int status = bench("--only=bulk", "--forks=2", "--millis=10", "--json=" + json);

    assertEquals(0, status, err::toString);
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    JsonNode row = report.get("rows").get(0);
    assertAll(
        () -> assertTrue(report.get("command").asText().startsWith("bin/kmem --only=bulk")),
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
  void aFileIsToldAgainAsPageAndDocument() throws IOException {
    Path json = report("r.json", 5);
    Path document = folder.resolve("doc.md");
    Files.writeString(document, Markdown.BEGIN + "\n" + Markdown.END);

    int status =
        bench("--from=" + json, "--html=" + folder.resolve("page"), "--markdown=" + document);

    assertAll(
        () -> assertEquals(0, status, err::toString),
        () -> assertTrue(out.toString().contains("kmemCache"), out::toString),
        () ->
            assertTrue(
                Files.readString(folder.resolve("page").resolve(Page.FILE)).contains("kmemCache")),
        () -> assertTrue(Files.readString(document).contains("| kmemCache | size=64 |")));
  }

  @Test
  void aRegressionEndsWithStatus1() {
    Path old = report("old.json", 5);
    Path slower = report("new.json", 6);

    assertEquals(1, bench("--compare", old.toString(), slower.toString()), err::toString);
    assertTrue(out.toString().contains("1 worse, 0 of others worse"), out::toString);
    assertEquals(0, bench("--compare", slower.toString(), old.toString()), err::toString);
    assertEquals(0, bench("--compare", old.toString(), old.toString()), err::toString);
  }

  @Test
  void whatCannotBeToldOrComparedEndsWithStatus2() throws IOException {
    Path good = report("good.json", 5);
    Path bad = Files.writeString(folder.resolve("bad.json"), "{}");
    Path empty = Files.writeString(folder.resolve("empty.json"), "{\"rows\":[]}");

    assertAll(
        () -> assertEquals(2, bench("--compare", good.toString(), bad.toString())),
        () -> assertEquals(2, bench("--compare", good.toString(), empty.toString())),
        () -> assertEquals(2, bench("--compare", good.toString())),
        () -> assertEquals(2, bench("--from=" + bad)),
        () -> assertEquals(2, bench("--from=" + good, "--forks=3")),
        () -> assertTrue(err.toString().contains("have no row in common"), err::toString),
        () -> assertTrue(err.toString().contains("it has no rows"), err::toString),
        () -> assertTrue(err.toString().contains("--from measures nothing"), err::toString),
        () -> assertTrue(out.toString().isEmpty(), out::toString));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--only=pair",
        "--forks=3",
        "--quick",
        "--full",
        "--decay=10s",
        "--list",
        "--millis=100"
      })
  void whatIsMeasuredDoesNotGoWithWhatMeasuresNothing(String argument) {
    String good = report("good.json", 5).toString();

    assertAll(
        () -> assertEquals(2, bench(argument, "--from=" + good)),
        () -> assertEquals(2, bench("--compare", good, good, argument)),
        () ->
            assertTrue(
                err.toString()
                    .contains(
                        "--from measures nothing: '%s' does not go with it, accepted are --json,"
                                .formatted(argument)
                            + " --html, --markdown"),
                err::toString),
        () -> assertTrue(err.toString().contains(comparesAlone(argument)), err::toString),
        () -> assertTrue(out.toString().isEmpty(), out::toString));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--json=r.json", "--html=page", "--markdown=doc.md", "--from=r.json"})
  void whatIsWrittenDoesNotGoWithComparing(String argument) {
    String good = report("good.json", 5).toString();

    assertAll(
        () -> assertEquals(2, bench(argument, "--compare", good, good)),
        () -> assertTrue(err.toString().contains(comparesAlone(argument)), err::toString),
        () -> assertTrue(out.toString().isEmpty(), out::toString));
  }

  private static String comparesAlone(String argument) {
    return "--compare measures nothing: '%s' does not go with it, no other option is accepted"
        .formatted(argument);
  }

  @Test
  void aDocumentWithoutAPlaceForTheNumbersEndsTheRunBeforeItStarts() throws IOException {
    Path document = Files.writeString(folder.resolve("doc.md"), "prose");

    assertEquals(1, bench("--only=bulk", "--markdown=" + document));
    assertTrue(err.toString().contains("has no one place"), err::toString);
    assertTrue(out.toString().isEmpty());
  }

  private Path report(String name, double nanos) {
    Path file = folder.resolve(name);
    JsonFile.write(
        file,
        new Planted()
            .row(Question.PAIR, "kmemCache", Map.of("size", "64"), nanos, nanos, nanos)
            .report()
            .json());
    return file;
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
