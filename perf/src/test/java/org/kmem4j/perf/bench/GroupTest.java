package org.kmem4j.perf.bench;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kmem4j.perf.bench.Group.Entry;
import org.kmem4j.perf.bench.Group.Ratio;

/** Who is divided by whom. */
final class GroupTest {
  private static final Map<String, String> SMALL = Map.of("size", "64");
  private static final Map<String, String> LARGE = Map.of("size", "1024");

  private final Planted planted = new Planted();

  @ParameterizedTest
  @CsvSource({
    "kmemCache, OURS",
    "objectPoolPinned, OURS",
    "heap, HEAP",
    "heapZgc, HEAP",
    "malloc, PEER",
    "nettyPooled, PEER",
    "handWritten, PEER",
    "fresh.slots, OURS",
  })
  void aNameTellsTheSide(String contender, Side side) {
    assertEquals(side, Side.of(contender));
  }

  @Test
  void ratiosAreFormedWithinARoundAndWithTheSameParameters() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 5, 50)
        .row(Question.PAIR, "heap", SMALL, 10, 100) // The machine slows down.
        .row(Question.PAIR, "heap", LARGE, 1000, 1000);

    assertEquals(Optional.of(new Ratio("heap", new Interval(0.5, 0.5, 0.5))), ours().toHeap());
  }

  @Test
  void theBestPeerHasTheBestMedianAndIsNotTheHeap() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 4, 4, 4)
        .row(Question.PAIR, "malloc", SMALL, 1, 10, 10)
        .row(Question.PAIR, "mimalloc", SMALL, 8, 8, 8)
        .row(Question.PAIR, "heap", SMALL, 2, 2, 2);

    Ratio ratio = ours().toBestPeer().orElseThrow();

    assertEquals("mimalloc", ratio.against());
    assertEquals(0.5, ratio.number().median());
  }

  @Test
  void whereMoreIsBetterTheBestPeerHasTheMost() {
    var unit = "ops/us";
    planted
        .row(new Reading.Key(Question.PAIR, "kmemCache", SMALL, unit), null, 10)
        .row(new Reading.Key(Question.PAIR, "malloc", SMALL, unit), null, 5)
        .row(new Reading.Key(Question.PAIR, "mimalloc", SMALL, unit), null, 20);

    assertEquals("mimalloc", ours().toBestPeer().orElseThrow().against());
    assertEquals(1, planted.findings().losses().size());
  }

  @Test
  void theHeapAsItIsComesBeforeOtherWaysToUseIt() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 6)
        .row(Question.PAIR, "heapConstant48", Map.of(), 3)
        .row(Question.PAIR, "heap", SMALL, 12);

    assertEquals(0.5, ours().toHeap().orElseThrow().number().median());
  }

  @Test
  void aContenderWithoutTheParameterStandsBesideAnyValue() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 6)
        .row(Question.PAIR, "heapConstant48", Map.of(), 3)
        .row(Question.PAIR, "heap", LARGE, 12);

    assertEquals(2, ours().toHeap().orElseThrow().number().median());
  }

  @Test
  void aRoundThatOneSideLacksIsLeftOut() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 5, Double.NaN, 5)
        .row(Question.PAIR, "heap", SMALL, 10, 10);

    assertEquals(new Interval(0.5, 0.5, 0.5), ours().toHeap().orElseThrow().number());
  }

  @Test
  void whatIsToldBesidesAScoreIsAGroupOfItsOwn() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 5)
        .row(Question.PAIR, "kmemCache.p99", SMALL, 50)
        .row(Question.PAIR, "malloc.p99", SMALL, 100);

    List<Group> groups = planted.findings().sections().get(0).groups();

    Entry p99 = groups.get(1).entries().get(0);
    assertAll(
        () -> assertEquals(2, groups.size()),
        () -> assertEquals("p99", groups.get(1).measure()),
        () -> assertEquals("malloc", p99.toBestPeer().orElseThrow().against()),
        () -> assertEquals(0.5, p99.toBestPeer().orElseThrow().number().median()));
  }

  @Test
  void aLossNeedsTheWholeInterval() {
    planted
        .row(Question.PAIR, "kmemCache", SMALL, 9, 11, 12)
        .row(Question.PAIR, "bySize", SMALL, 20, 21, 22)
        .row(Question.PAIR, "malloc", SMALL, 10, 10, 10);

    List<Findings.Loss> losses = planted.findings().losses();

    assertEquals(List.of("bySize"), losses.stream().map(loss -> loss.row().who()).toList());
    assertTrue(losses.get(0).ratio().number().low() > 1);
  }

  /** The row planted first. */
  private Entry ours() {
    return planted.findings().sections().get(0).groups().get(0).entries().get(0);
  }
}
