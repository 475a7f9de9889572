package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;

/** What is written of planted numbers. */
final class ReportTest {
  private static final Settings SETTINGS =
      new Settings(Duration.ofMillis(500), 3, Map.of(), Duration.ofSeconds(10), false);

  private final Results results = new Results();

  @Test
  void theJsonHasTheShapeThatOthersRead() throws IOException {
    plant("kmemCache", 0.001, 5, 7, 6);
    plant("heap", 64.0, 10, 14, 12);

    JsonNode json = new ObjectMapper().readTree(report(3).json());

    JsonNode row = json.get("rows").get(0);
    JsonNode bar = json.get("bars").get(0);
    assertAll(
        () -> assertEquals(2, json.get("rows").size()),
        () -> assertEquals("pair", row.get("question").asText()),
        () -> assertTrue(row.get("params").get("size").isNumber()),
        () -> assertEquals(64, row.get("params").get("size").asInt()),
        () -> assertEquals("kmemCache", row.get("contender").asText()),
        () -> assertEquals("ns/op", row.get("unit").asText()),
        () -> assertEquals(6.0, row.get("score").asDouble()),
        () -> assertEquals(1.0, row.get("error").asDouble()),
        () -> assertEquals(5.0, row.get("min").asDouble()),
        () -> assertEquals(7.0, row.get("max").asDouble()),
        () -> assertEquals(0.001, row.get("bytesPerOp").asDouble()),
        () -> assertEquals("pair (size=64): kmemCache ÷ heap", bar.get("bar").asText()),
        () -> assertEquals(0.5, bar.get("ratio").asDouble()),
        () -> assertEquals(1.2, bar.get("limit").asDouble()),
        () -> assertEquals(1.0, bar.get("aim").asDouble()),
        () -> assertEquals("met", bar.get("verdict").asText()),
        () -> assertTrue(json.get("machine").get("processors").asInt() > 0),
        () -> assertTrue(json.get("jvm").get("version").isTextual()),
        () -> assertTrue(json.get("versions").has("jmh")));
  }

  /** So an old file can be told by the bars of today, which its own rows fill. */
  @Test
  void theRowsAreEnoughToJudgeAgain() {
    plant("kmemCache", 0.001, 5, 7, 6);
    plant("heap", 64.0, 10, 14, 12);
    plant("tcmalloc", 0.0, 5, 7, 6);
    Report report = report(3);

    assertFalse(report.bars().isEmpty());
    assertEquals(report.bars(), report.judgedAgain().bars());
    assertTrue(report.bars().stream().anyMatch(bar -> bar.bar().endsWith("÷ tcmalloc")));
  }

  @Test
  void theTablesHaveEveryContenderAndBar() {
    plant("kmemCache", 0.001, 5, 7, 6);
    plant("heap", 64.0, 10, 14, 12);

    String tables = tables(3);

    assertAll(
        () -> assertTrue(tables.contains("pair: take one object"), tables),
        () -> assertTrue(tables.contains("║ kmemCache │ size=64 │ ns/op │   6.00 │"), tables),
        () -> assertTrue(tables.contains("kmemCache ÷ heap"), tables),
        () -> assertTrue(tables.contains("verdicts are of 3 forks; 10 are asked for"), tables),
        () -> assertFalse(tables(10).contains("asked for")),
        () -> assertFalse(tables.contains("pool:"), tables));
  }

  @Test
  void theTablesHaveTheRatiosWithTheirErrors() {
    plant("kmemCache", 0.001, 5, 7, 6);
    plant("heap", 64.0, 10, 14, 12);
    plant("malloc", 0.001, 10, 10, 10);
    plant("jemalloc", 0.001, 20, 20, 20);

    String tables = tables(3);

    assertTrue(tables.contains("│        ÷ heap │ ÷ best peer            │"), tables);
    assertTrue(tables.contains("│ 0.500 ± 0.000 │ 0.600 ± 0.100 (malloc) │"), tables);
  }

  @Test
  void aFileHoldsAllThatIsTold(@TempDir Path folder) {
    Report report =
        new Planted()
            .row(Question.PAIR, "kmemCache", Map.of("size", "64"), 5, 7, 6)
            .row(Question.PAIR, "heap", Map.of("size", "64"), 10, 14)
            .curve(
                new Curve(
                    Question.PAIR,
                    "kmemCache",
                    Map.of(),
                    "resident",
                    "s",
                    "MiB",
                    new double[] {0, 1},
                    new double[] {2, Double.NaN}))
            .report();
    Path json = folder.resolve("r.json");
    JsonFile.write(json, report.json());

    Report read = Report.read(json);

    assertAll(
        () -> assertEquals(report.json(), read.json()),
        () -> assertEquals(Page.of(Findings.of(report)), Page.of(Findings.of(read))),
        () -> assertEquals(tables(report), tables(read)));
  }

  @Test
  void rowsAsOthersWriteThemAreEnough(@TempDir Path folder) {
    Path json = folder.resolve("r.json");
    JsonFile.write(
        json,
        """
        {"rows":[{"question":"pair","params":{"size":64},"contender":"kmem_cache","unit":"ns/op",
          "score":5,"error":1,"bytesPerOp":0,"more":"is ignored"},
          {"question":"ours","contender":"malloc","unit":"ns/op","score":8}]}
        """);

    Report read = Report.read(json);

    assertTrue(tables(read).contains("kmem_cache │ size=64"), () -> tables(read));
    assertTrue(Page.of(Findings.of(read)).contains("kmem_cache"));
    assertTrue(Markdown.of(Findings.of(read)).contains("kmem_cache"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nonsense                        | Unrecognized token 'nonsense'",
        "null                            | it holds null",
        "[]                              | Cannot deserialize value",
        "{}                              | it has no rows",
        "{\"rows\":[{\"question\":\"pair\"}]} | a row lacks its question, contender or unit",
        "{\"rows\":[],\"curves\":[{}]}      | a curve lacks its question",
        "{\"rows\":7}                      | Cannot deserialize value",
      },
      quoteCharacter = '`')
  void aMalformedFileIsToldWhatIsWrong(String text, String message, @TempDir Path folder) {
    Path json = folder.resolve("r.json");
    JsonFile.write(json, text);

    KmemException e = assertThrows(KmemException.class, () -> Report.read(json));

    assertTrue(e.getMessage().startsWith(json + " is not a result of kmem bench: "), e::getMessage);
    assertTrue(e.getMessage().contains(message), e::getMessage);
    assertEquals(1, e.getMessage().lines().count(), e::getMessage);
  }

  @Test
  void aFileThatIsNotThereIsTold(@TempDir Path folder) {
    Path json = folder.resolve("none.json");

    KmemException e = assertThrows(KmemException.class, () -> Report.read(json));

    assertEquals(json + " cannot be read: no such file.", e.getMessage());
  }

  @Test
  void whatNeverHappenedIsNull() throws IOException {
    var key = new Reading.Key(Question.GIVE_BACK, "agent.fellTo5Percent", Map.of(), "s");
    results.add(1, new Reading(key, Double.NaN, null));

    JsonNode row = new ObjectMapper().readTree(report(1).json()).get("rows").get(0);

    assertTrue(row.get("score").isNull());
    assertTrue(row.get("bytesPerOp").isNull());
    assertTrue(tables(1).contains("n/a"));
  }

  private void plant(String contender, double bytesPerOp, double... rounds) {
    var key = new Reading.Key(Question.PAIR, contender, Map.of("size", "64"), "ns/op");
    for (int round = 0; round < rounds.length; round++) {
      results.add(round + 1, new Reading(key, rounds[round], bytesPerOp));
    }
  }

  private Report report(int forks) {
    return Report.of(results, SETTINGS, forks, "bin/kmem bench", List.of());
  }

  private String tables(int forks) {
    return tables(report(forks));
  }

  private static String tables(Report report) {
    return Tables.of(Findings.of(report));
  }
}
