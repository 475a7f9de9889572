package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemcgEvent.Kind;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.GraceQueue;
import org.kmem4j.sync.HeldPop;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Slot;

/** A group ends while others use it: each of them held where it hurts. */
final class OfflineTest {
  private static final int PAGE = 4096;

  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private SlabAllocator allocator;
  private KmemCache cache;
  private MemCgroup parent;
  private MemCgroup child;

  @BeforeEach
  void open() {
    groups = fixture.open();
    allocator = fixture.allocator();
    cache = allocator.createCache("orders", 1000);
    parent = groups.create("/parent");
    child = groups.create("/parent/child");
  }

  private void workFor(int rounds) {
    for (int i = 0; i < rounds; i++) {
      fixture.work();
    }
  }

  /** A thread that is inside a section until it is let go. */
  private static final class Reader {
    private final Crew crew = new Crew();
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch leave = new CountDownLatch(1);

    Reader() throws InterruptedException {
      crew.start(
          () -> {
            Slot mine = PerThread.find();
            Rcu.enter(mine);
            try {
              entered.countDown();
              Crew.await(leave);
            } finally {
              Rcu.exit(mine);
            }
          });
      Crew.await(entered);
    }

    void leave() throws InterruptedException {
      leave.countDown();
      crew.join();
    }
  }

  @Test
  void offlineTouchesNoPageAndGivesNoneBack() {
    KmemCache mine = cache.in(child);
    List<Long> objects = Groups.take(mine, 600);
    objects.subList(0, 590).forEach(mine::free); // fronts, barn and empty slabs are full
    long pages = mine.pages();
    long usage = parent.usage();

    Leftovers left = child.offline();

    assertEquals(10, left.objects());
    assertEquals(pages, mine.pages());
    assertEquals(usage, parent.usage());
    objects.subList(590, 600).forEach(cache::free);
    fixture.await(child::isReleased);
    groups.validate();
  }

  @Test
  void aFastPathMayBeHeldBetweenLookupAndPopAcrossAWholeOffline() throws InterruptedException {
    KmemCache mine = cache.in(child);
    CountDownLatch looked = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicLong popped = new AtomicLong();
    Crew crew = new Crew();
    crew.start(
        () -> {
          mine.free(mine.alloc());
          Slot slot = PerThread.find();
          Rcu.enter(slot);
          try {
            HeldPop pop = HeldPop.lookUp(slot, mine);
            looked.countDown();
            Crew.await(goOn);
            popped.set(pop.goOn());
          } finally {
            Rcu.exit(slot);
          }
        });
    Crew.await(looked);

    child.offline();
    workFor(5);
    assertFalse(child.isReleased());
    goOn.countDown();
    crew.join();
    fixture.await(child::isReleased);

    assertEquals(1, mine.usedObjects());
    assertEquals(List.of(mine), groups.lingeringCaches());
    assertEquals(parent.address(), Memory.getLong(mine.ownerWord()));
    allocator.validate();
    cache.free(popped.get());
    fixture.await(() -> groups.lingeringCaches().isEmpty());
  }

  @Test
  void betweenTheKillAndTheSumLiesAGracePeriod() throws InterruptedException {
    cache.free(cache.in(child).alloc());
    assertTrue(child.stockedBytes() > 0);
    child.offline();
    GraceQueue endings = allocator.slabs().endings();
    while (child.stockedBytes() > 0) {
      endings.advance(Long.MAX_VALUE); // until it is drained and killed
    }

    Reader reader = new Reader();
    for (int i = 0; i < 5; i++) {
      endings.advance(2_000_000);
    }
    boolean released = child.isReleased();
    reader.leave();

    assertFalse(released);
    fixture.await(child::isReleased);
  }

  @Test
  void betweenTheLastReferenceAndTheReuseOfTheStructLiesAGracePeriod() throws InterruptedException {
    long deaths = parent.deaths();
    assertTrue(child.tryGet());
    child.offline();
    workFor(6);
    assertFalse(child.isReleased(), "it is held");
    Reader reader = new Reader();

    child.put();
    workFor(3);

    assertTrue(child.isReleased());
    assertEquals(deaths + 1, parent.deaths(), "counted before the grace period");
    assertEquals(1, parent.dyingDescendants());
    assertTrue(groups.groups().contains(child), "walks find it still");
    assertNotEquals(0x6b6b6b6b, Memory.getInt(child.address() + MemCgroup.ID));
    assertFalse(child.tryGet());
    reader.leave();
    fixture.await(() -> parent.dyingDescendants() == 0);
    assertFalse(groups.groups().contains(child));
  }

  @Test
  void aCacheMadeWhileItsGroupClosesIsTheHeirs() throws InterruptedException {
    GroupTree tree = new GroupTree(allocator.slabs());
    MemCgroup group = tree.root().create("g");
    AtomicReference<KmemCache> made = new AtomicReference<>();
    Crew crew = new Crew();
    synchronized (tree.lock) { // which the link waits for
      Thread maker = crew.start(() -> made.set(cache.in(group)));
      while (maker.getState() != Thread.State.BLOCKED) {
        Thread.onSpinWait();
      }
      group.offline();
    }
    crew.join();

    assertSame(cache.in(tree.root()), made.get());
    assertEquals(tree.root().address(), Memory.getLong(made.get().ownerWord()));
    fixture.await(() -> tree.root().dyingDescendants() == 0);
    tree.validate();
    tree.close();
  }

  @Test
  void aThreadThatIsBoundToAClosedGroupChargesTheNearestThatIsOnline() {
    MemCgroups.Scope scope = groups.bind(child);
    long first = cache.alloc();
    child.offline();
    long second = cache.alloc();
    fixture.await(child::isReleased);
    long third = cache.alloc();
    parent.offline();
    long fourth = cache.alloc();
    long[] many = new long[100];
    cache.allocBulk(many, 0, 100);
    long large = allocator.alloc(1 << 20);
    scope.close();

    assertTrue(groups.root().usage() >= 26 * PAGE + (1 << 20));
    List.of(first, second, third, fourth, large).forEach(allocator::free);
    cache.freeBulk(many, 0, 100);
    fixture.await(() -> groups.root().dyingDescendants() == 0);
  }

  @Test
  void aVirtualThreadMayBeBound() throws InterruptedException {
    Crew crew = new Crew();
    crew.startVirtual(
        () -> {
          try (var scope = groups.bind(child)) {
            assertSame(child, PerThread.binding());
            cache.free(cache.alloc());
            child.offline();
            cache.free(cache.alloc());
            assertTrue(scope != null);
          }
          assertSame(null, PerThread.binding());
        });
    crew.join();
    fixture.await(child::isReleased);
  }

  @Test
  void aSlotsHeirIsNotBound() throws InterruptedException {
    Crew crew = new Crew();
    crew.start(() -> groups.bind(child)); // and dies without ending it
    crew.join();
    int[] bound = new int[1];
    for (int i = 0; i < 20; i++) {
      crew.start(
          () -> {
            cache.free(cache.alloc());
            bound[0] += PerThread.binding() == null ? 0 : 1;
          });
      crew.join();
    }
    assertEquals(0, bound[0]);
    assertEquals(0, child.usage());
  }

  @Test
  void theNumbersOfAClosedGroupAreZeroAndItsLimitsCannotBeSet() {
    cache.free(cache.in(child).alloc());
    child.max(100 * PAGE).low(PAGE).min(PAGE).high(50 * PAGE);
    child.offline();
    fixture.await(() -> parent.dyingDescendants() == 0);
    List<MemCgroup> others = new ArrayList<>();
    for (int i = 0; i < 200; i++) { // one of them has the struct now
      others.add(groups.create("/other-" + i));
    }

    assertAll(
        () -> assertEquals(0, child.usage()),
        () -> assertEquals(0, child.peak()),
        () -> assertEquals(0, child.max()),
        () -> assertThrows(IllegalStateException.class, () -> child.max(PAGE)),
        () -> assertThrows(IllegalStateException.class, () -> child.high(PAGE)),
        () -> assertThrows(IllegalStateException.class, () -> child.low(PAGE)),
        () -> assertThrows(IllegalStateException.class, () -> child.min(0)));
    for (MemCgroup other : others) {
      assertEquals(Long.MAX_VALUE, other.max());
      assertEquals(Long.MAX_VALUE, other.high());
    }
  }

  @Test
  void manyHandlesOfReleasedGroupsServeTheHeir() {
    List<KmemCache> handles = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      MemCgroup group = groups.create("/parent/g" + i);
      handles.add(cache.in(group));
      cache.free(handles.getLast().alloc());
      group.offline();
    }
    fixture.await(() -> parent.dyingDescendants() == 0 && groups.lingeringCaches().isEmpty());

    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          for (KmemCache handle : handles) {
            long object = handle.tryAlloc();
            assertNotEquals(0, object);
            handle.free(object);
          }
        });
    parent.max(0);
    handles.forEach(handle -> assertThrows(MemcgLimitException.class, () -> exhaust(handle)));
    parent.max(Long.MAX_VALUE);
  }

  @Test
  void anAddressTellsWhoPaysForItNow() {
    long nobodys = cache.alloc();
    long small = cache.in(child).alloc();
    long large = allocator.in(child).alloc(1 << 20);
    assertNull(allocator.describe(nobodys).paidBy());
    assertEquals("/parent/child", allocator.describe(small).paidBy());
    assertEquals("/parent/child", allocator.describe(large + 5000).paidBy());

    child.offline();

    assertEquals("/parent", allocator.describe(small).paidBy());
    assertEquals("/parent", allocator.describe(large).paidBy());
    assertTrue(allocator.describe(large).toString().endsWith("paid by /parent"));
    allocator.free(nobodys);
    allocator.free(small);
    allocator.free(large);
    assertNull(allocator.describe(large).paidBy());
    fixture.await(() -> parent.dyingDescendants() == 0);
  }

  /** Its struct may serve anybody by now. */
  @Test
  void theOwnerWordOfAnEndedCacheIsNotRead() {
    MemCgroup group = groups.create("/parent/ended");
    KmemCache ended = cache.in(group);
    ended.free(ended.alloc());
    group.offline();
    fixture.await(() -> parent.dyingDescendants() == 0 && groups.lingeringCaches().isEmpty());
    long word = Memory.getLong(ended.ownerWord());
    Memory.putLong(ended.ownerWord(), 1 << 20); // where nothing is mapped
    try {
      assertFalse(group.isFull(ended));
      group.makeRoom(ended, 1, 0);
    } finally {
      Memory.putLong(ended.ownerWord(), word);
    }
  }

  private static void exhaust(KmemCache handle) {
    List<Long> objects = new ArrayList<>();
    try {
      while (true) {
        objects.add(handle.alloc());
      }
    } finally {
      objects.forEach(handle::free);
    }
  }

  @Test
  void eightThreadsThatParkForEverDoNotKeepAGroup() throws InterruptedException {
    CountDownLatch parked = new CountDownLatch(8);
    CountDownLatch never = new CountDownLatch(1);
    Crew crew = new Crew();
    KmemCache mine = cache.in(child);
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      crew.start(
          () -> {
            List<Long> some = Groups.take(mine, 100);
            allocator.free(allocator.in(child).alloc(100_000));
            some.subList(0, 50).forEach(mine::free);
            synchronized (objects) {
              objects.addAll(some.subList(50, 100));
            }
            parked.countDown();
            never.await();
          });
    }
    Crew.await(parked);
    allocator.startAgent();

    Leftovers left = child.offline();
    long start = System.nanoTime();
    objects.forEach(cache::free);
    while (parent.dyingDescendants() > 0 || !groups.lingeringCaches().isEmpty()) {
      assertTrue(System.nanoTime() - start < 1_000_000_000, "dying for more than a second");
      Thread.sleep(5);
    }
    long took = System.nanoTime() - start;

    assertEquals(400, left.objects());
    assertTrue(took < 1_000_000_000, "took " + took);
    never.countDown();
    crew.join();
  }

  @Test
  void aGroupAboveHighThatNothingCanBeReclaimedFromHoldsUpNobody() {
    List<MemcgEvent> events = new ArrayList<>();
    groups.onEvent(events::add);
    child.high(2 * PAGE);
    List<Long> objects = Groups.take(cache.in(child), 100);

    for (int i = 0; i < 3; i++) { // looked at once: nothing was charged since
      assertTimeoutPreemptively(Duration.ofSeconds(10), fixture::work);
    }

    assertTrue(child.eventsLocal(Kind.HIGH) == 1, "events " + child.eventsLocal(Kind.HIGH));
    assertEquals(List.of(new MemcgEvent("/parent/child", Kind.HIGH, 1)), events);
    objects.forEach(cache::free);
  }

  @Test
  void aListenerThatThrowsMissesNothing() {
    List<MemcgEvent> events = new ArrayList<>();
    groups.onEvent(
        event -> {
          events.add(event);
          throw new IllegalStateException("listener");
        });
    child.max(PAGE);
    MemCgroup second = groups.create("/second").max(PAGE);
    Groups.take(cache.in(child), 3).forEach(cache::free);
    for (MemCgroup group : List.of(child, second)) {
      while (cache.in(group).tryAlloc() != 0) {
        continue;
      }
    }

    var failure = assertThrows(RuntimeException.class, () -> allocator.agent().doWork());

    assertEquals("listener", failure.getMessage());
    assertEquals(2, events.size());
  }

  @Test
  void aCallbackThatAllocatesIsNotCalledAgain() {
    int[] calls = new int[1];
    child.max(4 * PAGE);
    KmemCache mine = cache.in(child);
    groups.onOutOfMemory(
        refusal -> {
          calls[0]++;
          assertThrows(MemcgLimitException.class, mine::alloc);
          return false;
        });

    assertThrows(MemcgLimitException.class, () -> exhaust(mine));
    assertEquals(1, calls[0]);

    groups.onOutOfMemory(
        refusal -> {
          throw new IllegalArgumentException("host");
        });
    assertThrows(IllegalArgumentException.class, () -> exhaust(mine));
    groups.onOutOfMemory(refusal -> false);
    assertThrows(MemcgLimitException.class, () -> exhaust(mine));
  }

  @Test
  void aCallbackMayMakeRoomByClosingAGroup() {
    parent.max(20 * PAGE);
    MemCgroup victim = groups.create("/parent/victim");
    List<Long> objects = Groups.take(cache.in(victim), 40);
    groups.onOutOfMemory(
        refusal -> {
          if (objects.isEmpty()) {
            return false;
          }
          victim.offline();
          objects.forEach(cache::free);
          objects.clear();
          return true;
        });

    List<Long> mine = Groups.take(cache.in(child), 60);

    assertTrue(parent.usage() <= 20 * PAGE);
    assertTrue(parent.peak() <= 20 * PAGE);
    mine.forEach(cache::free);
  }

  @Test
  void aListenerThatThrowsDoesNotKeepTheTreeOpen() {
    SlabAllocator own = SlabAllocator.builder().max(64 << 20).onClose(report -> {}).build();
    MemCgroups tree = MemCgroups.on(own);
    KmemCache some = own.createCache("c", 100);
    long object = some.in(tree.create("/a")).alloc();
    some.in(tree.create("/b")).alloc();
    tree.onLeftovers(
        left -> {
          throw new IllegalStateException("strict");
        });

    assertThrows(IllegalStateException.class, tree::close);

    assertFalse(tree.root().isOnline());
    assertEquals(1, tree.groups().size());
    tree.close();
    some.free(object);
    own.validate();
    own.close();
    own.unmap();
  }

  @Test
  void theAllocatorMayBeClosedBeforeItsGroups() {
    SlabAllocator own = SlabAllocator.builder().max(64 << 20).onClose(report -> {}).build();
    MemCgroups tree = MemCgroups.on(own);
    MemCgroup a = tree.create("/a");
    MemCgroup b = tree.create("/b");
    own.createCache("c", 100).in(a).alloc();
    b.offline();
    own.close();
    own.unmap();

    assertTimeoutPreemptively(
        Duration.ofSeconds(10),
        () -> {
          assertThrows(IllegalStateException.class, a::offline);
          assertThrows(IllegalStateException.class, () -> tree.create("/c"));
          assertThrows(IllegalStateException.class, () -> a.max(5));
          assertEquals(0, a.usage());
          tree.close();
          tree.close();
        });
  }

  @Test
  void groupsAreNotClosedUnderAPin() {
    try (var pin = allocator.pin()) {
      assertThrows(IllegalStateException.class, groups::close);
      assertTrue(pin != null);
    }
    assertTrue(groups.root().isOnline());
  }

  @Test
  void withoutAnAgentGroupsEndWhenTheTreeIsClosed() {
    for (int i = 0; i < 100; i++) {
      MemCgroup group = groups.create("/g");
      cache.free(cache.in(group).alloc());
      group.close();
    }
    assertEquals(100, groups.root().dyingDescendants());

    groups.close();

    assertEquals(1, groups.groups().size());
  }

  @Test
  void whoBelongsToAnotherAllocatorIsRefused() {
    SlabAllocator own = SlabAllocator.builder().max(64 << 20).onClose(report -> {}).build();
    KmemCache foreign = own.createCache("c", 100);

    assertThrows(IllegalArgumentException.class, () -> foreign.in(child));
    try (var scope = groups.bind(child)) {
      foreign.free(foreign.alloc());
      assertTrue(scope != null);
    }

    assertEquals(0, child.usage());
    own.close();
    own.unmap();
  }

  @Test
  void aParentAndItsChildrenMayCloseAtTheSameTime() throws InterruptedException {
    for (int round = 0; round < 50; round++) {
      MemCgroup a = groups.create("/a");
      List<MemCgroup> below = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        below.add(a.create("b" + i));
      }
      List<Long> objects = new ArrayList<>();
      below.forEach(group -> objects.addAll(Groups.take(cache.in(group), 5)));
      Crew crew = new Crew();
      below.forEach(group -> crew.start(group::offline));
      crew.start(
          () -> {
            while (true) {
              try {
                a.offline();
                return;
              } catch (IllegalStateException e) {
                Thread.onSpinWait(); // groups below are online still
              }
            }
          });
      crew.join();
      objects.forEach(cache::free);
    }
    fixture.await(() -> groups.root().dyingDescendants() == 0);
    assertTrue(groups.lingeringCaches().isEmpty());
  }

  @Test
  void everyAddressLeadsToItsOwnerWhateverTheOrderOfItsSlab() {
    List<Long> objects = new ArrayList<>();
    for (int bytes : new int[] {8, 100, 1000, 3000, 10_000, 30_000, 100_000}) {
      long object = allocator.in(child).alloc(bytes);
      objects.add(object);
    }
    long words = child.caches().size();
    child.offline();

    for (OwnedCache owned : parent.caches()) {
      assertEquals(parent.address(), Memory.getLong(owned.ownerWord()));
      assertNotSame(child, owned.account().heir());
    }
    assertEquals(words, parent.caches().size());
    objects.forEach(allocator::free);
    fixture.await(() -> groups.lingeringCaches().isEmpty());
    assertEquals(parent.stockedBytes(), parent.usage());
  }
}
