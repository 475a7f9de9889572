package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.Leftovers;
import org.kmem4j.memcg.group.LeftoversException;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgLimitException;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.stress.Crew;

/** Limits, names and ends that make no sense: each is a clear error, and nothing is lost. */
final class BadInputTest {
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

  // ------------------------------------------------------------------ limits

  @Test
  void aLimitThatIsNegativeOrTheWrongWayRoundIsRefused() {
    MemCgroup acme = groups.create("/acme").min(1 << 20).max(2 << 20);

    assertAll(
        () ->
            assertEquals(
                "max=-1, accepted: 0 or more bytes",
                assertThrows(IllegalArgumentException.class, () -> acme.max(-1)).getMessage()),
        () -> assertThrows(IllegalArgumentException.class, () -> acme.high(-4096)),
        () -> assertThrows(IllegalArgumentException.class, () -> acme.low(Long.MIN_VALUE)),
        () ->
            assertEquals(
                "/acme: min=1048576 is above max=4096",
                assertThrows(IllegalArgumentException.class, () -> acme.max(4096)).getMessage()),
        () -> assertThrows(IllegalArgumentException.class, () -> acme.min(3 << 20)));

    assertEquals(1 << 20, acme.min());
    assertEquals(2 << 20, acme.max());
    assertEquals(Long.MAX_VALUE, acme.high());
  }

  @Test
  @Timeout(30)
  void aMaxBelowUsageHoldsAtOnce() {
    MemCgroup acme = groups.create("/acme");
    KmemCache mine = cache.in(acme);
    List<Long> objects = Groups.take(mine, 2000);
    for (Long object : objects.subList(1000, 2000)) {
      mine.free(object); // to fronts, barn and slabs
    }
    long usage = acme.usage();

    acme.max(1 << 18);

    assertTrue(acme.usage() < usage, "what threads had cached was given back");
    assertTrue(acme.usage() > 1 << 18, "what is in use stays");
    assertEquals(1, acme.eventsLocal().oom());
    assertEquals(0, allocator.in(acme).tryAlloc(1 << 20));
    var refused = assertThrows(MemcgLimitException.class, () -> drainFreeAndAlloc(mine, objects));
    assertEquals("/acme", refused.refusal().refusedBy());

    objects.forEach(allocator::free);
    allocator.trim();
    assertTrue(acme.usage() <= 1 << 18);
    mine.free(mine.alloc());
  }

  /** Objects in slabs that are charged may still be had; then it is over. */
  private static void drainFreeAndAlloc(KmemCache mine, List<Long> objects) {
    objects.subList(1000, 2000).clear();
    while (true) {
      objects.add(mine.alloc());
    }
  }

  @Test
  void appliedLimitsBelowUsageHoldAtOnceToo() {
    MemCgroup acme = groups.create("/acme");
    long block = allocator.in(acme).alloc(1 << 20);
    Properties properties = new Properties();
    properties.setProperty("kmem4j.memcg./*.max", "512k");

    groups.apply(properties);

    assertEquals(0, allocator.in(acme).tryAlloc(1 << 16));
    assertEquals(1, acme.eventsLocal().oom());
    allocator.free(block);
    allocator.free(allocator.in(acme).alloc(1 << 16));
  }

  @Test
  void aGroupThatMayHaveNothingGetsNothing() {
    MemCgroup acme = groups.create("/acme").max(0);

    assertEquals(0, cache.in(acme).tryAlloc());
    assertThrows(MemcgLimitException.class, () -> cache.in(acme).alloc());
    assertEquals(0, acme.usage());
  }

  @Test
  void aClosedGroupGetsNoLimits() {
    MemCgroup acme = groups.create("/acme");
    acme.close();
    fixture.await(acme::isReleased);
    MemCgroup next = groups.create("/acme");

    var error = assertThrows(IllegalStateException.class, () -> acme.max(4096));

    assertEquals("/acme is closed: it has no limits any more", error.getMessage());
    assertEquals(Long.MAX_VALUE, next.max());
    assertEquals(Long.MAX_VALUE, groups.root().max());
  }

  // ------------------------------------------------------------------ names

  @ParameterizedTest
  @ValueSource(
      strings = {"", "acme", "//", "/a/", "/a//b", "/a b", "/.", "/..", "/a/../b", "/*", "/a/\n"})
  void anIllegalPathIsRefusedAndNothingIsMade(String path) {
    var error = assertThrows(IllegalArgumentException.class, () -> groups.create(path));
    assertThrows(IllegalArgumentException.class, () -> groups.find(path));

    assertTrue(error.getMessage().startsWith("path=\"" + path + "\": "), error::getMessage);
    assertEquals(1, groups.groups().size());
  }

  @Test
  void aNameHasAtMost255Characters() {
    String name = "x".repeat(255);

    assertEquals(name, groups.create("/" + name).name());
    assertThrows(IllegalArgumentException.class, () -> groups.create("/x" + name));
    assertThrows(IllegalArgumentException.class, () -> groups.root().create(name + "x"));
  }

  @Test
  void aPathHasAtMost64Names() {
    String longest = "/a".repeat(64);
    String tooLong = "/b".repeat(20_000);

    MemCgroup deepest = groups.create(longest);
    var error = assertThrows(IllegalArgumentException.class, () -> groups.create(tooLong));
    var below = assertThrows(IllegalArgumentException.class, () -> deepest.create("x"));

    assertTrue(error.getMessage().endsWith("has 20000 names, accepted: 64"));
    assertEquals(
        longest + " is 64 groups below the root: it gets no group \"x\"", below.getMessage());
    assertEquals(65, groups.groups().size());
  }

  @Test
  void aNameThatIsTakenIsRefused() {
    groups.create("/tenants/acme.com");

    var error =
        assertThrows(IllegalArgumentException.class, () -> groups.create("/tenants/acme.com"));

    assertEquals("/tenants has a group \"acme.com\" already", error.getMessage());
    assertThrows(IllegalArgumentException.class, () -> groups.create("/"));
    assertNull(groups.find("/tenants/acme"));
  }

  @Test
  void groupsOfOneNewParentAreMadeByManyThreads() throws Exception {
    for (int round = 0; round < 50; round++) {
      String parent = "/p" + round;
      CyclicBarrier start = new CyclicBarrier(4);
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        String path = parent + "/t" + i;
        threads.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        start.await();
                        groups.create(path);
                      } catch (Exception e) {
                        throw new IllegalStateException(e);
                      }
                    }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(4, groups.find(parent).children().size());
    }
  }

  // ------------------------------------------------------------------ the end

  @Test
  void whatIsClosedOrHasGroupsBelowItIsNotClosed() {
    MemCgroup parent = groups.create("/parent");
    MemCgroup child = groups.create("/parent/child");

    var full = assertThrows(IllegalStateException.class, parent::close);
    assertEquals("/parent has groups below it that are online: [child]", full.getMessage());
    assertTrue(parent.isOnline());
    child.close();
    parent.close();
    var twice = assertThrows(IllegalStateException.class, parent::close);
    assertEquals("/parent is closed already", twice.getMessage());
    var below = assertThrows(IllegalStateException.class, () -> parent.create("x"));
    assertEquals("/parent is closed: it gets no new groups", below.getMessage());
    var root = assertThrows(IllegalStateException.class, () -> groups.root().offline());
    assertEquals("the root is closed with the tree, not alone", root.getMessage());
  }

  @Test
  void whoAllocatesForAReleasedGroupChargesTheHeir() {
    MemCgroup parent = groups.create("/parent");
    MemCgroup child = groups.create("/parent/child");
    KmemCache handle = cache.in(child);
    var sizes = allocator.in(child);
    child.close();
    fixture.await(child::isReleased);
    MemCgroup other = groups.create("/other"); // perhaps in the same struct

    long object = handle.alloc();
    long block = sizes.alloc(1 << 20);
    long fresh = cache.in(child).alloc();

    assertAll(
        () -> assertNotEquals(0, object),
        () -> assertTrue(parent.usage() >= (1 << 20) + 4096),
        () -> assertEquals(0, other.usage()));
    List.of(object, block, fresh).forEach(allocator::free);
  }

  @Test
  void afterTheTreeIsClosedNobodyPays() {
    MemCgroup acme = groups.create("/acme").max(1 << 16);
    KmemCache handle = cache.in(acme);

    groups.close();
    groups.close();

    var error = assertThrows(IllegalStateException.class, () -> groups.create("/b"));
    assertEquals("/ is closed: it gets no new groups", error.getMessage());
    List<Long> objects = Groups.take(handle, 1000);
    objects.forEach(cache::free);
  }

  // ------------------------------------------------------------------ leftovers

  @Test
  void inStrictModeLeftoversAreAnErrorAndNothingIsLost() {
    List<Leftovers> told = new ArrayList<>();
    groups.onLeftovers(told::add);
    groups.strict(true);
    MemCgroup clean = groups.create("/clean");
    cache.in(clean).free(cache.in(clean).alloc());
    MemCgroup acme = groups.create("/acme");
    List<Long> objects = Groups.take(cache.in(acme), 3);

    clean.close();
    var error = assertThrows(LeftoversException.class, acme::offline);

    assertAll(
        () -> assertEquals(told.get(1), error.leftovers()),
        () -> assertEquals(3, error.leftovers().objects()),
        () -> assertEquals(error.leftovers().toString(), error.getMessage()),
        () -> assertFalse(acme.isOnline()),
        () -> assertTrue(groups.root().statLocal().slab() > 0));
    objects.forEach(cache::free);
    fixture.await(acme::isReleased);
    fixture.await(() -> groups.lingeringCaches().isEmpty());
  }

  @Test
  void inStrictModeTheTreeIsClosedNevertheless() {
    List<Long> objects = new ArrayList<>();
    for (String path : List.of("/a", "/a/b", "/c")) {
      objects.addAll(Groups.take(cache.in(groups.create(path)), 3));
    }
    groups.strict(true);

    var error = assertThrows(LeftoversException.class, groups::close);

    assertEquals(2, error.getSuppressed().length, "one for each group");
    assertFalse(groups.root().isOnline());
    objects.forEach(cache::free);
  }

  @Test
  void strictModeIsAProperty() {
    System.setProperty("kmem4j.memcg.strict", "true");
    try {
      MemCgroup acme = fixture.open().create("/acme");
      KmemCache other = fixture.allocator().createCache("orders", 100);
      long object = other.in(acme).alloc();
      assertThrows(LeftoversException.class, acme::close);
      other.free(object);
      fixture.await(acme::isReleased);

      System.setProperty("kmem4j.memcg.strict", "yes");
      var error = assertThrows(IllegalArgumentException.class, fixture::open);
      assertEquals(
          "-Dkmem4j.memcg.strict=yes is not understood; accepted: true or false",
          error.getMessage());
    } finally {
      System.clearProperty("kmem4j.memcg.strict");
    }
  }

  @Test
  void aListenerThatThrowsHoldsUpNoClosing() {
    groups.onLeftovers(
        left -> {
          throw new UnsupportedOperationException(left.group());
        });
    MemCgroup acme = groups.create("/acme");
    groups.create("/b");

    assertThrows(UnsupportedOperationException.class, acme::close);
    assertThrows(UnsupportedOperationException.class, groups::close);

    assertFalse(acme.isOnline() || groups.root().isOnline());
  }

  @Test
  void twoThreadsMayCloseTheGroupsAtOnce() throws InterruptedException {
    for (int i = 0; i < 20; i++) {
      MemCgroups closing = fixture.open();
      closing.create("/some/group");
      Crew crew = new Crew();
      for (int j = 0; j < 2; j++) {
        crew.start(closing::close); // one of them does nothing
      }
      crew.join();
      assertFalse(closing.root().isOnline());
    }
  }
}
