package org.kmem4j.memcg.reclaim;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ObjLongConsumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgEvent.Kind;
import org.kmem4j.memcg.group.MemcgLimitException;
import org.kmem4j.slab.KmemCache;

/** Room that is made by asking the program. */
final class ShrinkerTest {
  private static final int MIB = 1 << 20;

  /** Objects of 1000 bytes, four to a page. */
  private static final int PER_MIB = MIB / 1024;

  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private SlabAllocator allocator;
  private Lru lru;

  /** Objects that no shrinker gives up, of a page each. */
  private final List<Long> pinned = new ArrayList<>();

  private KmemCache pins;

  @BeforeEach
  void open() {
    groups = fixture.open();
    allocator = fixture.allocator();
    lru = new Lru(allocator.createCache("entries", 1000));
    groups.register(lru);
    pins = allocator.createCache("pins", 4000);
  }

  @AfterEach
  void empty() {
    lru.clear();
    unpin();
  }

  @Test
  void atItsLimitAGroupGivesUpWhatItCan() { // test_memcg_max
    MemCgroup group = groups.create("/a").max(3 * MIB);

    lru.insist(group, 10 * PER_MIB);

    assertAll(
        () -> assertTrue(group.usage() <= 3 * MIB, "usage " + group.usage()),
        () -> assertTrue(group.usage() > MIB, "usage " + group.usage()),
        () -> assertTrue(group.events(Kind.MAX) > 0),
        () -> assertEquals(0, group.events(Kind.OOM)));
  }

  @Test
  void tryNeverAsks() {
    MemCgroup group = groups.create("/a").max(MIB);

    int taken = lru.fill(group, 2 * PER_MIB);

    assertTrue(taken <= PER_MIB && taken > PER_MIB * 0.9, "taken " + taken);
    assertEquals(taken, lru.count(group));
  }

  @Test
  void whatIsAboveHighTheAgentReclaims() { // test_kmem_basic
    MemCgroup group = groups.create("/a");
    lru.fill(group, 10 * PER_MIB);
    long before = group.usage();
    assertTrue(before >= 9 * MIB, "usage " + before);

    group.high(MIB);
    fixture.work();

    assertAll(
        () -> assertTrue(group.usage() <= MIB, "usage " + group.usage()),
        () -> assertTrue(group.usage() > MIB / 2, "usage " + group.usage()),
        () -> assertEquals(1, group.events(Kind.HIGH)),
        () -> assertEquals(0, group.events(Kind.MAX)));
  }

  @Test
  void whoeverUnregistersIsNotAskedAgain() {
    MemCgroup group = groups.create("/a").max(MIB);
    Lru other = new Lru(allocator.createCache("others", 1000));
    var registration = groups.register(other);
    other.insist(group, 2 * PER_MIB);

    registration.close();

    assertThrows(MemcgLimitException.class, () -> other.insist(group, PER_MIB));

    other.clear();
  }

  @Test
  void whoIsAskedForRoomMayNotEndWhatTheAllocationGoesOnIn() {
    MemCgroup group = groups.create("/a").max(MIB);
    Set<String> refusals = new TreeSet<>();
    Runnable ending =
        () -> {
          for (AutoCloseable all : List.of(allocator, groups)) {
            var refusal = assertThrows(IllegalStateException.class, all::close);
            refusals.add(refusal.getMessage());
          }
        };
    groups.register(new Ending(ending));

    lru.insist(group, 2 * PER_MIB);

    String by = " was called by a shrinker, or by what is asked when there is no room";
    assertEquals(Set.of("close()" + by, "close() of groups" + by), refusals);
    assertEquals(0, groups.shrinkerFailures());
    assertTrue(group.isOnline());
  }

  /** Gives nothing up. */
  private record Ending(Runnable end) implements Shrinker {
    @Override
    public long count(MemCgroup group) {
      return 1 << 12;
    }

    @Override
    public long scan(MemCgroup group, long objects) {
      end.run();
      return 0;
    }
  }

  // ------------------------------------------------------------------ protection

  private void pin(MemCgroup group, int bytes) {
    KmemCache mine = pins.in(group);
    for (int i = 0; i < bytes / 4096; i++) {
      pinned.add(mine.alloc());
    }
  }

  private void unpin() {
    pinned.forEach(pins::free);
    pinned.clear();
  }

  private static int mib(double mib) {
    return (int) (mib * MIB);
  }

  /** The tree of test_memcg_min and test_memcg_low, in tenths. */
  private void protect(ObjLongConsumer<MemCgroup> setting) {
    groups.create("/a").max(mib(20));
    setting.accept(groups.create("/a/b"), mib(5));
    setting.accept(groups.create("/a/b/c"), mib(7.5));
    setting.accept(groups.create("/a/b/d"), mib(2.5));
    groups.create("/a/b/e");
    setting.accept(groups.create("/a/b/f"), mib(50));
    for (String name : List.of("c", "d", "e")) {
      lru.fill(groups.find("/a/b/" + name), 5 * PER_MIB);
    }

    pin(groups.create("/a/g"), mib(14.8));

    assertAll(
        () -> assertNear(mib(5), "/a/b", 3),
        () -> assertNear(mib(2.9), "/a/b/c", 15),
        () -> assertNear(mib(2.1), "/a/b/d", 20),
        () -> assertEquals(0, groups.find("/a/b/f").usage()),
        () -> assertEquals(0, groups.find("/a/b/c").events(Kind.LOW)));
  }

  private void assertNear(int expected, String path, int percent) {
    long usage = groups.find(path).usage();
    assertTrue(
        Math.abs(expected - usage) <= (expected + usage) * percent / 100,
        path + " uses " + usage + ", expected " + expected);
  }

  @Test
  void whatMinProtectsIsNeverReclaimed() { // test_memcg_min
    protect(MemCgroup::min);

    assertThrows(MemcgLimitException.class, () -> pin(groups.find("/a/g"), mib(2.2)));

    assertAll(
        () -> assertNear(mib(5), "/a/b", 3),
        () -> assertEquals(0, groups.find("/a/b").events(Kind.LOW)),
        () -> assertTrue(groups.find("/a").events(Kind.OOM) > 0));
  }

  @Test
  void whatLowProtectsIsReclaimedWhenNothingElseIsLeft() { // test_memcg_low
    protect(MemCgroup::low);

    pin(groups.find("/a/g"), mib(2.1));

    assertAll(
        () -> assertNear(mib(3), "/a/b", 5),
        () -> assertTrue(groups.find("/a/b/c").events(Kind.LOW) > 0),
        () -> assertTrue(groups.find("/a/b/d").events(Kind.LOW) > 0),
        () -> assertEquals(0, groups.find("/a/b/f").events(Kind.LOW)),
        () -> assertEquals(0, groups.find("/a").events(Kind.OOM)));
  }

  @Test
  void atItsOwnLimitAGroupsProtectionDoesNotCount() { // memory.reclaim in test_memcg_low
    MemCgroup group = groups.create("/a").low(8 * MIB);
    lru.fill(group, 5 * PER_MIB);

    group.max(MIB);

    assertTrue(group.usage() <= MIB, "usage " + group.usage());
    assertEquals(0, group.events(Kind.LOW));
  }

  @Test
  void highRefusesNothing() { // test_memcg_high
    MemCgroup group = groups.create("/a").high(3 * MIB);
    pin(group, mib(3.1));
    fixture.work();
    assertTrue(group.usage() >= mib(3), "usage " + group.usage());

    unpin();
    lru.fill(group, 5 * PER_MIB);
    fixture.work();

    assertAll(
        () -> assertNear(3 * MIB, "/a", 5),
        () -> assertTrue(group.events(Kind.HIGH) > 0),
        () -> assertEquals(0, group.events(Kind.MAX)));
  }

  // ------------------------------------------------------------------ closed groups

  @Test
  void whatClosedGroupsLeftTheirHeirCanGiveUp() { // test_kmem_dead_cgroups, T-20
    MemCgroup parent = groups.create("/a");
    for (int i = 0; i < 30; i++) {
      MemCgroup child = groups.create("/a/child");
      lru.fill(child, 100);
      child.offline();
    }

    fixture.await(() -> parent.dyingDescendants() == 0);
    assertEquals(3000, lru.count(parent));
    parent.max(0);

    assertEquals(0, parent.usage());
    fixture.await(() -> groups.lingeringCaches().isEmpty());
  }

  // ------------------------------------------------------------------ shrinkers that misbehave

  @Test
  void whatAShrinkerThrowsIsLoggedOnceAndCounted() {
    MemCgroup group = groups.create("/a");
    lru.fill(group, 4 * PER_MIB);
    groups.register(new Failing());
    List<String> logged = new ArrayList<>();
    Handler handler = new LogList(logged);
    Logger logger = Logger.getLogger("org.kmem4j.memcg");
    logger.addHandler(handler);
    logger.setUseParentHandlers(false);

    group.max(2 * MIB);

    logger.removeHandler(handler);
    logger.setUseParentHandlers(true);
    assertTrue(group.usage() <= 2 * MIB);
    assertTrue(groups.shrinkerFailures() > 1, "failures: " + groups.shrinkerFailures());
    assertEquals(List.of("shrinker failing failed"), logged);
  }

  private static final class Failing implements Shrinker {
    @Override
    public long count(MemCgroup group) {
      return 1 << 12;
    }

    @Override
    public long scan(MemCgroup group, long objects) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void closed(MemCgroup group, MemCgroup heir) {
      throw new AssertionError();
    }

    @Override
    public String toString() {
      return "failing";
    }
  }

  private static final class LogList extends Handler {
    private final List<String> messages;

    private LogList(List<String> messages) {
      this.messages = messages;
    }

    @Override
    public void publish(LogRecord record) {
      messages.add(record.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }

  @Test
  void aShrinkerMayAllocateFreeAndCreateAndCloseGroups() {
    MemCgroup parent = groups.create("/a").max(MIB);
    MemCgroup child = groups.create("/a/b");
    KmemCache mine = allocator.createCache("mine", 1000).in(child);
    List<String> seen = new ArrayList<>();
    groups.register(
        new Shrinker() {
          @Override
          public long count(MemCgroup group) {
            return 1 << 12;
          }

          @Override
          public long scan(MemCgroup group, long objects) {
            if (group.equals(child) && child.isOnline()) {
              assertThrows(MemcgLimitException.class, () -> mine.alloc());
              groups.create("/a/new");
              child.offline();
              parent.max(2 * MIB);
              parent.max(MIB);
            }
            seen.add(group.path());
            return -1;
          }
        });

    lru.fill(child, 2 * PER_MIB);
    lru.insist(parent, PER_MIB / 2);

    assertEquals(0, groups.shrinkerFailures());
    assertTrue(seen.contains("/a/b") && seen.contains("/a/new"), seen.toString());
    fixture.await(child::isReleased);
  }
}
