package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.Leak;

/** What a group leaves behind is told with the place that allocated it, sampled or not. */
final class LeaksTest {
  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private SlabAllocator allocator;
  private KmemCache cache;
  private MemCgroup acme;

  @BeforeEach
  void open() {
    groups = fixture.open(builder -> builder.leaks(16));
    allocator = fixture.allocator();
    cache = allocator.createCache("orders", 100);
    acme = groups.create("/tenants/acme");
  }

  private static List<Long> leak(KmemCache from, int count) {
    List<Long> leaked = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      leaked.add(from.alloc());
    }
    return leaked;
  }

  @Test
  void closingAGroupTellsWhereWhatItLeftComesFrom() {
    List<Leftovers> told = new ArrayList<>();
    groups.onLeftovers(told::add);
    leak(cache, 500);
    List<Long> leaked = leak(cache.in(acme), 3000);

    Leftovers left = acme.offline();

    Leak first = left.leaks().leaks().getFirst();
    assertAll(
        () -> assertEquals(List.of(left), told),
        () -> assertEquals(3000, left.objects()),
        () -> assertEquals(1, left.caches().size(), "sampled or not, they are of one cache"),
        () -> assertEquals(1, left.leaks().leaks().size(), "the group's own alone"),
        () -> assertEquals("/tenants/acme", first.paidBy()),
        () -> assertEquals("leak", first.site().getFirst().getMethodName()),
        () -> assertEquals(3000, first.estimated()),
        () ->
            assertTrue(left.leaks().toString().contains("\n    at " + LeaksTest.class.getName())));
    assertEquals("/tenants", paidBy(leaked), "from now on its heir pays");

    leaked.forEach(allocator::free);
    fixture.await(() -> groups.groups().size() == 2);
    allocator.trim();
    assertEquals(0, groups.find("/tenants").usage());
  }

  @Test
  void whereItComesFromIsLookedUpWhenItIsAskedForAndNotWhenAGroupIsClosed() {
    List<Long> leaked = leak(cache.in(acme), 3000);
    Leftovers left = acme.offline();

    leaked.subList(0, 2000).forEach(allocator::free);
    allocator.trim();

    assertAll(
        () -> assertEquals(3000, left.objects(), "when it was closed"),
        () -> assertEquals(1000, left.leaks().leaks().getFirst().estimated(), "now"));
    leaked.subList(2000, 3000).forEach(allocator::free);
    assertTrue(left.leaks().isEmpty());
    fixture.await(() -> groups.groups().size() == 2); // it is released
  }

  @Test
  void afterTheAllocatorIsClosedNothingIsLookedAt() {
    SlabAllocator other = SlabAllocator.builder().max(16 << 20).leaks(1).onClose(r -> {}).build();
    MemCgroups tree = MemCgroups.on(other);
    MemCgroup group = tree.create("/closed");
    leak(other.createCache("orders", 100).in(group), 1000);
    Leftovers left = group.offline();
    assertEquals(1000, left.leaks().leaks().getFirst().sampled());

    tree.close();
    other.close();
    other.unmap();

    assertTrue(left.leaks().isEmpty());
  }

  /** Who is reported to pay for most of what is tracked. */
  private String paidBy(List<Long> leaked) {
    assertEquals(3000, leaked.size());
    return allocator.leaks().leaks().getFirst().paidBy();
  }

  @Test
  void eachGroupHasRowsOfItsOwn() {
    MemCgroup other = groups.create("/tenants/other");
    leak(cache.in(acme), 2000).forEach(allocator::free);
    List<Long> leaked = leak(cache.in(other), 2000);

    List<String> payers = allocator.leaks().leaks().stream().map(Leak::paidBy).distinct().toList();

    assertEquals(List.of("/tenants/other"), payers);
    leaked.forEach(allocator::free);
  }

  @Test
  void aPageThatTheSampleDoesNotGetIsNoRefusal() {
    List<MemcgEvent> told = new ArrayList<>();
    KmemCache mine = cache.in(acme);
    mine.prewarm(3000);
    acme.max(acme.usage());
    List<Long> rest = takeAll(allocator.createCache("rest", 4096).in(acme)); // of the stock
    long before = acme.events().max();
    Refusal lastBefore = acme.lastRefusal();
    fixture.work();
    groups.onEvent(told::add);

    List<Long> taken = leak(mine, 3000);
    fixture.work();

    assertAll(
        () -> assertEquals(before, acme.events().max()),
        () -> assertEquals(lastBefore, acme.lastRefusal()),
        () -> assertEquals(List.of(), told));
    taken.forEach(allocator::free);
    rest.forEach(allocator::free);
  }

  private static List<Long> takeAll(KmemCache from) {
    List<Long> taken = new ArrayList<>();
    for (long object = from.tryAlloc(); object != 0; object = from.tryAlloc()) {
      taken.add(object);
    }
    return taken;
  }

  @Test
  void aGroupAtItsLimitIsServedAsFarAsWithoutSamples() {
    acme.max(64 << 10);

    List<Long> taken = takeAll(cache.in(acme));

    assertTrue(taken.size() > 16 * 35, "a page of the sample's may be half empty: " + taken.size());
    taken.forEach(allocator::free);
  }
}
