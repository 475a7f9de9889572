package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.SizeClasses;

/** The life of a group: who pays, and who pays when it is closed. */
final class MemCgroupTest {
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

  @Test
  void whatAGroupTakesCountsInEveryGroupAboveIt() {
    MemCgroup acme = groups.create("/tenants/acme");

    List<Long> objects = Groups.take(cache.in(acme), 100);

    assertAll(
        () -> assertEquals("/tenants/acme", acme.path()),
        () -> assertTrue(acme.usage() >= 25 * 4096, "usage " + acme.usage()),
        () -> assertEquals(acme.usage(), acme.parent().usage()),
        () -> assertEquals(acme.usage(), groups.root().usage()),
        () -> assertEquals(acme.usage(), acme.peak()));
    objects.forEach(cache::free);
  }

  @Test
  void atItsLimitAGroupIsRefusedAndSaysWhoRefused() {
    MemCgroup tenants = groups.create("/tenants").max(1 << 20);
    MemCgroup acme = groups.create("/tenants/acme");
    KmemCache mine = cache.in(acme);

    int taken = 0;
    while (mine.tryAlloc() != 0) {
      taken++;
    }

    assertTrue(taken >= 0.99 * (1 << 20) / 4096 * 4, "objects: " + taken);
    assertTrue(tenants.usage() <= 1 << 20);
    var refused = assertThrows(MemcgLimitException.class, mine::alloc);
    assertEquals("/tenants", refused.refusal().refusedBy());
    assertEquals("kmem4j.memcg./tenants.max", acme.lastRefusal().property());
    assertTrue(refused.getMessage().contains("kmem4j.memcg./tenants.max"), refused.getMessage());
    assertTrue(acme.events(MemcgEvent.Kind.MAX) == 0 && tenants.events(MemcgEvent.Kind.MAX) > 0);
  }

  @Test
  void whatAClosedGroupLeavesBehindIsItsParents() {
    MemCgroup tenants = groups.create("/tenants");
    MemCgroup acme = groups.create("/tenants/acme");
    KmemCache mine = cache.in(acme);
    List<Long> objects = Groups.take(mine, 100);
    long word = Memory.getLong(mine.ownerWord());

    Leftovers left = acme.offline();

    assertAll(
        () -> assertEquals(acme.address(), word),
        () -> assertEquals(tenants.address(), Memory.getLong(mine.ownerWord())),
        () -> assertEquals("/tenants", left.heir()),
        () -> assertEquals(100, left.objects()),
        () -> assertEquals(1, tenants.dyingDescendants()),
        () -> assertEquals(List.of(mine), groups.lingeringCaches()),
        () -> assertNull(groups.find("/tenants/acme")));
    fixture.await(acme::isReleased);
    assertTrue(tenants.usage() >= 25 * 4096);

    objects.forEach(cache::free);
    fixture.await(() -> tenants.dyingDescendants() == 0 && groups.lingeringCaches().isEmpty());

    assertEquals(tenants.stockedBytes(), tenants.usage());
  }

  @Test
  void aHandleOfAClosedGroupAllocatesForTheHeir() {
    MemCgroup tenants = groups.create("/tenants");
    MemCgroup acme = groups.create("/tenants/acme");
    KmemCache mine = cache.in(acme);
    cache.free(mine.alloc());
    acme.offline();

    long early = mine.alloc();
    fixture.await(() -> tenants.dyingDescendants() == 0);
    long late = mine.tryAlloc();

    assertAll(
        () -> assertNotEquals(0, late),
        () -> assertTrue(tenants.usage() > 0),
        () -> assertSame(cache.in(tenants), cache.in(acme)),
        () -> assertNotSame(mine, cache.in(acme)));
    mine.free(early);
    mine.free(late);
  }

  @Test
  void severalGenerationsAreInheritedAtOnce() {
    MemCgroup top = groups.create("/a");
    MemCgroup middle = groups.create("/a/b");
    MemCgroup low = groups.create("/a/b/c");
    List<Long> objects = Groups.take(cache.in(low), 50);
    objects.addAll(Groups.take(cache.in(middle), 50));

    low.offline();
    Leftovers left = middle.offline();
    top.offline();

    assertEquals(100, left.objects());
    assertEquals(1, left.caches().stream().filter(Leftovers.Cache::inherited).count());
    assertTrue(groups.root().usage() >= 26 * 4096);
    objects.forEach(cache::free);
    fixture.await(() -> groups.root().dyingDescendants() == 0);
    groups.validate();
  }

  @Test
  void largeBlocksAreInheritedToo() {
    MemCgroup acme = groups.create("/acme");
    SizeClasses sizes = allocator.in(acme);
    long block = sizes.alloc(1 << 20);
    assertTrue(acme.usage() >= 1 << 20);

    Leftovers left = acme.offline();

    assertEquals(1 << 20, left.bytes());
    fixture.await(acme::isReleased);
    assertTrue(groups.root().usage() >= 1 << 20);
    allocator.free(block);
    fixture.await(() -> groups.lingeringCaches().isEmpty());
    assertEquals(groups.root().stockedBytes(), groups.root().usage());
    sizes.free(sizes.alloc(1 << 20));
  }

  @Test
  @SuppressWarnings("try") // the scope is there to end
  void aBoundThreadsGroupPays() {
    MemCgroup acme = groups.create("/acme");

    long object;
    try (var scope = groups.bind(acme)) {
      object = cache.alloc();
    }
    long other = cache.alloc();

    assertTrue(acme.usage() > 0);
    assertEquals(cache.in(acme).address(), Memory.getLong(allocator.describe(object).slab()));
    assertEquals(cache.address(), Memory.getLong(allocator.describe(other).slab()));
    cache.free(object);
    cache.free(other);
  }

  @Test
  void aGroupWithGroupsBelowItOrClosedOrTheRootIsNotClosed() {
    MemCgroup a = groups.create("/a");
    MemCgroup b = groups.create("/a/b");

    var first = assertThrows(IllegalStateException.class, a::offline);
    b.close();
    var second = assertThrows(IllegalStateException.class, b::close);
    var third = assertThrows(IllegalStateException.class, () -> groups.root().close());
    var fourth = assertThrows(IllegalStateException.class, () -> b.create("c"));

    assertTrue(first.getMessage().contains("b"), first.getMessage());
    assertTrue(second.getMessage().contains("/a/b"), second.getMessage());
    assertTrue(third.getMessage().contains("root"), third.getMessage());
    assertTrue(fourth.getMessage().contains("/a/b"), fourth.getMessage());
    assertFalse(b.isOnline());
  }

  @Test
  void whatAHostFreesWhenItIsAskedIsFoundThoughItLiesInSheaves() {
    MemCgroup acme = groups.create("/acme").max(1 << 20);
    KmemCache mine = cache.in(acme);
    List<Long> objects = new ArrayList<>();
    for (long object = mine.tryAlloc(); object != 0; object = mine.tryAlloc()) {
      objects.add(object);
    }
    KmemCache other = allocator.createCache("others", 3000).in(acme);
    groups.onOutOfMemory(
        refusal -> {
          objects.forEach(cache::free);
          boolean some = !objects.isEmpty();
          objects.clear();
          return some;
        });

    long object = other.alloc();

    assertTrue(objects.isEmpty());
    other.free(object);
  }

  @Test
  void aHandleOfAClosedGroupFindsWhatTheFullHeirHasFree() {
    MemCgroup heir = groups.create("/a").max(1 << 20);
    MemCgroup acme = groups.create("/a/b");
    KmemCache stale = cache.in(acme);
    cache.free(stale.alloc());
    acme.offline();
    fixture.await(acme::isReleased);
    KmemCache ofHeir = cache.in(heir);
    List<Long> objects = new ArrayList<>();
    for (long object = ofHeir.tryAlloc(); object != 0; object = ofHeir.tryAlloc()) {
      objects.add(object);
    }
    assertEquals(0, stale.tryAlloc());

    cache.free(objects.removeLast());

    objects.add(stale.tryAlloc());
    assertNotEquals(0, objects.getLast());
    objects.forEach(cache::free);
  }

  @Test
  void twentyThousandGroupsComeAndGo() {
    for (int i = 0; i < 20_000; i++) {
      MemCgroup group = groups.create("/g");
      cache.free(cache.in(group).alloc());
      group.offline();
      if (i % 200 == 0) {
        fixture.work();
      }
    }
    fixture.await(() -> groups.root().dyingDescendants() == 0);
    assertTrue(groups.lingeringCaches().isEmpty());
  }

  /**
   * Three hundred times what a tree maps for itself is more than all else that may come about
   * meanwhile.
   */
  @Test
  @EnabledOnOs(OS.LINUX)
  void treesThatComeAndGoLeaveNothingMapped() throws IOException {
    long before = addressSpace();
    for (int i = 0; i < 300; i++) {
      SlabAllocator allocator = SlabAllocator.builder().max(1 << 20).build();
      MemCgroups.on(allocator).close();
      allocator.close();
      allocator.unmap();
    }

    long grown = addressSpace() - before;
    assertTrue(grown < 40 << 20, "grown by " + grown);
  }

  private static long addressSpace() throws IOException {
    return Long.parseLong(Files.readString(Path.of("/proc/self/statm")).split(" ")[0]) * 4096;
  }
}
