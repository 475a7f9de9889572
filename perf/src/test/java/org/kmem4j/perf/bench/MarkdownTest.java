package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.perf.KmemException;

/** What is written of planted numbers, and what is left as it was. */
final class MarkdownTest {
  private static final String BEGIN = "<!-- measured: begin -->";
  private static final String END = "<!-- measured: end -->";

  @TempDir private Path folder;

  private final Planted planted =
      new Planted()
          .row(Question.PAIR, "kmemCache", Map.of("size", "64"), 4, 5, 6)
          .row(Question.PAIR, "heap", Map.of("size", "64"), 8, 10, 12)
          .row(Question.PAIR, "malloc", Map.of("size", "64"), 2, 2.5, 3);

  @Test
  void theProseAroundStaysAndTheOldNumbersGo() throws IOException {
    Path file = file("# Title\n\nBefore.\n" + BEGIN + "\nold\n" + END + "\n\nAfter.\n");

    Markdown.check(file);
    Markdown.write(planted.findings(), file);
    String once = Files.readString(file);
    Markdown.write(planted.findings(), file);

    assertAll(
        () -> assertTrue(once.startsWith("# Title\n\nBefore.\n" + BEGIN + "\n\n"), once),
        () -> assertTrue(once.endsWith("\n" + END + "\n\nAfter.\n"), once),
        () -> assertEquals(-1, once.indexOf("old"), once),
        () -> assertEquals(once, Files.readString(file).replaceAll("T[\\d:]+Z", time(once))));
  }

  @Test
  void itTellsTheRunTheRatiosTheBarsAndTheLosses() {
    String text = Markdown.of(planted.findings());

    assertAll(
        () -> assertTrue(text.contains("| Command | bin/kmem bench --only 'a\\|b' |"), text),
        () -> assertTrue(text.contains("| Machine | "), text),
        () -> assertTrue(text.contains("| JVM flags | "), text),
        () -> assertTrue(text.contains("Left out: zalloc is missing."), text),
        () -> assertTrue(text.contains("### pair: take one object"), text),
        () ->
            assertTrue(
                text.contains(
                    "| kmemCache | size=64 | 5.00 | 1.00 | 0.500 ± 0.000 | 2.00 ± 0.00 (malloc) |"),
                text),
        () ->
            assertTrue(
                text.contains(
                    "| pair (size=64): kmemCache ÷ heap | 0.500 | 0.500..0.500 | ≤ 1.2 | 1.0 | met"
                        + " |"),
                text),
        () ->
            assertTrue(
                text.contains("| pair | size=64 | kmemCache | malloc | 2.00 ± 0.00 |"), text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no place",
        BEGIN + " only the begin",
        END + " the wrong way round " + BEGIN,
        BEGIN + END + " twice " + BEGIN + END,
      })
  void aFileWithoutOnePlaceForTheNumbersIsLeftAlone(String text) throws IOException {
    Path file = file(text);

    KmemException e = assertThrows(KmemException.class, () -> Markdown.check(file));

    assertTrue(e.getMessage().contains("once each and in that order"), e::getMessage);
    assertThrows(KmemException.class, () -> Markdown.write(planted.findings(), file));
    assertEquals(text, Files.readString(file));
  }

  @Test
  void aFileThatIsNotThereIsTold() {
    Path file = folder.resolve("none.md");

    KmemException e = assertThrows(KmemException.class, () -> Markdown.check(file));

    assertTrue(e.getMessage().startsWith("--markdown " + file + " cannot be read"));
  }

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("doc.md"), text);
  }

  private static String time(String text) {
    return text.replaceAll("(?s).*?(T[\\d:]+Z).*", "$1");
  }
}
