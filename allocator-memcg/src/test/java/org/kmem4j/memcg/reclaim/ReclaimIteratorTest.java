package org.kmem4j.memcg.reclaim;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.GroupTree;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memory.Memory;
import org.kmem4j.stress.Crew;
import org.kmem4j.sync.Rcu;

/**
 * Walks over {@code /top} with {@code a}, {@code a/x}, {@code b}, {@code c} below. A struct that
 * was released is reused by a group elsewhere, so who trusts a stale position gets lost there.
 */
final class ReclaimIteratorTest {
  private static final String ALL = "[/top, /top/a, /top/a/x, /top/b, /top/c]";

  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroups groups;
  private GroupTree tree;
  private MemCgroup top;
  private MemCgroup x;
  private MemCgroup b;
  private ReclaimIterator iterator;
  private Crew.Work meanwhile;

  @BeforeEach
  void open() {
    groups = fixture.open();
    tree = Groups.tree(groups);
    top = groups.create("/top");
    groups.create("/top/a");
    x = groups.create("/top/a/x");
    b = groups.create("/top/b");
    groups.create("/top/c");
    groups.create("/other");
    iterator = new ReclaimIterator(this::groupAt);
  }

  private Walk walk(boolean shared) {
    return shared ? iterator.walk(top) : new FullWalk(top);
  }

  /** What is left of a round. */
  private static String rest(Walk walk) {
    List<String> visited = new ArrayList<>();
    for (MemCgroup group = walk.next(); group != null; group = walk.next()) {
      visited.add(group.path());
    }
    return visited.toString();
  }

  /** Visits groups up to one, and abandons the walk. */
  private void visitUpTo(MemCgroup last) {
    try (Walk walk = iterator.walk(top)) {
      MemCgroup group = walk.next();
      while (!group.equals(last)) {
        group = walk.next();
      }
    }
  }

  /** What a walker gets that arrives now. */
  private MemCgroup arrive() {
    try (Walk walk = iterator.walk(top)) {
      return walk.next();
    }
  }

  /** Does background work until a group cannot be referred to any more. */
  private void workUntilNobodyGets(MemCgroup group) {
    fixture.await(
        () -> {
          if (group.tryGet()) {
            group.put();
            return false;
          }
          return true;
        });
  }

  /** Does background work until the struct of a group that was closed is free; reuses it. */
  private MemCgroup buryAndReuse(MemCgroup group) {
    long address = group.address();
    fixture.await(() -> tree.groupAt(address) == null);
    return reuse(address);
  }

  private MemCgroup reuse(long address) {
    for (int i = 0; i < 10; i++) {
      MemCgroup fresh = groups.create("/other/g" + System.nanoTime());
      if (fresh.address() == address) {
        return fresh;
      }
    }
    throw new AssertionError("the struct was not reused");
  }

  // ------------------------------------------------------------------ rounds

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void parentsComeBeforeChildrenAndSiblingsByAge(boolean shared) {
    Walk walk = walk(shared);

    assertEquals(ALL, rest(walk));
    assertNull(walk.next());
    assertEquals(ALL, rest(walk(shared)));
  }

  @Test
  void togetherWalkersComeToEachGroupOnce() {
    List<Walk> walkers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      walkers.add(iterator.walk(top));
    }

    List<String> visited = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      visited.add(walkers.get(i % 3).next().path());
    }

    assertEquals(ALL, visited.toString());
    walkers.forEach(walk -> assertNull(walk.next()));
  }

  @Test
  void whoArrivesAtTheEndGetsAGroup() {
    Walk first = iterator.walk(top);
    for (int i = 0; i < 5; i++) {
      assertNotNull(first.next());
    }

    assertEquals(ALL, rest(iterator.walk(top)));
    assertNull(first.next());
  }

  @Test
  void aWalkGoesOnWhereAnotherWasAbandoned() {
    visitUpTo(x);

    assertEquals("[/top/b, /top/c]", rest(iterator.walk(top)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWalkThatWasAbandonedPinsNothing(boolean shared) {
    long before = b.references();
    Walk walk = walk(shared);
    while (!b.equals(walk.next())) {}
    assertEquals(before + 1, b.references());

    walk.close();

    assertEquals(before, b.references());
    b.offline();
    fixture.await(b::isReleased);
  }

  @Test
  void ofTwoWhoTakeTheSameStepOneTakesAnother() {
    boolean[] overtaken = new boolean[1];
    iterator =
        new ReclaimIterator(this::groupAt) {
          @Override
          MemCgroup after(MemCgroup root, MemCgroup at) {
            MemCgroup next = super.after(root, at);
            if (!overtaken[0]) {
              overtaken[0] = true;
              assertEquals("/top/a", arrive().path());
            }
            return next;
          }
        };
    Walk first = iterator.walk(top);

    assertEquals("/top", first.next().path());
    assertEquals("/top/a/x", first.next().path());

    first.close();
  }

  // ------------------------------------------------------------------ losing the position

  @Test
  void whoLosesThePositionGoesOnBehindItsOwnGroup() {
    Walk walk = iterator.walk(top);
    while (!b.equals(walk.next())) {}

    x.offline();
    fixture.await(x::isReleased);

    assertEquals("[/top/c]", rest(walk));
  }

  @Test
  void whoFindsThePositionLostBeginsANewRound() {
    Walk early = iterator.walk(top);
    early.next();
    early.next();
    x.offline();
    fixture.await(x::isReleased);

    Walk late = iterator.walk(top);

    assertSame(top, late.next());
    assertNull(early.next(), "its round is over");
    assertEquals("[/top/a, /top/b, /top/c]", rest(late));
  }

  // ------------------------------------------------------------------ races R1 to R6

  @Test
  void r1WhatDiedSinceTheLastVisitIsNotTrusted() {
    visitUpTo(b);
    b.offline();
    buryAndReuse(b);

    assertSame(top, arrive());
  }

  @Test
  void r1AGroupBelowAGroupIsCountedToo() {
    visitUpTo(x);
    x.offline();
    buryAndReuse(x);

    assertSame(top, arrive());
  }

  @Test
  void r1WhatWasVisitedWhileItWasDyingIsCountedAfterwards() {
    assertTrue(b.tryGet());
    b.offline();
    for (int i = 0; i < 20; i++) {
      fixture.work();
    }
    visitUpTo(b);
    b.put();
    buryAndReuse(b);

    assertSame(top, arrive());
  }

  @Test
  void r2WhatIsDeadButNotCountedYetIsNotTrusted() {
    visitUpTo(b);
    long before = top.deaths();
    b.offline();
    workUntilNobodyGets(b);
    assertEquals(before, top.deaths());

    assertSame(top, arrive());
  }

  @Test
  void r2WhatIsDeadIsNotReusedUnderAReader() {
    visitUpTo(b);
    long before = top.deaths();
    b.offline();
    workUntilNobodyGets(b);
    meanwhile =
        () -> {
          for (int i = 0; i < 20; i++) {
            fixture.work();
          }
          for (int i = 0; i < 5; i++) {
            groups.create("/other/g" + i);
          }
        };

    assertSame(top, arrive());

    assertNull(meanwhile, "it was met");
    assertEquals(before + 1, top.deaths());
  }

  /** Finds groups, but first has another thread do something; the walker is in its section. */
  private MemCgroup groupAt(long address) {
    if (meanwhile != null) {
      var crew = new Crew();
      crew.start(meanwhile);
      meanwhile = null;
      try {
        crew.join();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    return tree.groupAt(address);
  }

  @Test
  void r3WhatIsClosedBeforeItsVisitIsPublishedIsNotTrustedAfterItsDeath() {
    iterator =
        new ReclaimIterator(this::groupAt) {
          @Override
          MemCgroup after(MemCgroup root, MemCgroup at) {
            MemCgroup next = super.after(root, at);
            if (b.equals(next) && b.isOnline()) {
              b.offline();
              for (int i = 0; i < 20; i++) {
                fixture.work();
              }
            }
            return next;
          }
        };
    visitUpTo(b);
    buryAndReuse(b);

    assertSame(top, arrive());
  }

  @Test
  void r4ADeathIsCountedBeforeTheGracePeriod() {
    visitUpTo(b);
    b.offline();
    long address = b.address();
    fixture.await(b::isReleased);
    assertSame(b, tree.groupAt(address));
    Rcu.synchronize(); // the last step may be made at once
    meanwhile = () -> buryAndReuse(b);

    assertSame(top, arrive());
  }

  @Test
  void r5AnAddressThatIsNoGroupsAnyMoreLeadsToNobody() {
    b.offline();
    long address = b.address();
    fixture.await(() -> tree.groupAt(address) == null);

    long other = fixture.allocator().slabs().tryAllocateStruct(256);
    Memory.putInt(other, Memory.getInt(top.address())); // as if it were top's number

    assertNull(tree.groupAt(other));
    fixture.allocator().slabs().freeStruct(other, 256);
  }

  @Test
  void r6ADeathElsewhereLosesNoPosition() {
    MemCgroup other = groups.create("/other/g");
    visitUpTo(b);
    other.offline();
    fixture.await(other::isReleased);

    assertEquals("/top/c", arrive().path());
    assertAll(() -> assertEquals(0, top.deaths()), () -> assertEquals(1, groups.root().deaths()));
  }

  // ------------------------------------------------------------------ T-27: the root of the walk

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void t27aAWalkWhoseRootIsGoneEnds(boolean shared) {
    top = groups.create("/gone");
    top.offline();
    workUntilNobodyGets(top);

    for (int i = 0; i < 2; i++) {
      String visited = assertTimeoutPreemptively(Duration.ofSeconds(5), () -> rest(walk(shared)));
      assertEquals("[/gone]", visited);
    }
    fixture.await(top::isReleased);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void t27bNoReferenceIsTakenOnTheRoot(boolean shared) {
    long before = top.references();
    Walk walk = walk(shared);
    walk.next();
    assertEquals(before, top.references());
    walk.next(); // from the root as a position
    walk.close();
    arrive();
    rest(walk(shared));
    rest(walk(shared));

    assertEquals(before, top.references());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void t27cADyingRootIsWalkedToTheEnd(boolean shared) {
    MemCgroup low = groups.create("/dying/low");
    top = low.parent();
    assertTrue(low.tryGet());
    low.offline();
    top.offline();
    assertFalse(top.isOnline());

    for (int i = 0; i < 2; i++) {
      String visited = assertTimeoutPreemptively(Duration.ofSeconds(5), () -> rest(walk(shared)));
      assertEquals("[/dying, /dying/low]", visited);
    }
    low.put();
    fixture.await(top::isReleased);
  }
}
