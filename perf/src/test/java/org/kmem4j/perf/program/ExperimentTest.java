package org.kmem4j.perf.program;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.memory.Os;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.MallocContender;

/** What experiments measure, and what they notice of contenders that do wrong. */
final class ExperimentTest {
  private static final long MILLIS = 6;

  private static final Map<String, String> TWO_THREADS = Map.of("threads", "2");
  private static final Map<String, String> CHANGE = Map.of("from", "64", "to", "256");

  static Stream<Arguments> experiments() {
    return Stream.of(
        experiment(Larson::new, false, TWO_THREADS),
        experiment(XmallocTest::new, false, TWO_THREADS),
        experiment(CacheScratch::new, false, TWO_THREADS),
        experiment(Mleak::new, false, Map.of()),
        experiment(Mleak::new, true, Map.of()),
        experiment(SingleOperation::new, false, Map.of("pattern", SingleOperation.CYCLE)),
        experiment(SingleOperation::new, false, Map.of("pattern", SingleOperation.GROWTH)),
        experiment(PhaseChange::new, true, CHANGE));
  }

  private static Arguments experiment(
      Supplier<Experiment> made, boolean forMemory, Map<String, String> params) {
    return Arguments.of(made.get(), new Order("malloc", forMemory, MILLIS, params));
  }

  @ParameterizedTest
  @MethodSource("experiments")
  void anExperimentFindsNumbersAndNothingWrong(Experiment experiment, Order order) {
    Answer answer = experiment.run(order);

    assertEquals(List.of(), answer.findings());
    assertTrue(answer.figures().get(0).value() >= 0, answer::toString);
    for (Answer.Line line : answer.lines()) {
      assertEquals(line.x().length, line.y().length);
      assertTrue(line.x().length > 1, line::toString);
    }
  }

  @ParameterizedTest
  @MethodSource("experiments")
  void memoryThatIsHandedOutTwiceIsNoticed(Experiment experiment, Order order)
      throws InterruptedException {
    Answer answer = experiment.run(order, new Twice());

    assertEquals(1, answer.findings().size());
    assertTrue(answer.findings().get(0).contains("did not hold"), answer::toString);
  }

  /** All objects of up to a page lie in one place. */
  private static final class Twice extends Fake {
    private static final int MOST_BYTES = 4096;

    private final long block = malloc.alloc(0, MOST_BYTES);

    @Override
    public long alloc(int cell, long bytes) {
      return bytes <= MOST_BYTES ? block : malloc.alloc(cell, bytes);
    }

    @Override
    public void free(int cell, long address, long bytes) {
      if (bytes > MOST_BYTES) {
        malloc.free(cell, address, bytes);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("experiments")
  void aRefusalEndsTheRunAndHangsNobody(Experiment experiment, Order order) {
    AtomicInteger left = new AtomicInteger(15);
    Fake miser =
        new Fake() {
          @Override
          public long alloc(int cell, long bytes) {
            return left.decrementAndGet() < 0 ? 0 : super.alloc(cell, bytes);
          }
        };

    KmemException refused =
        assertTimeoutPreemptively(
            Duration.ofSeconds(20),
            () -> assertThrows(KmemException.class, () -> experiment.run(order, miser)));

    assertTrue(refused.getMessage().contains("refused"), refused.getMessage());
  }

  @Test
  void bytesInUseAtTheEndAreALeak() throws InterruptedException {
    Fake leaks =
        new Fake() {
          @Override
          public long usedBytes() {
            return 48;
          }
        };

    Answer answer = new Mleak().run(new Order("malloc", false, 1, Map.of()), leaks);

    assertEquals(List.of("48 bytes are in use after everything was freed"), answer.findings());
  }

  @Test
  void ourCacheTellsWhereAnOperationWasServed() {
    Map<String, Double> cycle = single(SingleOperation.CYCLE);
    Map<String, Double> growth = single(SingleOperation.GROWTH);

    assertAll(
        () -> assertTrue(cycle.get("hit.p50") <= cycle.get("refill.p50"), cycle::toString),
        () -> assertTrue(cycle.get("freeHit.p50") <= cycle.get("flush.p50"), cycle::toString),
        () -> assertTrue(cycle.get("") <= cycle.get("alloc.max")),
        () -> assertTrue(cycle.get("clock") > 0),
        () -> assertTrue(growth.get("newSlab.p50") > 0, growth::toString),
        () -> assertTrue(growth.get("newRegion.max") <= growth.get("alloc.max")));
  }

  private static Map<String, Double> single(String pattern) {
    Order order = new Order("kmemCache", false, 100, Map.of("pattern", pattern));
    Answer answer = new SingleOperation().run(order);
    assertEquals(List.of(), answer.findings());
    return figures(answer);
  }

  @Test
  void memoryThatAChangeOfSizeLeavesBehindIsCounted() {
    long bytes = 128 << 20;
    long fresh = Os.map(bytes, "never used again"); // and unlike malloc's, touched by nobody before
    Fake keeps =
        new Fake() {
          private long top = fresh;

          @Override
          public long alloc(int cell, long size) {
            long object = top;
            top += size + 16;
            return object;
          }

          @Override
          public void free(int cell, long address, long size) {
            // It never uses anything again.
          }
        };

    Answer answer =
        assertTimeoutPreemptively(
            Duration.ofSeconds(20),
            () -> new PhaseChange().run(new Order("malloc", true, 60, CHANGE), keeps));
    Os.unmap(fresh, bytes);

    Map<String, Double> figures = figures(answer);
    assertAll(
        () -> assertEquals(1.2, figures.get("filled"), 0.2), // 16 bytes beside 64
        () -> assertEquals(12, figures.get("thinned"), 2),
        () -> assertEquals(2.1, figures.get(""), 0.3));
  }

  @ParameterizedTest
  @CsvSource({"slab", "slabPreTouchHugePages", "malloc", "heap"})
  void aStartTakesTimeAndTouchesMemory(String contender) throws Exception {
    Map<String, Double> figures =
        figures(ColdStart.measure(new Order(contender, false, 10, Map.of())));

    assertAll(
        () -> assertTrue(figures.get("") > 0),
        () -> assertTrue(figures.get("next10000") > 0),
        () -> assertTrue(figures.get("faults") >= 0),
        () -> assertTrue(figures.get("firstTouch.p50") <= figures.get("firstTouch.max")));
  }

  @Test
  void anOrderSurvivesTheCommandLine() {
    Order order = new Order("slab", true, 17, CHANGE);

    assertEquals(order, Order.of(order.arguments().toArray(String[]::new)));
  }

  private static Map<String, Double> figures(Answer answer) {
    return answer.figures().stream()
        .collect(java.util.stream.Collectors.toMap(Answer.Figure::name, Answer.Figure::value));
  }

  /** Malloc's memory, to be handed out wrongly. */
  private static class Fake implements Allocator {
    final MallocContender malloc = new MallocContender();

    @Override
    public long alloc(int cell, long bytes) {
      return malloc.alloc(cell, bytes);
    }

    @Override
    public void free(int cell, long address, long bytes) {
      malloc.free(cell, address, bytes);
    }

    @Override
    public String version() {
      return "fake";
    }

    @Override
    public long peakMappedBytes() {
      return -1;
    }
  }
}
