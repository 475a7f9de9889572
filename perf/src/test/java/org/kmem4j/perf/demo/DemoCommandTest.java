package org.kmem4j.perf.demo;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import picocli.CommandLine;

class DemoCommandTest {
  private static final int OBJECTS = 10_000;

  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @Test
  void allLanesAreDrawnWithWhatHappenedToTenantA() throws Exception {
    Path svg = folder.resolve("demo.svg");
    Path json = folder.resolve("demo.json");

    int status =
        demo(
            "--seconds=1", "--rate=5000", "--objects=" + OBJECTS, "--svg=" + svg, "--json=" + json);

    assertEquals(0, status, err::toString);
    assertTerminalPictureIsWhole();
    assertDrawingIsWhole(svg);
    JsonNode lanes = new ObjectMapper().readTree(json.toFile()).get("lanes");
    assertEquals(List.of("ours", "g1", "zgc", "arrow"), texts(lanes, "lane"));
    assertAll(StreamSupport.stream(lanes.spliterator(), false).map(lane -> () -> assertSane(lane)));
    assertAll(
        () -> assertSaid(lanes.get(0), "tryAlloc() returns 0: ", "live objects to /tenants in "),
        () -> assertSaid(lanes.get(1), "by hand says no: ", "nobody pays for the 10,000 objects"),
        () ->
            assertSaid(lanes.get(3), "OutOfMemoryException: ", "close() throws: Memory was leaked"),
        () -> assertSaid(lanes.get(3), "close() again returns", "lists it for ever"));
  }

  private void assertTerminalPictureIsWhole() {
    String picture = out.toString();
    assertAll(
        () -> assertTrue(picture.lines().allMatch(line -> line.length() <= 80), picture),
        () -> assertEquals(4, count(picture, "A fills up     A at limit"), picture),
        () -> assertEquals(4, count(picture, "     1 ms │"), picture),
        () -> assertEquals(4, count(picture, "   resident │"), picture),
        () -> assertFalse(picture.contains("\033["), "no colours and no repainting in a file"));
  }

  private static void assertDrawingIsWhole(Path svg) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    Document drawing = factory.newDocumentBuilder().parse(svg.toFile());
    NodeList nodes = drawing.getElementsByTagName("text");
    StringBuilder words = new StringBuilder();
    for (int i = 0; i < nodes.getLength(); i++) {
      words.append(nodes.item(i).getTextContent()).append('\n');
    }
    for (Lane lane : Lane.values()) {
      assertTrue(words.toString().contains(lane.title + "\n"), words::toString);
    }
    for (String quarter : Words.quarters(new Plan(1, 5000, OBJECTS))) {
      assertTrue(words.toString().contains(quarter + "\n"), words::toString);
    }
  }

  private static void assertSane(JsonNode lane) {
    JsonNode slices = lane.get("slices");
    long requests = 0;
    for (JsonNode phase : lane.get("phases")) {
      requests += phase.get("requests").asLong();
    }
    long served = requests;
    assertAll(
        () -> assertEquals(5000, served, "each request counts, however late it was served"),
        () -> assertEquals(Plan.SLICES, slices.size()),
        () -> assertEquals(0, lane.get("leakedBytes").asLong()),
        () -> assertEquals(3, lane.get("events").size()),
        () -> assertEquals(0.5, lane.get("events").get(1).get("second").asDouble(), 0.4));
    long mostOfA = 0;
    long budget = new Plan(1, 5000, OBJECTS).budgetBytes();
    for (JsonNode slice : slices) {
      mostOfA = Math.max(mostOfA, slice.get("liveBytesOfA").asLong());
      double p50 = slice.get("p50Micros").asDouble();
      double max = slice.get("maxMicros").asDouble();
      long live = slice.get("liveBytesOfA").asLong() + slice.get("liveBytesOfB").asLong();
      long resident = slice.get("residentBytes").asLong();
      assertTrue(p50 > 0 && p50 <= max && max < 60e6, slice::toString);
      assertTrue(resident == 0 || resident > live && resident <= budget, slice::toString);
    }
    assertEquals(OBJECTS * Plan.OBJECT_BYTES, mostOfA, 0.05 * OBJECTS * Plan.OBJECT_BYTES);
    assertEquals(0, slices.get(Plan.SLICES - 1).get("liveBytesOfA").asLong());
  }

  private static void assertSaid(JsonNode lane, String... words) {
    String said = String.join("\n", texts(lane.get("events"), "what"));
    for (String word : words) {
      assertTrue(said.contains(word), said);
    }
  }

  private static List<String> texts(JsonNode array, String field) {
    return StreamSupport.stream(array.spliterator(), false)
        .map(node -> node.get(field).asText())
        .toList();
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--seconds=0     | --seconds 0, accepted are 1 to 600",
        "--seconds=x     | 'x' is not an int",
        "--rate=999      | --rate 999, accepted are 1000 to 1000000",
        "--objects=5     | --objects 5, accepted are 10000 to 4000000",
        "--lanes=g1,heap | 'heap' is no lane; accepted are ours, g1, zgc, arrow",
      },
      quoteCharacter = '"')
  void aBadValueIsNamedWithWhatIsAccepted(String argument, String message) {
    int status = demo(argument);

    assertEquals(2, status);
    assertTrue(err.toString().contains(message), err::toString);
    assertTrue(out.toString().isEmpty());
  }

  @Test
  void anSvgThatCannotBeWrittenEndsTheRunBeforeItStarts() {
    Path svg = folder.resolve("no such folder").resolve("demo.svg");

    assertEquals(1, demo("--svg=" + svg));
    assertTrue(err.toString().contains("--svg " + svg + " cannot be written"), err::toString);
    assertTrue(out.toString().isEmpty());
    assertFalse(Files.exists(svg));
  }

  private int demo(String... arguments) {
    CommandLine commandLine = new CommandLine(new DemoCommand());
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
