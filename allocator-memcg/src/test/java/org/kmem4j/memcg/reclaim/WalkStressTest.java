package org.kmem4j.memcg.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.stress.Crew;

/** Walkers, while groups are created, closed, released and their structs reused elsewhere. */
final class WalkStressTest {
  @RegisterExtension private final Groups fixture = new Groups();

  private final Crew crew = new Crew();
  private final List<MemCgroup> lasting = new ArrayList<>();
  private final AtomicLong rounds = new AtomicLong();
  private final AtomicLong closed = new AtomicLong();
  private MemCgroups groups;
  private MemCgroup top;
  private ReclaimIterator iterator;

  @Test
  void nobodyGetsLost() throws InterruptedException {
    run(Duration.ofSeconds(2));
  }

  @Test
  @Tag("slow")
  void nobodyGetsLostForLong() throws InterruptedException {
    run(Duration.ofSeconds(60));
  }

  private void run(Duration time) throws InterruptedException {
    groups = fixture.open();
    iterator = new ReclaimIterator(Groups.tree(groups)::groupAt);
    top = groups.create("/top");
    groups.create("/other");
    for (String path : List.of("/top", "/top/a", "/top/a/b", "/top/c", "/other")) {
      MemCgroup group = groups.find(path);
      lasting.add(group == null ? groups.create(path) : group);
    }

    crew.start(this::walkAlone);
    crew.start(this::walkTogether);
    crew.start(this::walkTogether);
    crew.startVirtual(this::walkTogether);
    crew.start(() -> createAndClose(1));
    crew.start(() -> createAndClose(2));
    crew.start(
        () -> {
          while (crew.goesOn()) {
            fixture.work();
          }
        });
    crew.runFor(time);

    System.out.println("walks: " + rounds + " rounds beside " + closed + " groups closed");
    fixture.await(() -> groups.root().dyingDescendants() == 0);
    for (MemCgroup group : lasting) {
      assertEquals(1 + group.children().size(), group.references(), group.path());
    }
  }

  private void walkAlone() {
    while (crew.goesOn()) {
      Set<MemCgroup> seen = new HashSet<>();
      try (Walk walk = new FullWalk(top)) {
        for (MemCgroup group = walk.next(); group != null; group = walk.next()) {
          look(group);
          assertTrue(seen.add(group), () -> "twice in a round");
        }
      }
      assertTrue(seen.containsAll(lasting.subList(0, 4)), seen::toString);
      rounds.incrementAndGet();
    }
  }

  private void walkTogether() {
    Random random = new Random();
    while (crew.goesOn()) {
      int most = random.nextInt(10) == 0 ? random.nextInt(10) : Integer.MAX_VALUE;
      try (Walk walk = iterator.walk(top)) {
        MemCgroup group = walk.next();
        assertTrue(group != null, "each walker gets one group at least");
        for (int i = 0; group != null && i < most; i++) {
          look(group);
          group = walk.next();
        }
      }
      rounds.incrementAndGet();
      Thread.yield();
    }
  }

  private void look(MemCgroup group) {
    assertTrue(group.isWithin(top), () -> "lost at " + group);
    assertFalse(group.isReleased(), () -> group + " is released");
  }

  private void createAndClose(long seed) {
    Random random = new Random(seed);
    Deque<MemCgroup> open = new ArrayDeque<>();
    for (long i = 0; crew.goesOn(); i++) {
      MemCgroup parent = lasting.get(random.nextInt(lasting.size()));
      open.add(parent.create("g" + seed + '-' + i));
      if (open.size() > 10) {
        open.poll().offline();
        closed.incrementAndGet();
      }
      if (i % 100 == 0) {
        Thread.yield();
      }
    }
    open.forEach(MemCgroup::offline);
  }
}
