package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.OwnedCache.State;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.DeferredWork;
import org.kmem4j.sync.Front;
import org.kmem4j.sync.HeldPop;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Slot;

/** The end of a cache, step by step, while others use it. */
final class RetirementTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private final Hooked account = new Hooked();
  private SlabAllocator allocator;
  private Slabs slabs;
  private KmemCache root;
  private KmemCache child;

  /** An account that does something in the middle of what it is asked. */
  private static final class Hooked implements Account {
    final AtomicLong usage = new AtomicLong();
    final AtomicInteger links = new AtomicInteger();
    volatile Runnable inCharge = () -> {};
    volatile Runnable inLink = () -> {};
    volatile Runnable inLinked = () -> {};

    private static void run(Runnable once, Runnable reset) {
      reset.run();
      once.run();
    }

    @Override
    public long address() {
      return 0x5000;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      run(inCharge, () -> inCharge = () -> {});
      usage.addAndGet(pages);
      return true;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {
      usage.addAndGet(-pages);
    }

    @Override
    public boolean link(OwnedCache cache, Runnable publish) {
      run(inLink, () -> inLink = () -> {});
      links.incrementAndGet();
      publish.run();
      run(inLinked, () -> inLinked = () -> {});
      return true;
    }

    @Override
    public void unlink(OwnedCache cache) {
      links.decrementAndGet();
    }
  }

  @BeforeEach
  void open() {
    allocator = allocators.open();
    slabs = allocator.slabs();
    root = allocator.createCache("c", 500);
    child = root.in(account);
  }

  /** Makes steps until the cache is that far, or cannot go on. */
  private void end(OwnedCache cache, State until) {
    for (int i = 0; i < 10 && cache.state != until; i++) {
      slabs.endings().advance(Long.MAX_VALUE);
    }
  }

  private static List<Long> take(KmemCache cache, int count) {
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      objects.add(cache.alloc());
    }
    return objects;
  }

  @Test
  void aCacheThatIsEmptyEndsByItself() {
    take(child, 300).forEach(root::free);

    child.retire();
    end(child, State.RELEASED);

    assertAll(
        () -> assertEquals(State.RELEASED, child.state),
        () -> assertEquals(0, account.usage.get()),
        () -> assertEquals(0, account.links.get()),
        () -> assertFalse(slabs.snapshot().contains(child)),
        () -> assertEquals(1, root.references()),
        () -> assertEquals(0, child.pages()));
  }

  @Test
  void aCacheEndsWithItsLastObjectOnWhateverThread() throws InterruptedException {
    List<Long> objects = take(child, 30);
    child.retire();
    end(child, State.DRAINED);
    assertEquals(30, child.usedObjects());

    Crew crew = new Crew();
    crew.startVirtual(() -> objects.forEach(root::free));
    crew.join();
    end(child, State.RELEASED);

    assertEquals(State.RELEASED, child.state);
    assertEquals(0, account.usage.get());
  }

  @Test
  void aFastPathMayBeHeldBetweenLookupAndPopAcrossTheWholeEnd() throws InterruptedException {
    take(child, 20).forEach(child::free);
    CountDownLatch looked = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicLong popped = new AtomicLong();
    Crew crew = new Crew();
    crew.start(
        () -> {
          child.free(child.alloc());
          Slot mine = PerThread.find();
          Rcu.enter(mine);
          try {
            HeldPop pop = HeldPop.lookUp(mine, child);
            looked.countDown();
            Crew.await(goOn);
            popped.set(pop.goOn());
          } finally {
            Rcu.exit(mine);
          }
        });
    Crew.await(looked);
    child.retire();
    for (int i = 0; i < 5; i++) {
      slabs.endings().advance(2_000_000);
    }
    assertEquals(State.RETIRED, child.state, "who is in a section may attach a front still");
    goOn.countDown();
    crew.join();
    end(child, State.DRAINED);

    assertEquals(1, child.usedObjects());
    allocator.validate();
    root.free(popped.get());
    end(child, State.RELEASED);
    assertEquals(State.RELEASED, child.state);
  }

  @Test
  void aPrewarmThatRunsWhileTheCacheEndsLeavesNothingBehind() {
    account.inCharge =
        () -> {
          child.retire();
          end(child, State.DRAINED);
        };

    assertTrue(child.tryPrewarm(100), "it had begun before");
    end(child, State.RELEASED);

    assertEquals(State.RELEASED, child.state);
    assertEquals(0, account.usage.get());
  }

  @Test
  void aSlowPathThatRunsWhileTheCacheEndsKeepsItAndAttachesNoFront() {
    account.inCharge =
        () -> {
          child.retire();
          end(child, State.DRAINED);
          end(child, State.RELEASED);
        };

    long object = child.tryAlloc();

    assertEquals(State.DRAINED, child.state, "the slow path is a reference");
    assertEquals(0, Front.peekCount(PerThread.find(), child));
    assertEquals(1, child.usedObjects());
    child.free(object);
    end(child, State.RELEASED);
    assertEquals(State.RELEASED, child.state);
  }

  @Test
  void whoOnlyLooksAtNumbersTouchesNoPage() {
    KmemCache other = root.in(new FakeAccount(0x6000, 1000));
    take(other, 500).forEach(root::free);
    long pages = other.pages();
    long cached = other.stats().cachedObjects();

    other.retire();

    assertEquals(pages, other.pages());
    assertEquals(0, other.usedObjects());
    assertEquals(pages, other.stats().pages());
    assertEquals(cached, other.stats().cachedObjects());
  }

  @Test
  void damageElsewhereDoesNotKeepACacheAlive() {
    take(child, 500).forEach(root::free);
    child.retire();
    end(child, State.KILLED);
    slabs
        .deferred()
        .add(
            new DeferredWork(
                () -> {
                  throw new CorruptionException("elsewhere");
                }));

    assertThrows(
        CorruptionException.class,
        () -> {
          while (child.state == State.KILLED) {
            slabs.endings().advance(Long.MAX_VALUE);
          }
        });
    slabs.finishDeferred();
    end(child, State.RELEASED);

    assertEquals(State.RELEASED, child.state);
    assertEquals(0, account.usage.get());
  }

  /** Makes a child of small sheaves whose barn holds several, the next one with a second copy. */
  private void openWithADamagedBarn() {
    allocator = allocators.open(b -> b.sheafCapacity(2));
    slabs = allocator.slabs();
    root = allocator.createCache("c", 500);
    child = root.in(account);
  }

  private void damageTheBarn() {
    List<Long> objects = take(child, 10);
    objects.subList(0, 5).forEach(root::free);
    root.free(objects.get(4));
    objects.subList(5, 10).forEach(root::free);
  }

  @Test
  void aDamagedSheafInItsBarnDoesNotKeepACacheAlive() {
    openWithADamagedBarn();
    damageTheBarn();
    child.retire();
    end(child, State.KILLED);

    var report =
        assertThrows(
            IllegalArgumentException.class,
            () -> {
              slabs.finishDeferred();
              while (child.state == State.KILLED) {
                slabs.endings().advance(Long.MAX_VALUE);
              }
            });
    end(child, State.RELEASED);

    assertTrue(report.getMessage().contains("freed twice"), report.getMessage());
    assertEquals(State.RELEASED, child.state);
    assertEquals(0, account.usage.get());
  }

  @Test
  void whatWasTakenIsFreeAgainIfDamageComesToLightBeforeItIsHandedOut() {
    openWithADamagedBarn();
    account.inCharge =
        () -> {
          CompletableFuture.runAsync(this::damageTheBarn).join();
          child.retire();
        };

    assertThrows(IllegalArgumentException.class, child::tryAlloc);

    slabs.finishDeferred();
    end(child, State.RELEASED);
    assertEquals(State.RELEASED, child.state);
    assertEquals(0, account.usage.get());
  }

  @Test
  void aHandleThatOutlivesItsCacheServesByAnother() {
    List<KmemCache> ended = new ArrayList<>();
    for (int i = 0; i < 5; i++) { // so that a struct that was given back leads to another
      KmemCache some = root.in(new FakeAccount(0x7000 + i, 1000));
      some.retire();
      ended.add(some);
    }
    child.retire();
    end(child, State.RELEASED);
    ended.forEach(some -> end(some, State.RELEASED));

    long object = child.tryAlloc();

    assertNotEquals(0, object);
    assertNotSame(child, root.in(account));
    assertEquals(root.in(account).address(), Memory.getLong(allocator.describe(object).slab()));
    child.free(object);
    assertAll(
        () -> assertEquals(0, child.pages()),
        () -> assertEquals(0, child.usedObjects()),
        () -> assertEquals(0, child.stats().pages()));
    root.in(account).destroy();
  }

  @Test
  void theNumberServesAnotherOnlyAfterAGracePeriod() throws InterruptedException {
    long object = child.alloc();
    int number = child.link();
    child.retire();
    end(child, State.DRAINED);
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Crew crew = new Crew();
    crew.start(
        () -> {
          Slot mine = PerThread.find();
          Rcu.enter(mine); // a fast path that has read the number
          try {
            entered.countDown();
            Crew.await(leave);
          } finally {
            Rcu.exit(mine);
          }
        });
    Crew.await(entered);
    root.free(object);
    for (int i = 0; i < 4; i++) {
      slabs.endings().advance(2_000_000);
    }

    assertEquals(State.EMPTY, child.state);
    List<KmemCache> others = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      others.add(allocator.createCache("other", 64));
    }
    leave.countDown();
    crew.join();
    end(child, State.RELEASED);
    assertTrue(others.stream().noneMatch(other -> other.link() == number));
  }

  @Test
  void aCacheThatEndsBeforeItsAccountHasReturnedIsUnlinkedAllTheSame() {
    account.inLinked =
        () -> {
          KmemCache fresh = slabs.snapshot().getLast();
          fresh.retire();
          end(fresh, State.RELEASED);
        };

    allocator.createCache("d", 64).in(account).free(0);

    assertEquals(1 + 1, account.links.get(), "the first child, and the one that serves now");
  }

  @Test
  void anAccountThatThrowsLeavesNoChildBehind() {
    KmemCache other = allocator.createCache("d", 64);
    account.inLink =
        () -> {
          throw new IllegalStateException("no");
        };
    assertThrows(IllegalStateException.class, () -> other.in(account));
    account.inLink =
        () -> {
          throw new IllegalStateException("no");
        };
    assertThrows(IllegalStateException.class, () -> allocator.in(account));

    while (slabs.endings().size() > 0) {
      slabs.endings().advance(Long.MAX_VALUE);
    }

    assertEquals(1, other.references());
    assertEquals(1, slabs.large().size());
    assertEquals(0, other.destroy());
  }

  @Test
  void whereThereIsNoRoomForAnotherStructTryIsRefusedWithoutAnException() {
    long before = allocator.stats().metadataBytes();
    List<Long> structs = new ArrayList<>();
    for (long struct = slabs.tryAllocateStruct(64);
        struct != 0;
        struct = slabs.tryAllocateStruct(64)) {
      structs.add(struct);
    }
    Account poor = new FakeAccount(0x9000, 1000);
    int caches = slabs.snapshot().size();

    PerThread.bind(poor);
    try {
      assertAll(
          () -> assertEquals(0, root.tryAlloc()),
          () -> assertFalse(root.tryPrewarm(1)),
          () -> assertFalse(root.tryAllocBulk(new long[3], 0, 3)),
          () -> assertEquals(0, allocator.tryAlloc(100)),
          () -> assertEquals(0, allocator.tryAlloc(100_000)),
          () -> assertThrows(OutOfNativeMemoryException.class, root::alloc),
          () -> assertThrows(OutOfNativeMemoryException.class, () -> allocator.alloc(100_000)));
    } finally {
      PerThread.bind(null);
    }
    assertThrows(OutOfNativeMemoryException.class, () -> root.in(poor));
    structs.forEach(struct -> slabs.freeStruct(struct, 64));

    assertEquals(caches, slabs.snapshot().size());
    assertEquals(before, allocator.stats().metadataBytes());
    assertEquals(2, root.references(), "its own, and the first child's");
    root.in(poor).free(root.in(poor).alloc());
  }

  @Test
  void aConstructorThatThrowsLeavesNothingBehind() {
    boolean[] bad = {true};
    KmemCache built =
        allocator
            .createCache(
                CacheOptions.of("built", 100)
                    .constructor(
                        object -> {
                          if (bad[0]) {
                            throw new IllegalStateException("no");
                          }
                        }))
            .in(account);

    assertThrows(IllegalStateException.class, built::tryAlloc);
    assertEquals(0, account.usage.get());
    assertEquals(1, built.references());
    bad[0] = false;
    built.free(built.alloc());
    built.retire();
    end(built, State.RELEASED);
    assertEquals(State.RELEASED, built.state);
  }

  @Test
  void aChildThatIsMadeWhileItsRootIsDestroyedEndsToo() throws InterruptedException {
    KmemCache other = allocator.createCache("d", 64);
    Crew crew = new Crew();
    CountDownLatch destroyed = new CountDownLatch(1);
    account.inLink =
        () -> {
          crew.start(
              () -> {
                other.destroy();
                destroyed.countDown();
              });
          while (other.state != State.DRAINED) { // it has told the children that it knew of
            Thread.onSpinWait();
          }
        };

    assertThrows(IllegalStateException.class, () -> other.in(account));
    Crew.await(destroyed);
    crew.join();

    end(other, State.RELEASED);
    assertEquals(State.RELEASED, other.state);
    assertEquals(1, account.links.get());
    assertTrue(slabs.snapshot().stream().noneMatch(cache -> cache.root() == other));
  }

  @Test
  void numbersThatWereAboutToBeFreeAreFreeWhenTheAllocatorCloses() {
    SlabAllocator short1 = allocators.open();
    Hooked payer = new Hooked();
    KmemCache child = short1.createCache("s", 64).in(payer);
    int number = child.link();
    child.retire();
    for (int i = 0; i < 10 && child.state != State.EMPTY; i++) {
      short1.slabs().endings().advance(Long.MAX_VALUE);
    }
    assertEquals(State.EMPTY, child.state);

    short1.close();

    List<Integer> taken = new ArrayList<>();
    while (!taken.contains(number) && taken.size() < 2000) {
      taken.add(PerThread.takeLink());
    }
    taken.forEach(PerThread::giveLink);
    assertTrue(taken.contains(number));
  }

  @Test
  void whoDestroysACacheInAConstructorIsToldThatItWouldWaitForItself() {
    KmemCache victim = allocator.createCache("victim", 64);
    KmemCache cache =
        allocator.createCache(
            CacheOptions.of("constructed", 64).constructor(object -> victim.destroy()));

    var error = assertThrows(IllegalStateException.class, cache::tryAlloc);

    assertTrue(error.getMessage().contains("constructor"), error.getMessage());
    assertEquals(0, victim.destroy());
    assertEquals(0, cache.stats().pages());
  }

  @Test
  void anAccountOfAnotherAllocatorIsRefusedAndABindingToItDoesNotCount() {
    Account foreign =
        new Account() {
          @Override
          public long address() {
            return 0xa000;
          }

          @Override
          public boolean tryCharge(OwnedCache cache, long pages) {
            throw new AssertionError("charged");
          }

          @Override
          public void uncharge(OwnedCache cache, long pages) {}

          @Override
          public boolean paysIn(Slabs some) {
            return false;
          }
        };

    assertThrows(IllegalArgumentException.class, () -> root.in(foreign));
    assertThrows(IllegalArgumentException.class, () -> allocator.in(foreign));
    assertNull(PerThread.bind(foreign));
    try {
      root.free(root.alloc());
      allocator.free(allocator.alloc(100_000));
      allocator.free(allocator.alloc(100));
    } finally {
      assertSame(foreign, PerThread.bind(null));
    }
  }

  @Test
  void whereAllNumbersAreUsedUpThereIsNoOtherCacheAndNothingIsLost() {
    List<Integer> taken = new ArrayList<>();
    for (int number = PerThread.takeLink(); number != 0; number = PerThread.takeLink()) {
      taken.add(number);
    }
    try {
      long used = slabs.metadata().usedBytes();
      var error =
          assertThrows(OutOfNativeMemoryException.class, () -> allocator.createCache("late", 64));
      assertTrue(error.getMessage().contains("all numbers of this process are used up"));
      assertEquals(used, slabs.metadata().usedBytes());
      PerThread.giveLink(taken.removeLast());
      KmemCache cache = allocator.createCache("now", 64);
      cache.free(cache.alloc());
    } finally {
      taken.forEach(PerThread::giveLink);
    }
  }
}
