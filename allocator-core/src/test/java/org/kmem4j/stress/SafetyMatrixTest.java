package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The safety matrix of {@code docs/RELIABILITY.md}: what comes of each program of {@link Misuse}
 * under each set of properties, in a JVM of its own. With {@code -Dtest.matrix.write=true} the page
 * is written anew.
 */
final class SafetyMatrixTest {
  private static final Path PAGE = Path.of("../docs/RELIABILITY.md");
  private static final String BEGIN = "<!-- safety matrix: begin -->\n";
  private static final String END = "<!-- safety matrix: end -->\n";

  /** The properties of each column. */
  private static final Map<String, List<String>> COLUMNS = new LinkedHashMap<>();

  static {
    COLUMNS.put("off", List.of());
    COLUMNS.put("hardened", List.of("-Dkmem4j.hardened=true"));
    COLUMNS.put("debug", List.of("-Dkmem4j.debug=FZPU"));
  }

  /**
   * What came of a program.
   *
   * @param kind "detected", "not detected", "says" or "crashed"
   */
  record Outcome(String kind, String when, String message) {
    boolean isDetected() {
      return kind.equals("detected");
    }

    @Override
    public String toString() {
      return switch (kind) {
        case "detected" -> when + ": `" + message + '`';
        case "says" -> message;
        case "crashed" -> "**the JVM crashed**";
        default -> "not detected";
      };
    }
  }

  private static final Map<String, Map<String, Outcome>> MATRIX = new LinkedHashMap<>();

  @BeforeAll
  static void run() throws Exception {
    for (String column : COLUMNS.keySet()) {
      MATRIX.put(column, outcomes(COLUMNS.get(column)));
    }
  }

  /** Runs all programs in one JVM, or, after a crash, those that are left in another. */
  private static Map<String, Outcome> outcomes(List<String> flags) throws Exception {
    Map<String, Outcome> outcomes = new LinkedHashMap<>();
    while (outcomes.size() < Misuse.programs().size()) {
      List<String> all = new ArrayList<>(flags);
      all.add("-da"); // as in production
      all.add("-D" + Misuse.DONE + '=' + String.join(",", outcomes.keySet()));
      int before = outcomes.size();
      var result =
          ChildJvm.run(
              Misuse.class.getName() + "#all",
              null,
              Duration.ofSeconds(60),
              all.toArray(String[]::new));
      read(result.output(), outcomes);
      assertNotEquals(before, outcomes.size(), result.output());
      boolean crashed = result.output().contains("# A fatal error has been detected");
      assertTrue(result.exit() == 0 || crashed, result.output()); // else it is our own mistake
    }
    return outcomes;
  }

  private static void read(String output, Map<String, Outcome> outcomes) {
    for (String line : output.lines().toList()) {
      String[] words = line.split("\t", -1);
      if (line.startsWith(Misuse.BEGINS)) {
        outcomes.put(words[1], new Outcome("crashed", "", ""));
      } else if (line.startsWith(Misuse.ENDED)) {
        outcomes.put(words[1], new Outcome(words[2], words[3], withoutNumbers(words[4])));
      }
    }
  }

  /** What differs from run to run is left out. */
  private static String withoutNumbers(String message) {
    return message
        .replaceAll("0x[0-9a-f]{6,}", "0x…")
        .replaceAll("number \\d+", "number …")
        .replaceAll("object \\d+ at", "object … at")
        .replaceAll("(link is|leads to|begins at) \\d+", "$1 …");
  }

  private static String table() {
    StringBuilder text = new StringBuilder("\n| program | what it does |");
    COLUMNS.keySet().forEach(column -> text.append(' ').append(column).append(" |"));
    text.append("\n|---|---|").append("---|".repeat(COLUMNS.size())).append('\n');
    for (Misuse.Program program : Misuse.programs()) {
      text.append("| `").append(program.name()).append("` | ").append(program.what()).append(" |");
      for (String column : COLUMNS.keySet()) {
        text.append(' ').append(MATRIX.get(column).get(program.name())).append(" |");
      }
      text.append('\n');
    }
    return text.append('\n').toString();
  }

  @Test
  void thePageShowsWhatComesOfEachProgram() throws Exception {
    String page = Files.readString(PAGE);
    int begin = page.indexOf(BEGIN) + BEGIN.length();
    int end = page.indexOf(END);
    if (Boolean.getBoolean("test.matrix.write")) {
      Files.writeString(PAGE, page.substring(0, begin) + table() + page.substring(end));
      return;
    }
    String shown = page.substring(begin, end);
    if (!shown.equals(table())) {
      run(); // links are random: of a thousand that are overwritten one looks like a good one
    }
    assertEquals(shown, table(), "-Dtest.jvm.args=-Dtest.matrix.write=true writes it anew");
  }

  @Test
  void noneCrashesTheJvm() {
    MATRIX.forEach(
        (column, outcomes) ->
            outcomes.forEach(
                (program, outcome) ->
                    assertNotEquals("crashed", outcome.kind(), program + ", " + column)));
  }

  /** What production is to detect when it is hardened. */
  @ParameterizedTest
  @CsvSource({
    "double_free, 'slab 0x…, was freed twice'",
    "double_free_other_thread, was freed twice",
    "double_free_single_reuse, was freed twice",
    "invalid_free, is no object of cache",
    "invalid_free_foreign, lies outside this allocator",
    "invalid_free_unaligned, 1 bytes inside the object at",
    "invalid_free_other_cache, 'belongs to cache \"other\", not to \"victim\"'",
    "header_overwritten, 'its header was overwritten; at offset 0 lies 0x'",
    "header_begin_overwritten, 'its header was overwritten; at offset 0 lies 0x'"
  })
  void hardenedItIsDetectedWithTheRightReport(String program, String report) {
    assertDetected("hardened", program, report);
  }

  /** Everything that the design promises to detect. */
  @ParameterizedTest
  @CsvSource({
    "one_byte_overflow, 'was written past its end: byte 64 is 0x41, expected 0xcc'",
    "one_byte_underflow, 'was written before its first byte: byte -1 is 0x41, expected 0xcc'",
    "write_after_free, 'was written after it was freed: byte 0 is 0x41, expected 0x6b'",
    "double_free, 'slab 0x…, was freed twice'",
    "double_free_other_thread, was freed twice",
    "double_free_single_reuse, was freed twice",
    "invalid_free, is no object of cache",
    "invalid_free_foreign, lies outside this allocator",
    "invalid_free_unaligned, 1 bytes inside the object at",
    "invalid_free_other_cache, 'belongs to cache \"other\", not to \"victim\"'",
    "header_overwritten, 'its header was overwritten; at offset 0 lies 0x…, expected 0x…; at offset"
        + " 8'",
    "header_overwritten, was given back; the slab is frozen",
    "header_begin_overwritten, 'at offset 0 lies 0x…, expected 0x…; found while'",
    "header_begin_overwritten, was given back; the slab is frozen"
  })
  void inDebugModeItIsDetectedWithTheRightReport(String program, String report) {
    assertDetected("debug", program, report);
  }

  private static void assertDetected(String column, String program, String report) {
    Outcome outcome = MATRIX.get(column).get(program);

    assertAll(
        () -> assertTrue(outcome.isDetected(), program),
        () -> assertTrue(outcome.message().contains(report), outcome.message()));
  }

  /** What production is promised with {@code kmem4j.hardened}. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "double_free",
        "double_free_delayed",
        "double_free_interleaved",
        "double_free_other_thread",
        "double_free_single_reuse",
        "double_free_reuse",
        "invalid_free_foreign",
        "invalid_free_other_cache",
        "header_overwritten",
        "header_begin_overwritten"
      })
  void inHardenedModeItIsDetected(String program) {
    Outcome outcome = MATRIX.get("hardened").get(program);

    assertTrue(outcome.isDetected(), outcome::toString);
  }
}
