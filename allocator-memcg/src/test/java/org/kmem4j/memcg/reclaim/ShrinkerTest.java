package org.kmem4j.memcg.reclaim;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

/** Room that is made by asking the program. */
final class ShrinkerTest {
  private static final int MIB = 1 << 20;

  /** Objects of 1000 bytes, four to a page. */
  private static final int PER_MIB = MIB / 1024;

  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private SlabAllocator allocator;
  private Lru lru;

  @BeforeEach
  void open() {
    groups = fixture.open();
    allocator = fixture.allocator();
    lru = new Lru(allocator.createCache("entries", 1000));
    groups.register(lru);
  }

  @AfterEach
  void empty() {
    lru.clear();
  }

  private static boolean isNear(long a, long b, int percent) {
    return Math.abs(a - b) <= (a + b) * percent / 100;
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
}
