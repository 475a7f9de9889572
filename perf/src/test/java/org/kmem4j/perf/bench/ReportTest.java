package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is written of planted numbers. */
final class ReportTest {
  private static final Settings SETTINGS =
      new Settings(Duration.ofMillis(500), 3, Map.of(), Duration.ofSeconds(10));

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

  @Test
  void theTablesHaveEveryContenderAndBar() {
    plant("kmemCache", 0.001, 5, 7, 6);
    plant("heap", 64.0, 10, 14, 12);

    String tables = report(3).tables();

    assertAll(
        () -> assertTrue(tables.contains("pair: take one object"), tables),
        () -> assertTrue(tables.contains("║ kmemCache │ size=64 │ ns/op │   6.00 │"), tables),
        () -> assertTrue(tables.contains("kmemCache ÷ heap"), tables),
        () -> assertTrue(tables.contains("verdicts are of 3 forks; 10 are asked for"), tables),
        () -> assertFalse(report(10).tables().contains("asked for")),
        () -> assertFalse(tables.contains("pool:"), tables));
  }

  @Test
  void whatNeverHappenedIsNull() throws IOException {
    var key = new Reading.Key(Question.GIVE_BACK, "agent.fellTo5Percent", Map.of(), "s");
    results.add(1, new Reading(key, Double.NaN, null));

    JsonNode row = new ObjectMapper().readTree(report(1).json()).get("rows").get(0);

    assertTrue(row.get("score").isNull());
    assertTrue(row.get("bytesPerOp").isNull());
    assertTrue(report(1).tables().contains("n/a"));
  }

  private void plant(String contender, double bytesPerOp, double... rounds) {
    var key = new Reading.Key(Question.PAIR, contender, Map.of("size", "64"), "ns/op");
    for (int round = 0; round < rounds.length; round++) {
      results.add(round + 1, new Reading(key, rounds[round], bytesPerOp));
    }
  }

  private Report report(int forks) {
    return Report.of(results, SETTINGS, forks);
  }
}
