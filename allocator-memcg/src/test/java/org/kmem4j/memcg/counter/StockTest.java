package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.kmem4j.memcg.counter.Counters.Group;
import org.kmem4j.stress.Crew;

class StockTest {
  private static final int BATCH = Stock.BATCH;

  private final Counters counters = new Counters();
  private final Stock stock = new Stock(id -> find(id));
  private final PageCounter root = counters.counter(null);
  private final PageCounter parent = counters.counter(root);
  private final Group group = counters.group(parent);
  private final Crew crew = new Crew();

  private volatile Runnable onFind = () -> {};

  private Group find(int id) {
    onFind.run();
    return counters.find(id);
  }

  @AfterEach
  void nothingIsLostByADrain() {
    stock.drain(root);
    assertEquals(0, stock.pages(group));
    assertEquals(1, group.references.get());
    stock.unmap();
    counters.close();
  }

  private void chargeOnAThread(Group of, long pages) throws InterruptedException {
    crew.start(() -> assertNull(stock.tryCharge(of, pages)));
    crew.join();
  }

  @Test
  void theFirstChargeTakesABatch() {
    assertNull(stock.tryCharge(group, 1));

    assertEquals(BATCH, root.usage());
    assertEquals(BATCH - 1, stock.pages(group));
  }

  @Test
  void theNextOnesTakeNothingFromTheCounters() {
    for (int i = 0; i < BATCH; i++) {
      assertNull(stock.tryCharge(group, 1));
    }

    assertEquals(BATCH, root.usage());
    assertEquals(0, stock.pages(group));
  }

  @Test
  void whatIsLeftOfABatchIsAddedToWhatThereIs() {
    stock.tryCharge(group, 60);

    assertNull(stock.tryCharge(group, 10));

    assertEquals(2 * BATCH, root.usage());
    assertEquals(2 * BATCH - 70, stock.pages(group));
  }

  @Test
  void aRequestOfABatchOrMoreIsChargedExactly() {
    assertNull(stock.tryCharge(group, BATCH));
    assertNull(stock.tryCharge(group, 1000));

    assertEquals(BATCH + 1000, root.usage());
    assertEquals(0, stock.pages(group));
  }

  @Test
  void aVirtualThreadChargesExactly() throws InterruptedException {
    crew.startVirtual(() -> assertNull(stock.tryCharge(group, 1)));
    crew.join();

    assertEquals(1, root.usage());
  }

  @Test
  void nearALimitExactlyThePagesAreCharged() {
    parent.setMax(2 * BATCH - 1);

    assertNull(stock.tryCharge(group, 1));

    assertEquals(1, root.usage());
  }

  @Test
  void aLoneThreadCanUseItsLimitToTheLastPage() {
    parent.setMax(256);
    for (int i = 0; i < 256; i++) {
      assertNull(stock.tryCharge(group, 1));
    }

    assertSame(parent, stock.tryCharge(group, 1));

    assertEquals(256, parent.usage());
  }

  @Test
  void aRefusedChargeLeavesNoTrace() {
    parent.setMax(10);

    assertSame(parent, stock.tryCharge(group, 11));

    assertEquals(0, root.usage());
    assertEquals(0, group.counter().usage());
    assertEquals(1, parent.failCount(), "one request, one failure");
  }

  @Test
  void whatIsUnchargedGoesToTheStockThatThereIs() {
    stock.tryCharge(group, 10);

    stock.uncharge(group, 5);

    assertEquals(BATCH, root.usage());
    assertEquals(BATCH - 5, stock.pages(group));
  }

  @Test
  void anUnchargeMakesNoStock() {
    group.counter().tryCharge(5);

    stock.uncharge(group, 5);

    assertEquals(0, root.usage());
  }

  @Test
  void anEntryNeverHoldsMoreThanABatch() {
    group.counter().tryCharge(1000);
    stock.tryCharge(group, 1);

    stock.uncharge(group, 1);
    assertEquals(BATCH, stock.pages(group));
    stock.uncharge(group, 1);

    assertEquals(BATCH / 2, stock.pages(group), "so that the next ones need no counter either");
    assertEquals(1000 - 1 + BATCH / 2, root.usage());
    stock.uncharge(group, 999);
    assertEquals(BATCH / 2, root.usage());
  }

  @Test
  void aThreadStocksSeveralGroups() {
    List<Group> groups = makeGroups(Stock.ENTRIES);

    groups.forEach(some -> stock.tryCharge(some, 1));

    for (Group some : groups) {
      assertEquals(BATCH - 1, stock.pages(some));
    }
  }

  @Test
  void oneGroupMoreTakesTheEntryOfAnother() {
    List<Group> groups = makeGroups(Stock.ENTRIES + 1);

    groups.forEach(some -> stock.tryCharge(some, 1));

    assertEquals(BATCH - 1, stock.pages(groups.getLast()));
    assertEquals(Stock.ENTRIES * BATCH + 1, root.usage(), "the other's surplus was uncharged");
    assertEquals(Stock.ENTRIES, groups.stream().mapToInt(some -> some.references.get() - 1).sum());
  }

  private List<Group> makeGroups(int count) {
    List<Group> groups = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      groups.add(counters.group(root));
    }
    return groups;
  }

  @Test
  void anEntryHoldsOneReferenceHoweverManyPagesItHas() {
    stock.tryCharge(group, 1);
    assertEquals(2, group.references.get());

    for (int i = 0; i < 3 * BATCH; i++) {
      stock.tryCharge(group, 1);
    }

    assertEquals(2, group.references.get());
    stock.drain(group.counter());
    assertEquals(1, group.references.get());
  }

  @Test
  void aDrainReturnsTheReferenceOfAnEmptyEntryToo() {
    stock.tryCharge(group, 1);
    stock.tryCharge(group, BATCH - 1);
    assertEquals(0, stock.pages(group));
    assertEquals(2, group.references.get());

    assertEquals(0, stock.drain(root));

    assertEquals(1, group.references.get());
  }

  @Test
  void aDrainTakesTheSubtreeAndNothingElse() {
    Group cousin = counters.group(root);
    stock.tryCharge(group, 1);
    stock.tryCharge(cousin, 1);

    assertEquals(BATCH - 1, stock.drain(parent));

    assertAll(
        () -> assertEquals(1, parent.usage()),
        () -> assertEquals(0, stock.pages(group)),
        () -> assertEquals(BATCH - 1, stock.pages(cousin)),
        () -> assertEquals(BATCH + 1, root.usage()));
  }

  @Test
  void whatADeadThreadHasStockedIsDrained() throws InterruptedException {
    stock.tryCharge(group, 1); // else this thread would take over the dead one's slot
    chargeOnAThread(group, 1);

    assertEquals(2 * (BATCH - 1), stock.drain(root));
  }

  @Test
  void whatADeadThreadHasStockedIsAdoptedOrStays() throws InterruptedException {
    chargeOnAThread(group, 1);
    chargeOnAThread(group, 1);

    assertTrue(root.usage() <= 2 * BATCH);
    assertEquals(root.usage() - 2, stock.pages(group));
  }

  @Test
  void nothingIsStockedForAGroupThatIsOffline() {
    group.online = false;

    assertNull(stock.tryCharge(group, 1));

    assertEquals(1, root.usage());
    assertEquals(1, group.references.get());
  }

  @Test
  void nothingIsStockedForAGroupThatIsBeingReleased() {
    group.references.set(0);

    assertNull(stock.tryCharge(group, 1));

    assertEquals(1, root.usage());
    group.references.set(1);
  }

  @Test
  void aRequestThatNeedsWhatOthersHaveStockedDrainsIt() throws InterruptedException {
    parent.setMax(200);
    Group sibling = counters.group(parent);
    chargeOnAThread(sibling, 1);

    assertSame(parent, stock.tryCharge(group, 199), "this way takes only what is there");
    assertNull(Counters.chargeDrained(stock, group, 199));

    assertEquals(200, parent.usage());
    assertSame(parent, Counters.chargeDrained(stock, group, 1));
  }

  @Test
  void anEntryWhoseGroupWasReleasedMeanwhileIsSkipped() {
    stock.tryCharge(group, 1);
    group.references.set(0); // as if the entry had gone after it was read

    assertEquals(0, stock.drain(root));

    group.references.set(2);
    assertEquals(BATCH - 1, stock.drain(root));
  }

  @Test
  void aRequestJoinsADrainThatIsRunning() throws InterruptedException {
    joinsADrain(() -> stock.tryCharge(group, 199));
  }

  @Test
  void aRequestThatDrainsWaitsForTheDrainOfAnother() throws InterruptedException {
    joinsADrain(() -> Counters.chargeDrained(stock, group, 199));
  }

  /** The drainer has taken an entry and not uncharged it when the request comes. */
  private void joinsADrain(Supplier<PageCounter> request) throws InterruptedException {
    parent.setMax(200);
    Group sibling = counters.group(parent);
    chargeOnAThread(sibling, 1);
    var taken = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    crew.start(
        () -> {
          Thread drainer = Thread.currentThread();
          onFind =
              () -> {
                if (Thread.currentThread().equals(drainer) && stock.pages(sibling) == 0) {
                  taken.countDown();
                  awaitQuietly(goOn);
                }
              };
          stock.drain(parent);
        });
    Crew.await(taken);

    Thread waiter = crew.start(() -> assertNull(request.get()));

    assertFalse(waiter.join(Duration.ofMillis(50)), "it waits for the drain");
    goOn.countDown();
    crew.join();
    assertEquals(200, parent.usage());
  }

  /** An owner has charged a batch and not stocked it when a drain comes. */
  @Test
  void aDrainWaitsForWhatIsOnItsWayIntoAStock() throws InterruptedException {
    parent.setMax(200);
    Group sibling = counters.group(parent);
    var charged = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    sibling.onTryGet =
        () -> {
          charged.countDown();
          awaitQuietly(goOn);
        };
    crew.start(() -> assertNull(stock.tryCharge(sibling, 1)));
    Crew.await(charged);

    Thread waiter = crew.start(() -> assertNull(Counters.chargeDrained(stock, group, 199)));

    assertFalse(waiter.join(Duration.ofMillis(50)), "it waits for the owner");
    goOn.countDown();
    crew.join();
    assertEquals(200, parent.usage());
  }

  /** Whoever clears "online" and then drains finds all; the owner saw "online" before. */
  @Test
  void afterOfflineADrainFindsEveryEntry() throws InterruptedException {
    var charged = new CountDownLatch(1);
    var goOn = new CountDownLatch(1);
    group.onTryGet =
        () -> {
          charged.countDown();
          awaitQuietly(goOn);
        };
    crew.start(() -> assertNull(stock.tryCharge(group, 1)));
    Crew.await(charged);

    Thread offline =
        crew.start(
            () -> {
              group.online = false;
              stock.drain(group.counter());
            });

    assertFalse(offline.join(Duration.ofMillis(50)));
    goOn.countDown();
    crew.join();
    assertEquals(1, group.references.get());
    assertEquals(1, root.usage());
  }

  /** Another thread wants to stock between a request's drain and its second attempt. */
  @Test
  void nobodyStocksWhileARequestDrains() throws InterruptedException {
    parent.setMax(256);
    Group sibling = counters.group(parent);
    chargeOnAThread(sibling, 1);
    sibling.onPut =
        () -> {
          sibling.onPut = () -> {};
          try {
            chargeOnAThread(sibling, 1);
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        };

    assertNull(Counters.chargeDrained(stock, group, 254));

    assertEquals(256, parent.usage());
    stock.drain(root);
    group.counter().uncharge(254);
    chargeOnAThread(sibling, 1);
    assertEquals(2 + BATCH, parent.usage(), "afterwards they stock again");
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      Crew.await(latch);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Owners of a few groups more than entries, against drainers: nothing is lost or doubled. */
  @Test
  void chargesAndDrainsLoseNoPageAndNoReference() throws InterruptedException {
    List<Group> groups = makeGroups(Stock.ENTRIES + 2);
    for (int i = 0; i < 2; i++) {
      crew.start(
          () -> {
            var random = new SplittableRandom();
            while (crew.goesOn()) {
              Group some = groups.get(random.nextInt(groups.size()));
              int pages = 1 + random.nextInt(20);
              assertNull(stock.tryCharge(some, pages));
              stock.uncharge(some, pages);
            }
          });
    }
    crew.start(
        () -> {
          while (crew.goesOn()) {
            stock.drain(groups.getFirst().counter());
            stock.drain(root);
          }
        });

    crew.runFor(Duration.ofMillis(1000));
    stock.drain(root);

    for (Group some : groups) {
      assertEquals(0, some.counter().usage());
      assertEquals(1, some.references.get());
    }
    assertEquals(0, root.usage());
  }
}
