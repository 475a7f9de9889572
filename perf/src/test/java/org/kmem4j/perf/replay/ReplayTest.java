package org.kmem4j.perf.replay;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.clib.Native;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.trace.TraceReader;
import org.kmem4j.perf.trace.TraceWriter;

/** A replay does what the trace did, and a verify pass finds what a contender does wrong. */
final class ReplayTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"1, 1", "1, 3", "4, 1", "4, 2", "4, 4", "4, 7"})
  void everyObjectIsAllocatedAndFreedOnce(int threads, int workers) {
    Program program = program(TraceWriter.random(threads, 20_000, threads), workers);
    FakeContender allocator = new FakeContender();

    Phase.Outcome outcome = Phase.TIME.run(program, allocator, 3);

    assertAll(
        () -> assertEquals(0, allocator.liveObjects()),
        () -> assertEquals(2, outcome.passNanos().size(), "one of three passes warms up"),
        () -> assertClean(outcome));
  }

  @ParameterizedTest
  @EnumSource(
      value = Contender.class,
      names = {"MALLOC", "HEAP", "ARENA", "NETTY_ADAPTIVE", "CHRONICLE"})
  void whatEveryJvmHasReplaysClean(Contender contender) {
    for (int workers : new int[] {1, 2}) {
      Program program = program(TraceWriter.random(7, 3_000, 2), workers);
      for (Phase phase : new Phase[] {Phase.MEMORY, Phase.VERIFY, Phase.TIME}) {
        try (Allocator allocator = contender.open(program.cells(), workers > 1)) {
          assertClean(phase.run(program, allocator, 1));
        }
      }
    }
  }

  @Test
  void oneWorkerNeedsNoMoreCellsThanAreLive() {
    TraceWriter writer = TraceWriter.random(5, 10_000, 2);

    assertAll(
        () -> assertEquals(writer.maxLive, program(writer, 1).cells()),
        () -> assertEquals(writer.objectCount, program(writer, 2).cells()));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aProgramSurvivesItsFile(int workers) throws IOException {
    Program program = program(TraceWriter.random(6, 5_000, 3), workers);
    Path file = folder.resolve("program");

    program.write(file);
    Program copy = Program.read(file);

    assertEquals(program.cells(), copy.cells());
    assertEquals(workers, copy.workers());
    for (int worker = 0; worker < workers; worker++) {
      assertArrayEquals(program.operations(worker), copy.operations(worker));
      assertArrayEquals(program.leftovers(worker), copy.leftovers(worker));
    }
  }

  @Test
  void anObjectOfNoBytesIsReplayedAsOne() {
    Program program = program(new TraceWriter().alloc(0, 0), 1);

    assertEquals(1, Program.bytes(program.operations(0)[0]));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void theSameMemoryHandedOutTwiceIsFound(int workers) {
    FakeContender allocator =
        new FakeContender() {
          private long shared;

          @Override
          public synchronized long alloc(int cell, long bytes) {
            if (shared == 0) {
              shared = malloc.alloc(cell, 1 << 20);
            }
            return shared;
          }

          @Override
          public synchronized void free(int cell, long address, long bytes) {}
        };

    Phase.Outcome outcome = Phase.VERIFY.run(random(workers), allocator, 1);

    assertTrue(outcome.corruptObjects() > 0);
    assertTrue(outcome.findings().get(0).contains("on an object still live"), outcome::toString);
  }

  @Test
  void anOverlapByOneByteIsFound() {
    TraceWriter writer = new TraceWriter().alloc(0, 17).alloc(0, 16);
    FakeContender allocator =
        new FakeContender() {
          private final long block = malloc.alloc(0, 64);
          private int next;

          @Override
          public synchronized long alloc(int cell, long bytes) {
            return block + 16L * next++;
          }

          @Override
          public synchronized void free(int cell, long address, long bytes) {}
        };

    Phase.Outcome outcome = Phase.VERIFY.run(program(writer, 1), allocator, 1);

    assertEquals(2, outcome.corruptObjects(), "the overlap, and the byte it cost");
  }

  @Test
  void anAddressThatIsNoMultipleOf8IsFound() {
    FakeContender allocator =
        new FakeContender() {
          @Override
          public synchronized long alloc(int cell, long bytes) {
            return malloc.alloc(cell, bytes + 8) + 4;
          }

          @Override
          public synchronized void free(int cell, long address, long bytes) {
            malloc.free(cell, address - 4, bytes);
          }
        };

    Phase.Outcome outcome =
        Phase.VERIFY.run(program(new TraceWriter().alloc(0, 8), 1), allocator, 1);

    assertEquals(1, outcome.corruptObjects(), outcome::toString);
  }

  @ParameterizedTest
  @CsvSource({"1, VERIFY", "3, VERIFY", "1, TIME", "3, TIME"})
  void aByteThatChangesWhileItsObjectIsLiveIsFound(int workers, Phase phase) {
    FakeContender allocator =
        new FakeContender() {
          private int allocs;
          private long victim;

          @Override
          public synchronized long alloc(int cell, long bytes) {
            if (victim != 0) {
              Native.putByte(victim, (byte) ~Native.getByte(victim));
              victim = 0;
            }
            long address = super.alloc(cell, bytes);
            if (++allocs == 1) {
              victim = address; // The first object of a random trace is never freed.
            }
            return address;
          }
        };

    // Another worker's allocs could hit the victim before it is written: one thread, any worker.
    Phase.Outcome outcome =
        phase.run(program(TraceWriter.random(9, 5_000, 1), workers), allocator, 1);

    assertEquals(1, outcome.corruptObjects(), outcome::toString);
  }

  @Test
  void bytesStillInUseAtTheEndAreALeak() {
    FakeContender allocator =
        new FakeContender() {
          @Override
          public long usedBytes() {
            return 48;
          }
        };

    for (Phase phase : new Phase[] {Phase.MEMORY, Phase.VERIFY, Phase.TIME}) {
      Phase.Outcome outcome = phase.run(random(1), allocator, 1);
      assertEquals(1, outcome.leakedObjects());
      assertTrue(outcome.findings().get(0).contains("48 bytes"), outcome::toString);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void sabotageIsFound(int workers) {
    for (int bytes : new int[] {1, 7, 8, 9, 4096, 100_000}) {
      TraceWriter writer = new TraceWriter().alloc(0, bytes).alloc(0, 64).free(0, 0);

      Phase.Outcome outcome = Phase.SABOTAGE.run(program(writer, workers), new FakeContender(), 1);

      assertEquals(1, outcome.corruptObjects(), outcome::toString);
      assertEquals(1, outcome.leakedObjects(), outcome::toString);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aRefusalEndsTheReplayAndHangsNobody(int workers) {
    AtomicInteger left = new AtomicInteger(500);
    FakeContender allocator =
        new FakeContender() {
          @Override
          public synchronized long alloc(int cell, long bytes) {
            return left.decrementAndGet() < 0 ? 0 : super.alloc(cell, bytes);
          }
        };

    KmemException refused =
        assertTimeoutPreemptively(
            Duration.ofSeconds(20),
            () ->
                assertThrows(
                    KmemException.class, () -> Phase.TIME.run(random(workers), allocator, 1)));

    assertTrue(refused.getMessage().contains("refused"), refused.getMessage());
  }

  @Test
  void aFreeWaitsForTheAllocOfAnotherWorker() {
    TraceWriter writer = new TraceWriter().alloc(0, 8).alloc(1, 8);
    int objects = 2;
    for (int i = 0; i < 2_000; i++) { // Each thread frees what the other has just allocated.
      writer.alloc(i % 2, 16).free((i + 1) % 2, objects++);
    }

    Phase.Outcome outcome =
        assertTimeoutPreemptively(
            Duration.ofSeconds(60),
            () -> Phase.VERIFY.run(program(writer, 2), new FakeContender(), 1));

    assertClean(outcome);
  }

  private Program random(int workers) {
    return program(TraceWriter.random(8, 5_000, workers), workers);
  }

  private Program program(TraceWriter writer, int workers) {
    return Program.of(TraceReader.read(writer.write(folder.resolve("t.mtr.gz"))), workers);
  }

  private static void assertClean(Phase.Outcome outcome) {
    assertEquals(0, outcome.corruptObjects(), outcome::toString);
    assertEquals(0, outcome.leakedObjects(), outcome::toString);
    assertTrue(outcome.findings().isEmpty(), outcome::toString);
  }
}
