package org.kmem4j.memcg;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;
import org.kmem4j.stress.Mutant;

/** The rules of page counters and stocks. */
final class CounterMutants {
  private static final String COUNTER = "memcg/counter/PageCounter.java";
  private static final String STOCK = "memcg/counter/Stock.java";
  private static final String COUNTER_TEST = "memcg.counter.PageCounterTest#";
  private static final String STOCK_TEST = "memcg.counter.StockTest#";
  private static final String TWO_THAT_FIT = "memcg.counter.TwoThatFitTest#";

  private CounterMutants() {}

  static final List<Mutant> ALL =
      List.of(
          // ------------------------------------------------------------ the counter
          of(
              "pending pages refuse nobody: one that fits beside one that fails above",
              COUNTER,
              "if (pages > free) {",
              "if (pages > free - pending(word)) {",
              TWO_THAT_FIT + "oneThatFitsBesideOneThatIsRefusedAbove"),
          of(
              "whoever cannot fit is refused without waiting",
              COUNTER,
              "if (pages > free) {",
              "if (pages > free && pending(word) == 0) {",
              COUNTER_TEST + "whoCannotFitIsRefusedWithoutWaiting"),
          of(
              "a refused request gives everything back",
              COUNTER,
              "level.giveBack(pages);",
              "",
              COUNTER_TEST + "aFailedChargeLeavesNoTraceAnywhere"),
          of(
              "the word changes by CAS",
              COUNTER,
              "if (!Memory.casLong(address + USAGE, word, word + (pages << PENDING.shift()))) {"
                  + " return false; }",
              "Memory.putLong(address + USAGE, word + (pages << PENDING.shift()));",
              TWO_THAT_FIT + "siblingsThatFillTheirParentTogether"),
          of(
              "the limit is read again once pages are pending",
              COUNTER,
              "if (pages <= max() - committed(word) - pending(word)) {",
              "if (true) {",
              COUNTER_TEST + "noChargePassesALimitThatWasSetBefore",
              "-Dtest.raceMillis=20000"),
          of(
              "a setter counts what is pending",
              COUNTER,
              "return committed(word) + pending(word);",
              "return committed(word);",
              COUNTER_TEST + "aSetterCountsWhatIsPending"),
          of(
              "the peak moves at commit",
              COUNTER,
              "if (pages <= max() - committed(word) - pending(word)) {",
              "raisePeak(committed(word) + pages);"
                  + " if (pages <= max() - committed(word) - pending(word)) {",
              COUNTER_TEST + "thePeakKnowsOnlyChargesThatWereGranted"),
          of(
              "usage stops at zero",
              COUNTER,
              "word - Math.min(pages, committed)",
              "word - pages",
              COUNTER_TEST + "withoutAssertionsTheUsageStopsAtZero"),
          of(
              "a request that the word cannot hold is refused",
              COUNTER,
              "if (pages > MAX_REQUEST) {",
              "if (pages < 0) {",
              COUNTER_TEST + "aRequestOfMoreThanATebibyteIsRefused"),
          of(
              "charging ahead leaves a margin",
              COUNTER,
              "if (pages + margin > free) {",
              "if (pages > free) {",
              STOCK_TEST + "nearALimitExactlyThePagesAreCharged"),
          of(
              "nobody charges ahead below a level that is held",
              COUNTER,
              "while (Memory.getLongVolatile(address + HOLDS) == 0) {",
              "while (Memory.getLongVolatile(address + HOLDS) >= 0) {",
              STOCK_TEST + "nobodyStocksWhileARequestDrains"),
          of(
              "siblings that claim too much share",
              "memcg/counter/Protection.java",
              "if (siblingsClaim > parentEffective) {",
              "if (siblingsClaim < 0) {",
              "memcg.counter.ProtectionTest#siblingsThatClaimTooMuchShareByTheirClaims"),
          of(
              "what nobody claims goes to all",
              "memcg/counter/Protection.java",
              "if (siblingsClaim == parentEffective ||",
              "if (siblingsClaim <= parentEffective ||",
              "memcg.counter.ProtectionTest"
                  + "#whatNobodyClaimsGoesToAllByTheirUsageAboveTheirClaims"),
          // ------------------------------------------------------------ the stock
          of(
              "an owner consumes by CAS",
              STOCK,
              "if (Memory.casLong(at, entry, entry - pages)) {",
              "Memory.putLong(at, entry - pages); if (true) {",
              STOCK_TEST + "chargesAndDrainsLoseNoPageAndNoReference"),
          of(
              "a drainer takes by getAndSet",
              STOCK,
              "pages += release(Memory.getAndSetLong(at, 0));",
              "long taken = Memory.getLongOpaque(at); Memory.putLongOpaque(at, 0);"
                  + " pages += release(taken);",
              STOCK_TEST + "chargesAndDrainsLoseNoPageAndNoReference"),
          of(
              "an entry never holds more than a batch",
              STOCK,
              "long kept = sum <= BATCH ? sum : rest;",
              "long kept = sum;",
              STOCK_TEST + "anEntryNeverHoldsMoreThanABatch"),
          of(
              "what is evicted is uncharged and its reference put",
              STOCK,
              "release(Memory.getAndSetLong(victim(line), entry));",
              "Memory.getAndSetLong(victim(line), entry);",
              STOCK_TEST + "oneGroupMoreTakesTheEntryOfAnother"),
          of(
              "whoever removes an entry puts its reference",
              STOCK,
              "group.put(); return pages;",
              "return pages;",
              STOCK_TEST + "aDrainReturnsTheReferenceOfAnEmptyEntryToo"),
          of(
              "an entry takes a reference, or is not installed",
              STOCK,
              "if (group.tryGet()) {",
              "group.tryGet(); if (true) {",
              STOCK_TEST + "nothingIsStockedForAGroupThatIsBeingReleased"),
          of(
              "nothing is stocked for a group that is offline",
              STOCK,
              "if (!group.isOnline() || ",
              "if (",
              STOCK_TEST + "nothingIsStockedForAGroupThatIsOffline"),
          of(
              "a drain waits for open windows: no page is on its way",
              STOCK,
              "Memory.getLongVolatile(line + WINDOW) != 0; round++",
              "Memory.getLongVolatile(line + WINDOW) > 1; round++",
              STOCK_TEST + "aDrainWaitsForWhatIsOnItsWayIntoAStock"),
          of(
              "an owner opens its window first: offline and a drain find all",
              STOCK,
              "Memory.putLongVolatile(line + WINDOW, 1);",
              "",
              STOCK_TEST + "afterOfflineADrainFindsEveryEntry"),
          of(
              "a refused request joins a drain that is running",
              STOCK,
              "if (refused == null || isEnded(before) && drains.get() == before) {",
              "if (true) {",
              STOCK_TEST + "aRequestJoinsADrainThatIsRunning"),
          of(
              "a second drain waits for the first and is not skipped",
              STOCK,
              "draining.lock();",
              "if (!draining.tryLock()) { return 0; }",
              STOCK_TEST + "aRequestThatDrainsWaitsForTheDrainOfAnother"),
          of(
              "while a level is held nobody charges ahead below it",
              COUNTER,
              "while (Memory.getLongVolatile(address + HOLDS) == 0) {",
              "while (address != 0) {",
              STOCK_TEST + "nobodyStocksWhileARequestDrains"),
          of(
              "a drain takes the subtree alone",
              STOCK,
              "return group != null && group.counter().isWithin(top);",
              "return group != null;",
              STOCK_TEST + "aDrainTakesTheSubtreeAndNothingElse"),
          of(
              "an entry may be gone by the time its group is looked up",
              STOCK,
              "return group != null && group.counter()",
              "return entry != 0 && group.counter()",
              STOCK_TEST + "anEntryWhoseGroupWasReleasedMeanwhileIsSkipped"),
          of(
              "slots of dead threads are drained",
              STOCK,
              "pages += drain(line(i), top);",
              "pages += PerThread.slot(i) == PerThread.find() ? drain(line(i), top) : 0;",
              STOCK_TEST + "whatADeadThreadHasStockedIsDrained"),
          of(
              "a virtual thread has no stock",
              STOCK,
              "Slot mine = pages < BATCH ? PerThread.find() : null;",
              "Slot mine = pages < BATCH ? PerThread.slot(0) : null;",
              STOCK_TEST + "aVirtualThreadChargesExactly"));
}
