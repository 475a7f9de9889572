package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.SizeClasses;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.Rcu;

/** A group at its limit: what fits is granted, and what does not fit costs little. */
final class LimitTest {
  private static final int PAGE = 4096;

  /** One to a page. */
  private static final int OBJECT = 4000;

  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private MemCgroup group;
  private KmemCache mine;

  @BeforeEach
  void open() {
    groups = fixture.open();
    group = groups.create("/g");
    mine = fixture.allocator().createCache("pages", OBJECT).in(group);
  }

  private static List<Long> takeAll(KmemCache cache) {
    List<Long> objects = new ArrayList<>();
    for (long object = cache.tryAlloc(); object != 0; object = cache.tryAlloc()) {
      objects.add(object);
    }
    return objects;
  }

  @Test
  void aFullGroupServesFromTheCallersStock() {
    List<Long> objects = new ArrayList<>(List.of(mine.alloc()));
    long charged = group.usage();
    assertTrue(group.stockedBytes() > 0);
    group.max(charged);
    assertEquals(0, fixture.allocator().in(group).tryAlloc(charged + 1), "and marks it full");

    objects.addAll(takeAll(mine));

    assertEquals(charged, mine.pages() * PAGE, "every page that was charged serves");
    objects.forEach(mine::free);
  }

  @Test
  void theFullMarkRefusesNothingThatFits() throws InterruptedException {
    group.max(100 * PAGE);
    List<Long> objects = takeAll(mine);
    assertTrue(objects.size() >= 99, "objects " + objects.size());
    assertEquals(0, mine.tryAlloc());

    Crew crew = new Crew();
    crew.startVirtual(() -> objects.forEach(mine::free)); // nothing comes to our front or stock
    crew.join();
    List<Long> again = takeAll(mine);

    // What a stripe holds is not ours to take, in tryAlloc.
    assertTrue(again.size() >= 50, "objects " + again.size());
    assertTrue(group.peak() <= 100 * PAGE);
    again.forEach(mine::free);
  }

  @Test
  void aLargerRequestThatDoesNotFitDoesNotStandInTheWayOfASmallerOne() {
    group.max(10 * PAGE);
    assertEquals(0, fixture.allocator().in(group).tryAlloc(100 * PAGE));

    List<Long> objects = takeAll(mine);

    assertEquals(10, objects.size());
    objects.forEach(mine::free);
  }

  @Test
  void whoIsRefusedAgainAndAgainDisturbsNobody() {
    group.max(10 * PAGE);
    List<Long> objects = takeAll(mine);
    assertThrows(MemcgLimitException.class, mine::alloc);
    long periods = Rcu.gracePeriods();
    long start = System.nanoTime();

    for (int i = 0; i < 300; i++) {
      mine.free(objects.removeLast()); // into a front: it would cost a grace period to take it away
      objects.add(mine.tryAlloc());
      assertThrows(MemcgLimitException.class, mine::alloc);
      assertEquals(0, mine.tryAlloc());
    }

    long allowed = 2 + 2 * ((System.nanoTime() - start) / 10_000_000);
    assertTrue(
        Rcu.gracePeriods() - periods <= allowed,
        Rcu.gracePeriods() - periods + " grace periods, allowed are " + allowed);
    objects.forEach(mine::free);
  }

  /**
   * A sibling stocks pages all the while; all of them together, but not its stock, leave room for a
   * large block.
   */
  @Test
  void whereThereWasNoRoomItIsLookedForAgainAfterTenMilliseconds() throws InterruptedException {
    group.max(10 * PAGE);
    List<Long> objects = takeAll(mine);
    assertThrows(MemcgLimitException.class, mine::alloc);
    Crew crew = new Crew();
    crew.start(() -> mine.free(objects.removeLast())); // stays in that thread's front
    crew.join();

    Thread.sleep(20);

    objects.add(mine.alloc());
    objects.forEach(mine::free);
  }

  @Test
  void whoInsistsIsNotRefusedForWhatOthersHaveStocked() throws InterruptedException {
    long large = 256;
    group.max((large + 20) * PAGE);
    MemCgroup loud = group.create("loud");
    SizeClasses ofLoud = fixture.allocator().in(loud);
    SizeClasses ofUs = fixture.allocator().in(group.create("us"));
    Crew crew = new Crew();
    crew.start(
        () -> {
          while (crew.goesOn()) {
            ofLoud.free(ofLoud.alloc(20 * PAGE));
          }
        });
    crew.start(
        () -> {
          while (crew.goesOn()) {
            ofUs.free(ofUs.alloc(large * PAGE));
          }
        });

    crew.runFor(Duration.ofSeconds(1)); // neither throws

    assertTrue(group.peak() <= (large + 20) * PAGE);
  }

  @Test
  void whoHasMadeRoomKeepsItUntilItWasTriedAgain() throws InterruptedException {
    group.max(300 * PAGE);
    MemCgroup loud = group.create("loud");
    stockOnAThread(loud);
    assertEquals(0, fixture.allocator().in(group).tryAlloc(290 * PAGE));

    Runnable room = group.makeRoom(mine, 290, 0);

    SizeClasses ofLoud = fixture.allocator().in(loud);
    ofLoud.free(ofLoud.alloc(20 * PAGE));
    assertEquals(0, loud.stockedBytes(), "it charges what it needs");
    room.run();
    ofLoud.free(ofLoud.alloc(20 * PAGE));
    assertTrue(loud.stockedBytes() > 0, "afterwards it stocks again");
  }

  @Test
  void whoInsistsDrainsAsFarUpAsItIsRefused() throws InterruptedException {
    group.max(300 * PAGE);
    MemCgroup near = group.create("near").max(200 * PAGE);
    SizeClasses ofUs = fixture.allocator().in(near.create("us"));
    stockOnAThread(near.create("sibling"));
    stockOnAThread(group.create("cousin"));
    long filler = fixture.allocator().in(group.create("filler")).alloc(100 * PAGE);

    ofUs.free(ofUs.alloc(200 * PAGE)); // refused by near, then by the group

    fixture.allocator().free(filler);
  }

  private void stockOnAThread(MemCgroup stocked) throws InterruptedException {
    SizeClasses arena = fixture.allocator().in(stocked);
    Crew crew = new Crew();
    crew.start(() -> arena.free(arena.alloc(20 * PAGE)));
    crew.join();
    assertTrue(stocked.stockedBytes() > 0);
  }

  @Test
  void loweringTheLimitBelowUsageHoldsAtOnceAndDoesNotHang() {
    List<Long> objects = Groups.take(mine, 50);

    group.max(10 * PAGE);

    assertEquals(0, mine.tryAlloc());
    assertThrows(MemcgLimitException.class, mine::alloc);
    objects.subList(5, 50).forEach(mine::free);
    objects.subList(5, 50).clear();
    group.max(10 * PAGE); // which collects what is cached
    assertTrue(group.usage() <= 10 * PAGE, "usage " + group.usage());
    objects.forEach(mine::free);
  }

  @Test
  void aParentsLimitHoldsWhileItsChildrenComeAndGo() {
    group.max(40 * PAGE);
    List<Long> left = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      MemCgroup child = group.create("c");
      left.add(mine.in(child).alloc());
      child.offline();
      fixture.work();
    }
    fixture.await(() -> group.dyingDescendants() == 0);

    left.addAll(takeAll(mine));

    assertEquals(40, left.size());
    assertTrue(group.peak() <= 40 * PAGE);
    left.forEach(mine::free);
  }
}
