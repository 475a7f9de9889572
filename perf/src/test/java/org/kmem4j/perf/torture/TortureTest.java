package org.kmem4j.perf.torture;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.perf.torture.Outcome.Interval;
import org.kmem4j.perf.torture.Plan.Plant;
import org.kmem4j.slab.KmemCache;

/** A little of what {@code kmem torture} does for long. */
final class TortureTest {
  private static final long CEILING = 32 << 20;
  private static final int THREADS = 4;

  static LongStream seeds() {
    return LongStream.of(42, ThreadLocalRandom.current().nextLong(1L << 32));
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void everythingAtOnceLeavesAllInOrder(long seed) throws InterruptedException {
    System.out.println("torture: seed " + seed);

    Outcome outcome = new Torture(new Plan(2, THREADS, seed, CEILING, true, Plant.NOTHING)).run();

    assertAll(
        () -> assertEquals("", outcome.report(), "seed " + seed),
        () -> assertEquals(0, outcome.violations()),
        () -> assertTrue(outcome.operations() > 10_000, outcome::toString),
        () -> assertNotEquals(0, outcome.faultsInjected()),
        () -> assertNotEquals(0, outcome.gracePeriods()),
        () -> assertNotEquals(0, outcome.quietPoints()));
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "USUAL")
  void eachSettingIsTorturedToo(Setup setup) throws InterruptedException {
    long seed = setup.ordinal() - 1L; // which setting comes first follows from it

    Outcome outcome = new Torture(new Plan(2, THREADS, seed, CEILING, true, Plant.NOTHING)).run();

    assertEquals("", outcome.report());
    assertEquals(setup.title, outcome.visits().getFirst().settings());
    assertTrue(outcome.visits().getFirst().operations() > 0);
  }

  @ParameterizedTest
  @EnumSource(mode = Mode.EXCLUDE, names = "NOTHING")
  void whatIsBrokenOnPurposeIsFound(Plant plant) throws InterruptedException {
    checkFound(plant, THREADS, 7);
  }

  @Test
  void anObjectThatIsHandedOutTwiceIsFoundAsThatAlsoByACacheWithConstructor()
      throws InterruptedException {
    checkFound(Plant.DOUBLE_HANDOUT, 1, 2_403_619_746L);
  }

  @Test
  void aChargeThatIsMissingWhenPagesAreGivenBackIsFoundAsThat() {
    World world = new World(new Plan(3, 1, 7, CEILING, false, Plant.NOTHING));
    MemCgroup group = world.groups.create("/charged");
    KmemCache cache = world.allocator.createCache("charged", 4096).in(group);
    cache.free(cache.alloc());
    try {
      world.fail(assertThrows(AssertionError.class, () -> group.uncharge(cache, 1000)));
    } finally {
      world.close();
    }

    assertEquals(Violation.Kind.CHARGES, world.violation().kind());
  }

  private static void checkFound(Plant plant, int threads, long seed) throws InterruptedException {
    Outcome outcome = new Torture(new Plan(3, threads, seed, CEILING, false, plant)).run();

    assertAll(
        () -> assertEquals(1, outcome.violations()),
        () -> assertEquals(TortureCommand.findingOf(plant).name(), outcome.found()));
  }

  @Test
  void memoryThatGrowsIsNotFlat() {
    assertAll(
        () -> assertTrue(withResident(0, 100, 100, 100, 100, 100, 104, 104).isFlat()),
        () -> assertTrue(!withResident(100, 100, 100, 100, 100, 100, 130, 130).isFlat()));
  }

  private static Outcome withResident(long... mib) {
    List<Interval> intervals =
        LongStream.of(mib)
            .mapToObj(each -> new Interval(0, 0, CEILING, each << 20, 200 << 20))
            .toList();
    return new Outcome(
        1, 0, 0, 0, 0, 0, 0, 480, 8, CEILING, 0, 0, 0, "", "", List.of(), intervals, List.of());
  }
}
