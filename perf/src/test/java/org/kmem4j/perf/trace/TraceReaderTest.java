package org.kmem4j.perf.trace;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.stress.Wild;

/** The reader takes what the format allows, and says in a sentence why it takes nothing else. */
final class TraceReaderTest {
  @TempDir private Path folder;

  @Test
  void theExampleOfTheFormatDecodesAsDescribed() {
    TraceWriter writer = new TraceWriter();
    writer.raw(0x00, 0x18, 0x00, 0x80, 0x01, 0x03, 0x02, 0x02, 0x07);
    writer.eventCount = 4;
    writer.objectCount = 3;
    writer.maxLive = 2;
    writer.maxBytes = 152;
    writer.threads = 2;

    Trace trace = TraceReader.read(writer.write(folder.resolve("example.mtr.gz")));

    assertAll(
        () -> assertEquals("example", trace.name()),
        () -> assertEquals(4, trace.events()),
        () -> assertEquals(3, trace.objects()),
        () -> assertEquals(2, trace.maxLiveObjects()),
        () -> assertEquals(152, trace.maxLiveBytes()),
        () -> assertEquals(2, trace.threads()),
        () -> assertEquals("0+0:24 0+1:128 1-0:24 1+2:7", spelled(trace)));
  }

  @Test
  void countsAreThoseOfTheEvents() {
    TraceWriter writer = TraceWriter.random(1, 200_000, 3);

    Trace trace = TraceReader.read(writer.write(folder.resolve("t.mtr.gz")));

    assertAll(
        () -> assertEquals(200_000, trace.events()),
        () -> assertEquals(writer.objectCount, trace.objects()),
        () -> assertEquals(writer.maxBytes, trace.maxLiveBytes()));
  }

  @Test
  void aMissingFileIsNamed() {
    assertSays(folder.resolve("none.mtr.gz"), "none.mtr.gz does not exist");
  }

  @Test
  void aFolderIsNoTrace() {
    assertSays(folder, "is a directory");
  }

  @Test
  void anEmptyFileIsNoTrace() throws IOException {
    assertSays(Files.createFile(folder.resolve("t.mtr.gz")), "t.mtr.gz is empty");
  }

  @Test
  void aFileThatIsNotGzipIsNoTrace() throws IOException {
    Path file = Files.write(folder.resolve("t.mtr.gz"), small().decoded());

    assertSays(file, "is not a gzip file: it starts with 4d 54");
  }

  @Test
  void nothingDecodedIsNoTrace() {
    assertSays(decoded(), "ends inside or before the magic");
  }

  @Test
  void theMagicIsChecked() {
    assertSays(decoded('M', 'T', 'R', '2', 1, 0, 0, 0), "magic is 4d 54 52 32");
  }

  @Test
  void theVersionIsChecked() {
    TraceWriter writer = small();
    writer.version = 2;

    assertSays(writer, "the version is 2, accepted is 1");
  }

  @Test
  void aTraceWithoutEventsIsRefused() {
    assertSays(new TraceWriter(), "the number of events is 0, accepted are 1 to");
  }

  @Test
  void aPromiseOfMoreEventsThanAreKeptIsRefused() {
    TraceWriter writer = small();
    writer.eventCount = 1L << 60;

    assertSays(writer, "the number of events is 1152921504606846976, accepted are 1 to 134217728");
  }

  @Test
  void aPromiseOfManyEventsTakesNoMemory() {
    TraceWriter writer = small();
    writer.eventCount = TraceReader.MAX_EVENTS;

    assertSays(writer, "the trace ends inside or before an event's tag");
  }

  @Test
  void moreThreadsThanAreKeptAreRefused() {
    TraceWriter writer = small();
    writer.threads = 5000;

    assertSays(writer, "the number of threads is 5000, accepted are 1 to 4096");
  }

  @Test
  void everyCountOfTheHeaderIsCompared() {
    TraceWriter objects = small();
    objects.objectCount++;
    TraceWriter fewer = small();
    fewer.objectCount--;
    fewer.maxLive = 1;
    TraceWriter live = small();
    live.maxLive--;
    TraceWriter bytes = small();
    bytes.maxBytes++;
    TraceWriter threads = small();
    threads.threads++;
    TraceWriter noThreads = small();
    noThreads.threads--;

    assertAll(
        () -> assertSays(objects, "the header says objects 4, the events make it 3"),
        () -> assertSays(fewer, "one object more than the 2 of the header"),
        () -> assertSays(live, "the header says most live objects 1, the events make it 2"),
        () -> assertSays(bytes, "the header says most live bytes 153, the events make it 152"),
        () -> assertSays(threads, "the header says threads 3, the events make it 2"),
        () -> assertSays(noThreads, "thread 1, the header promises threads 0 to 0"));
  }

  @Test
  void threadsAppearInOrder() {
    assertSays(new TraceWriter().alloc(1, 8), "event 0 of 1, byte 13", "thread 1 appears before");
  }

  @Test
  void aFreeNamesALiveObject() {
    assertAll(
        () -> assertSays(new TraceWriter().freeAt(0, 1), "frees an object before any"),
        () -> assertSays(small().freeAt(0, 0), "distance is 0, accepted are 1 to 3"),
        () ->
            assertSays(small().freeAt(0, 4), "event 4 of 5", "distance is 4, accepted are 1 to 3"),
        () -> assertSays(small().freeAt(0, 3), "frees object 0 a second time"));
  }

  @Test
  void aSizeFitsAnArray() {
    assertSays(
        new TraceWriter().alloc(0, 1L << 31),
        "an object's size is 2147483648, accepted are 0 to 2147483647");
  }

  @Test
  void aNumberHasAtMostNineBytes() {
    TraceWriter writer = small().raw(255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1);
    writer.eventCount++;

    assertSays(writer, "takes more than 9 bytes");
  }

  @Test
  void nothingFollowsTheEvents() {
    assertSays(small().raw(0), "bytes follow the last of the 4 events");
  }

  @Test
  void nothingFollowsTheStream() throws IOException {
    byte[] one = Files.readAllBytes(small().write(folder.resolve("one.mtr.gz")));
    byte[] longer = Arrays.copyOf(one, one.length + 1);
    ByteArrayOutputStream twice = new ByteArrayOutputStream();
    twice.writeBytes(one);
    try (GZIPOutputStream second = new GZIPOutputStream(twice)) {
      second.write(0);
    }

    assertAll(
        () -> assertSays(raw(longer), "goes on after its gzip stream, which ends at byte"),
        () -> assertSays(raw(twice.toByteArray()), "goes on after its gzip stream"));
  }

  @Test
  void everyCutIsNoticed() throws IOException {
    byte[] whole = Files.readAllBytes(TraceWriter.random(2, 300, 2).write(folder.resolve("w")));

    for (int length = 0; length < whole.length; length++) {
      Path cut = raw(Arrays.copyOf(whole, length));
      assertThrows(TraceException.class, () -> TraceReader.read(cut), "cut to " + length);
    }
  }

  @Test
  void everyCutOfTheDecodedTraceIsNoticed() {
    byte[] whole = TraceWriter.random(3, 300, 2).decoded();

    for (int length = 0; length < whole.length; length++) {
      Path cut = TraceWriter.gzip(Arrays.copyOf(whole, length), folder.resolve("cut"));
      assertThrows(TraceException.class, () -> TraceReader.read(cut), "cut to " + length);
    }
  }

  @Test
  void aFlippedBitIsNoticedOrHarmless() throws IOException {
    byte[] packed = Files.readAllBytes(TraceWriter.random(4, 100, 2).write(folder.resolve("w")));
    byte[] decoded = TraceWriter.random(4, 100, 2).decoded();

    assertTimeoutPreemptively(
        Duration.ofSeconds(60),
        () -> {
          for (int bit = 0; bit < packed.length * 8; bit++) {
            readsOrSaysWhy(raw(flipped(packed, bit)));
          }
          for (int bit = 0; bit < decoded.length * 8; bit++) {
            readsOrSaysWhy(TraceWriter.gzip(flipped(decoded, bit), folder.resolve("flipped")));
          }
        });
  }

  static Stream<Path> corpus() throws IOException {
    return Files.list(Path.of("src/test/resources/wild/traces")).sorted();
  }

  /** Shapes that take a reader of their own to get wrong: found by mutation, or thought of. */
  @ParameterizedTest
  @MethodSource("corpus")
  void whatIsInTheCorpusIsReadOrRefusedInASentence(Path file) {
    assertEquals(file.getFileName().toString().startsWith("good"), readsOrSaysWhy(file));
  }

  @Test
  void mutatedTracesAreReadOrRefusedInASentence() {
    List<byte[]> traces =
        List.of(small().decoded(), TraceWriter.random(5, 40, 3).decoded(), new byte[8]);
    Wild.attempt(
        "traces",
        wild -> {
          byte[] decoded = wild.mutated(wild.oneOf(traces));
          Path file = TraceWriter.gzip(decoded, folder.resolve("wild"));
          try {
            readsOrSaysWhy(wild.oneIn(4) ? raw(wild.mutated(Files.readAllBytes(file))) : file);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** Four events: 24 and 128 bytes by thread 0, of which thread 1 frees the first; then 7 bytes. */
  private static TraceWriter small() {
    return new TraceWriter().alloc(0, 24).alloc(0, 128).free(1, 0).alloc(1, 7);
  }

  private static byte[] flipped(byte[] bytes, int bit) {
    byte[] copy = bytes.clone();
    copy[bit / 8] ^= (byte) (1 << bit % 8);
    return copy;
  }

  /** Whether the file is a trace; anything thrown but a sentence fails the test. */
  private static boolean readsOrSaysWhy(Path file) {
    try {
      spelled(TraceReader.read(file)); // what was taken can be looked at
      return true;
    } catch (TraceException e) {
      assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
      assertTrue(e.getMessage().endsWith("."), e.getMessage());
      return false;
    }
  }

  private Path raw(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("raw"), bytes);
  }

  private Path decoded(int... bytes) {
    byte[] copy = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      copy[i] = (byte) bytes[i];
    }
    return TraceWriter.gzip(copy, folder.resolve("t.mtr.gz"));
  }

  private void assertSays(TraceWriter writer, String... parts) {
    assertSays(writer.write(folder.resolve("t.mtr.gz")), parts);
  }

  private static void assertSays(Path file, String... parts) {
    String message = assertThrows(TraceException.class, () -> TraceReader.read(file)).getMessage();
    assertTrue(message.contains(file.getFileName().toString()), message);
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
  }

  private static String spelled(Trace trace) {
    StringBuilder events = new StringBuilder();
    for (int event = 0; event < trace.events(); event++) {
      int object = trace.object(event);
      events
          .append(event == 0 ? "" : " ")
          .append(trace.thread(event))
          .append(trace.isAlloc(event) ? "+" : "-")
          .append(object)
          .append(":")
          .append(trace.bytes(object));
    }
    return events.toString();
  }
}
