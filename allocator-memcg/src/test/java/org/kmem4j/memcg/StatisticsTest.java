package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.EventCounts;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemCgroupStat;
import org.kmem4j.memcg.group.MemcgLimitException;
import org.kmem4j.memcg.group.PeakReader;
import org.kmem4j.memcg.group.SlabInfo;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.KmemCache;

/** What a group says about itself: {@code memory.stat}, events, peak, slabinfo. */
final class StatisticsTest {
  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private SlabAllocator allocator;
  private KmemCache cache;

  @BeforeEach
  void open() {
    groups = fixture.open();
    allocator = fixture.allocator();
    cache = allocator.createCache("orders", 1000);
  }

  private static void assertExact(MemCgroup group) {
    MemCgroupStat stat = group.stat();
    assertEquals(group.usage(), stat.current());
    assertEquals(
        stat.current(),
        stat.slabReclaimable() + stat.slabUnreclaimable() + stat.large() + stat.stock(),
        () -> group + ": " + stat);
  }

  @Test
  void everyByteIsOfOneKind() {
    MemCgroup tenants = groups.create("/tenants");
    MemCgroup acme = groups.create("/tenants/acme");
    KmemCache orders = cache.in(acme);
    KmemCache quotes =
        allocator.createCache(CacheOptions.of("quotes", 500).reclaimable(true)).in(acme);
    List<Long> objects = Groups.take(orders, 40);
    objects.addAll(Groups.take(quotes, 40));
    long block = allocator.in(acme).alloc(100_000);

    MemCgroupStat stat = acme.stat();

    assertAll(
        () -> assertEquals(orders.pages() << 12, stat.slabUnreclaimable()),
        () -> assertEquals(quotes.pages() << 12, stat.slabReclaimable()),
        () -> assertEquals(stat.slabReclaimable() + stat.slabUnreclaimable(), stat.slab()),
        () -> assertEquals(25 * 4096, stat.large()),
        () -> assertEquals(acme.stockedBytes(), stat.stock()),
        () -> assertTrue(stat.sheaves() <= stat.slab(), stat::toString),
        () -> assertEquals(stat, acme.statLocal()),
        () -> assertEquals(stat.slab(), tenants.stat().slab()),
        () -> assertEquals(0, tenants.statLocal().slab(), "it pays for nothing itself"));
    assertExact(acme);
    assertExact(tenants);
    assertExact(groups.root());
    objects.forEach(allocator::free);
    allocator.free(block);
    assertTrue(acme.stat().sheaves() > 0, "the objects are at hand");
    assertExact(acme);
  }

  /** T-7, T-8: what children leave is neither lost nor counted twice. */
  @Test
  void whatAParentCountsIsExactAfterManyGroupsHaveComeAndGone() {
    MemCgroup parent = groups.create("/parent");
    List<Long> kept = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      MemCgroup child = groups.create("/parent/child" + i % 3);
      List<Long> objects = Groups.take(cache.in(child), 20);
      kept.addAll(objects.subList(0, 3));
      child.offline();
      objects.subList(3, 20).forEach(cache::free);
      assertExact(parent);
    }
    fixture.await(() -> parent.dyingDescendants() == 0);

    long pages = parent.caches().stream().mapToLong(c -> c.pages()).sum();
    assertEquals(pages << 12, parent.stat().slabUnreclaimable());
    assertEquals(150, parent.slabinfo().stream().mapToLong(SlabInfo::usedObjects).sum());
    assertExact(parent);

    kept.forEach(cache::free);
    fixture.await(() -> parent.caches().isEmpty());
    assertEquals(0, parent.stat().slab());
    assertExact(parent);
  }

  /** T-19: what is charged at a child and uncharged at its parent makes neither negative. */
  @Test
  void whatAGroupPaysForItselfMovesWithTheOwnership() {
    MemCgroup parent = groups.create("/parent");
    MemCgroup child = groups.create("/parent/child");
    List<Long> objects = Groups.take(cache.in(child), 100);
    long before = child.statLocal().slab();

    child.offline();

    assertEquals(before, parent.statLocal().slab());
    assertEquals(0, child.statLocal().current());
    objects.forEach(cache::free);
    fixture.await(() -> parent.caches().isEmpty());
    assertEquals(0, parent.statLocal().slab());
  }

  /** T-26: several caches of one name are told apart. */
  @Test
  void inheritedCachesAreLabelled() {
    MemCgroup parent = groups.create("/parent");
    MemCgroup child = groups.create("/parent/child");
    List<Long> objects = Groups.take(cache.in(parent), 10);
    objects.addAll(Groups.take(cache.in(child), 20));
    long block = allocator.in(child).alloc(1 << 20);

    child.offline();

    List<SlabInfo> info = parent.slabinfo();
    assertAll(
        () -> assertEquals(3, info.size()),
        () -> assertEquals("large", info.get(0).name()),
        () -> assertEquals(1 << 20, info.get(0).pageBytes()),
        () -> assertTrue(info.get(0).inherited()),
        () -> assertFalse(info.get(1).inherited()),
        () -> assertEquals(10, info.get(1).usedObjects()),
        () -> assertEquals("/parent/child", info.get(2).madeFor()),
        () -> assertEquals(20, info.get(2).usedObjects()),
        () ->
            assertTrue(
                info.get(2).toString().startsWith("orders (inherited from /parent/child): 20 used"),
                info::toString),
        () -> assertTrue(child.slabinfo().isEmpty()));
    objects.forEach(allocator::free);
    allocator.free(block);
    fixture.await(child::isReleased);
  }

  @Test
  void aCacheThatWasDestroyedIsNotTakenForAnInheritedOne() {
    MemCgroup acme = groups.create("/acme");
    List<Long> objects = Groups.take(cache.in(acme), 10);
    cache.destroy();

    assertFalse(acme.slabinfo().getFirst().inherited());
    assertFalse(acme.offline().caches().getFirst().inherited());
    objects.forEach(allocator::free);
    fixture.await(acme::isReleased);
  }

  @Test
  void eventsCountHereAndAbove() {
    MemCgroup tenants = groups.create("/tenants").max(1 << 20);
    MemCgroup acme = groups.create("/tenants/acme").high(1 << 18);
    KmemCache mine = cache.in(acme);
    List<Long> objects = new ArrayList<>();

    for (long object = mine.tryAlloc(); object != 0; object = mine.tryAlloc()) {
      objects.add(object);
    }
    assertThrows(MemcgLimitException.class, mine::alloc);
    fixture.work(); // once, though nothing can be reclaimed

    EventCounts local = tenants.eventsLocal();
    assertAll(
        () -> assertTrue(local.max() > 0 && local.oom() == 1, local::toString),
        () -> assertEquals(0, local.high()),
        () -> assertEquals(1, acme.eventsLocal().high()),
        () -> assertEquals(0, acme.eventsLocal().max(), "the limit was not its own"),
        () -> assertEquals(acme.events().high(), tenants.events().high()),
        () -> assertEquals(tenants.events(), groups.root().events()),
        () -> assertEquals(new EventCounts(0, 0, 0, 0), groups.root().eventsLocal()));
    objects.forEach(cache::free);
  }

  @Test
  void eachReaderOfAPeakIsResetByItself() {
    MemCgroup acme = groups.create("/acme");
    PeakReader fresh = acme.peakReader();
    PeakReader first = acme.peakReader();
    PeakReader second = acme.peakReader();

    allocator.free(allocator.in(acme).alloc(8 << 20));
    allocator.trim();
    first.reset();
    allocator.free(allocator.in(acme).alloc(4 << 20));
    second.reset();
    allocator.free(allocator.in(acme).alloc(2 << 20));

    assertAll(
        () -> assertAbout(8 << 20, acme.peak()),
        () -> assertAbout(8 << 20, fresh.bytes()),
        () -> assertAbout(4 << 20, first.bytes()),
        () -> assertAbout(2 << 20, second.bytes()),
        () -> assertAbout(8 << 20, acme.peakReader().bytes()));
    first.reset();
    assertAll(
        () -> assertEquals(acme.usage(), first.bytes()),
        () -> assertAbout(2 << 20, second.bytes()),
        () -> assertAbout(8 << 20, acme.peak()));

    acme.close();
    assertEquals(0, first.bytes());
    assertThrows(IllegalStateException.class, first::reset);
  }

  /** Stocks are charged as well. */
  private static void assertAbout(long bytes, long peak) {
    assertTrue(peak >= bytes && peak < bytes + (1 << 19), () -> "peak " + peak);
  }

  @Test
  void aClosedGroupReportsNothing() {
    MemCgroup acme = groups.create("/acme").max(1 << 20).min(1 << 16);
    Groups.take(cache.in(acme), 50).forEach(cache::free);
    acme.close();
    fixture.await(acme::isReleased);

    assertAll(
        () -> assertEquals(0, acme.usage()),
        () -> assertEquals(0, acme.peak()),
        () -> assertEquals(0, acme.stat().current()),
        () -> assertEquals(0, acme.min()),
        () -> assertEquals(0, acme.max()),
        () -> assertTrue(acme.slabinfo().isEmpty()));
  }
}
