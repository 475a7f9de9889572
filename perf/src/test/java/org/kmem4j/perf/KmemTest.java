package org.kmem4j.perf;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kmem4j.perf.trace.TraceWriter;
import picocli.CommandLine;

/** The command line: what it prints, writes and answers, with children and all. */
final class KmemTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void aRunPrintsATableAndWritesJson() throws IOException {
    Path json = folder.resolve("r.json");

    int status =
        kmem("replay", trace("a"), "--allocator=malloc,heap", "--passes=2", "--json=" + json);

    assertEquals(0, status, err::toString);
    assertTrue(out.toString().contains("resident ÷ live"), out::toString);
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    JsonNode run = report.get("runs").get(0);
    assertAll(
        () -> assertEquals("a", report.get("trace").asText()),
        () -> assertEquals(2000, report.get("events").asLong()),
        () -> assertTrue(report.get("peakLiveBytes").asLong() > 0),
        () -> assertEquals(2, report.get("runs").size()),
        () -> assertEquals("malloc", run.get("allocator").asText()),
        () -> assertTrue(run.get("nsPerEvent").asDouble() > 0),
        () -> assertTrue(run.has("peakMappedBytes")),
        () -> assertTrue(run.has("peakResidentBytes")),
        () -> assertTrue(run.has("residentPerLive")),
        () -> assertEquals(0, run.get("leakedObjects").asLong()),
        () -> assertEquals(0, run.get("corruptObjects").asLong()));
  }

  @Test
  void residentMemoryIsThatOfTheObjects() throws IOException {
    TraceWriter writer = new TraceWriter();
    for (int i = 0; i < 1000; i++) {
      writer.alloc(0, 100_000);
    }
    String trace = writer.write(folder.resolve("t.mtr.gz")).toString();

    kmem("replay", trace, "--allocator=malloc", "--passes=0", "--json=-");

    JsonNode run = new ObjectMapper().readTree(out.toString()).get("runs").get(0);
    if (!run.get("residentPerLive").isNull()) { // Linux only.
      assertEquals(1.0, run.get("residentPerLive").asDouble(), 0.1);
    }
  }

  @Test
  void severalTracesMakeAnArrayOnTheStandardOutput() throws IOException {
    int status =
        kmem("replay", trace("a"), trace("b"), "--allocator=malloc", "--passes=0", "--json=-");

    assertEquals(0, status, err::toString);
    JsonNode reports = new ObjectMapper().readTree(out.toString());
    assertAll(
        () -> assertEquals(2, reports.size()),
        () -> assertEquals("b", reports.get(1).get("trace").asText()),
        () -> assertTrue(reports.get(0).get("runs").get(0).get("nsPerEvent").isNull()),
        () -> assertTrue(err.toString().contains("ns/event"), "the table is elsewhere"));
  }

  @Test
  void verifyIsCleanAndSabotageIsNot() throws IOException {
    String[] run = {"replay", trace("a"), "--allocator=malloc", "--passes=0", "--threads=2", ""};
    Path json = folder.resolve("r.json");

    run[5] = "--verify";
    assertEquals(0, kmem(run), err::toString);

    run[5] = "--sabotage";
    assertEquals(1, kmem(run));
    assertTrue(err.toString().contains("malloc leaked 1 and corrupted 1 objects of trace a"));

    assertEquals(
        1, kmem("replay", trace("a"), "--allocator=malloc", "--sabotage", "--json=" + json));
    JsonNode sabotaged = new ObjectMapper().readTree(json.toFile()).get("runs").get(0);
    assertEquals(1, sabotaged.get("leakedObjects").asLong());
    assertEquals(1, sabotaged.get("corruptObjects").asLong());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "replay --threads 0          | '0', accepted are 1 to 256",
        "replay --threads=-1         | '-1', accepted are 1 to 256",
        "replay --passes x           | 'x', accepted are 0 to 10000",
        "replay --forks 0            | '0', accepted are 1 to 1000",
        "replay --allocator malloc,x | 'x' is no allocator; accepted are slab, malloc, mimalloc",
        "replay --fast               | Unknown option: '--fast'",
        "replay --rotate 5           | --rotate needs --groups",
        "replay --groups 0           | '0', accepted are 1 to 100000",
        "reparent --pages 0          | --pages 0, accepted are 1 to",
        "churn --sharing 101         | --sharing 101.0, accepted are 0 to 100",
        "churn --days -1             | --days -1.0, accepted are 0 to 1000",
        "interference --seconds 0    | --seconds 0, accepted are 1 to 600",
        "latency --live 5            | --live 5, accepted are 1000 to 100000000",
        "latency --live 4e6          | '4e6' is not an int",
        "latency --budget 0.5        | --budget 0.5, accepted are 1 to 100",
        "latency --budget NaN        | --budget NaN, accepted are 1 to 100",
        "latency --rate 0            | --rate 0, accepted are 1 to 10000000",
        "latency --seconds 0         | --seconds 0, accepted are 0.1 to 3600",
        "latency --contenders heap   | --contenders 'heap' is no contender; accepted are heapG1,"
            + " heapZgc",
        "torture --threads 0         | --threads 0, accepted are 1 to 64",
        "torture --max 1k            | --max 1k, accepted are 16m to 1g",
        "torture --max much          | --max much, accepted are 16m to 1g",
        "torture --minutes 0         | --minutes and --seconds make up 0, accepted is a second",
        "torture --seed x            | 'x' is not a long",
        "replai                      | Unmatched argument at index 0: 'replai'",
        "                            | Missing subcommand",
      },
      quoteCharacter = '"')
  void aWrongCommandLineEndsWithStatus2(String arguments, String message) {
    int status = kmem(arguments == null ? new String[0] : arguments.split(" "));

    assertEquals(2, status);
    assertTrue(err.toString().contains(message), err::toString);
    assertTrue(err.toString().strip().endsWith(" --help tells more"), err::toString);
    assertTrue(err.toString().lines().count() <= 3, err::toString);
  }

  @Test
  void aPropertyThatMeansNothingIsASentence() {
    System.setProperty("kmem4j.bogus", "1");
    try {
      assertEquals(2, kmem("torture", "--seconds=1"));
    } finally {
      System.clearProperty("kmem4j.bogus");
    }
    assertTrue(err.toString().startsWith("-Dkmem4j.bogus is unknown; "), err::toString);
    assertEquals(2, err.toString().lines().count());
    assertTrue(err.toString().strip().endsWith("kmem torture --help tells more"), err::toString);
  }

  @Test
  void tenantsThatComeAndGoLoseNothing() throws IOException {
    Path json = folder.resolve("r.json");

    int status = kmem("replay", trace("a"), "--groups=3", "--rotate=100", "--json=" + json);

    assertEquals(0, status, err::toString);
    assertTrue(out.toString().contains("/tenants"), out::toString);
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertAll(
        () -> assertEquals(20, report.get("closedGroups").asLong()),
        () -> assertTrue(report.get("leftObjects").asLong() > 0),
        () -> assertEquals(0, report.get("dyingGroups").asLong()),
        () -> assertEquals(0, report.get("leakedObjects").asLong()),
        () -> assertEquals(0, report.get("corruptObjects").asLong()));
  }

  @Test
  void closingAGroupTouchesNoPage() throws IOException {
    Path json = folder.resolve("r.json");

    int status = kmem("reparent", "--pages=400", "--protect", "--json=" + json);

    assertEquals(0, status, err::toString);
    JsonNode row = new ObjectMapper().readTree(json.toFile()).get("rows").get(0);
    assertAll(
        () -> assertTrue(row.get("pages").asLong() >= 400),
        () -> assertTrue(row.get("protected").asBoolean()),
        () -> assertTrue(row.get("caches").asInt() >= 20),
        () -> assertEquals(row.get("caches").asInt(), row.get("ownerStores").asInt()));
  }

  @Test
  void theOldWayIsKilledAtTheFirstPage() {
    assertEquals(0, kmem("reparent", "--pages=400", "--protect", "--walk"), err::toString);

    assertTrue(err.toString().contains("the walk was killed"), err::toString);
  }

  @Test
  void withoutSharingNoGroupStaysInEitherScheme() throws IOException {
    Path json = folder.resolve("r.json");

    int status = kmem("churn", "--days=0", "--sharing=0", "--json=" + json);

    assertEquals(0, status, err::toString);
    JsonNode row = new ObjectMapper().readTree(json.toFile()).get("rows").get(0);
    assertAll(
        () -> assertTrue(row.get("originalDying").asDouble() < 60, row::toString),
        () -> assertTrue(row.get("reparentDying").asDouble() < 60, row::toString),
        () -> assertEquals(0, row.get("lingeringCaches").asInt()));
  }

  @Test
  void whatIsSharedKeepsGroupsAliveInTheOriginalSchemeAlone() throws IOException {
    Path json = folder.resolve("r.json");

    kmem("churn", "--days=1", "--json=" + json);

    JsonNode row = new ObjectMapper().readTree(json.toFile()).get("rows").get(1);
    double original = row.get("originalDying").asDouble();
    double reparenting = row.get("reparentDying").asDouble();
    assertTrue(original > 5 * reparenting, row::toString);
  }

  @Test
  void tortureDoesNotSabotageForHalfAnHour() {
    int status = kmem("torture", "--sabotage", "--soak");

    assertEquals(2, status);
    assertTrue(err.toString().contains("--sabotage and --soak: accepted is one of them"));
  }

  @Test
  void tortureTellsWhatItFoundAsJson() throws IOException {
    Path json = folder.resolve("r.json");

    int status = kmem("torture", "--seconds=2", "--threads=2", "--seed=5", "--json=" + json);

    assertEquals(0, status, err::toString);
    assertTrue(out.toString().contains("No violation. Seed 5."), out::toString);
    assertTrue(
        Files.readString(json)
            .replaceAll("[\\s\"]", "")
            .matches(
                "\\{operations:[1-9]\\d*,violations:0,faultsInjected:[1-9]\\d*,gracePeriods:\\d+,"
                    + "peakResidentBytes:\\d+,endResidentBytes:\\d+,seed:5,.*"),
        () -> json.toString());
  }

  @Test
  void theLayoutIsThatOfThePage() throws IOException {
    assertEquals(0, kmem("layout"), err::toString);

    assertEquals(Files.readString(Path.of("../native-layout.md")), out.toString());
  }

  @Test
  void aTraceThatIsNotThereIsNamedWithThoseThatAre() {
    assertEquals(1, kmem("replay", "nothing-of-that-name"));
    assertTrue(err.toString().startsWith("kmem: There is no trace nothing-of-that-name"));
    assertEquals(1, err.toString().lines().count(), "nor a word about what is not installed");
  }

  @Test
  void aDamagedTraceIsOneSentence() throws IOException {
    Path file = Files.writeString(folder.resolve("t.mtr.gz"), "no gzip");

    assertEquals(1, kmem("replay", file.toString(), "--allocator=malloc"));
    assertTrue(err.toString().contains("t.mtr.gz is not a gzip file"), err::toString);
    assertEquals(1, err.toString().lines().count());
  }

  @Test
  void jsonThatCannotBeWrittenEndsTheRunBeforeItStarts() {
    Path json = folder.resolve("no such folder").resolve("r.json");

    assertEquals(1, kmem("replay", trace("a"), "--allocator=malloc", "--json=" + json));
    assertEquals(
        "kmem: --json "
            + json
            + " cannot be written: its folder does not exist; accepted is a file in a folder that"
            + " exists.",
        err.toString().strip());
    assertTrue(out.toString().isEmpty());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "             | '' cannot be written: the name is empty",
        "/            | / cannot be written: it is a folder",
        "/proc/x.json | /proc/x.json cannot be written: no file can be made there",
      },
      quoteCharacter = '"')
  void whyAFileCannotBeWrittenIsTold(String file, String sentence) {
    Path json = Path.of(file == null ? "" : file);
    assumeTrue(Files.isDirectory(Path.of("/proc")), "Linux only");

    var error = assertThrows(KmemException.class, () -> JsonFile.check(json));

    assertTrue(error.getMessage().startsWith("--json " + sentence + ';'), error::getMessage);
  }

  @Test
  void aRunThatFailsLeavesNoJson() throws IOException {
    Path json = folder.resolve("r.json");
    Path file = Files.writeString(folder.resolve("t.mtr.gz"), "no gzip");

    kmem("replay", file.toString(), "--allocator=malloc", "--json=" + json);

    assertFalse(Files.exists(json));
  }

  private String trace(String name) {
    return TraceWriter.random(1, 2000, 2).write(folder.resolve(name + ".mtr.gz")).toString();
  }

  private int kmem(String... arguments) {
    CommandLine commandLine = Kmem.commandLine();
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(err, true));
    return commandLine.execute(arguments);
  }
}
