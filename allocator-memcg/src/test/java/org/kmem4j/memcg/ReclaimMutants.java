package org.kmem4j.memcg;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;
import org.kmem4j.stress.Mutant;

/** The rules of walks and reclaim. */
final class ReclaimMutants {
  private static final String GROUP = "memcg/group/MemCgroup.java";
  private static final String ITERATOR = "memcg/reclaim/ReclaimIterator.java";
  private static final String RECLAIMER = "memcg/reclaim/Reclaimer.java";
  private static final String PROTECTION = "memcg/reclaim/EffectiveProtection.java";
  private static final String TEST = "memcg.reclaim.ReclaimIteratorTest#";
  private static final String SHRINKER = "memcg.reclaim.ShrinkerTest#";

  private static final String COUNT =
      """
          for (MemCgroup level = parent; level != null; level = level.parent) {
            Memory.getAndAddLong(level.address + DEATHS, 1);
          }
      """;

  private ReclaimMutants() {}

  static final List<Mutant> ALL =
      List.of(
          // ------------------------------------------------------------ shrinkers
          of(
              "shrinkers: groups do not end while one is asked",
              "memcg/group/GroupTree.java",
              "slabs.checkMayEnd(\"close() of groups\");",
              "slabs.checkMayWait(\"close() of groups\");",
              SHRINKER + "whoIsAskedForRoomMayNotEndWhatTheAllocationGoesOnIn"),
          // ------------------------------------------------------------ the position
          of(
              "walk: a position whose cookie is old is not trusted",
              ITERATOR,
              "return seen.group != 0 && seen.deaths == deaths ?",
              "return seen.group != 0 ?",
              TEST + "r1WhatDiedSinceTheLastVisitIsNotTrusted"),
          of(
              "walk: the number that was compared goes with the position, and no later one is"
                  + " equal",
              ITERATOR,
              "return seen.group != 0 && seen.deaths == deaths ?",
              "return seen.group != 0 && seen.deaths <= deaths ?",
              TEST + "r3WhatIsClosedBeforeItsVisitIsPublishedIsNotTrustedAfterItsDeath"),
          of(
              "walk: tryGet after a match",
              ITERATOR,
              "group != null && group.tryGet() ? group : null;",
              "group != null ? group : null;",
              TEST + "r2WhatIsDeadButNotCountedYetIsNotTrusted"),
          of(
              "walk: the step is a read section",
              ITERATOR,
              "Rcu.enter(reader);",
              "",
              TEST + "r2WhatIsDeadIsNotReusedUnderAReader"),
          of(
              "walk: a grace period between the count and the struct's reuse",
              GROUP,
              "state = DEAD; tree.slabs.endings().addAfterGracePeriod(this);",
              "state = DEAD; tree.slabs.endings().add(this);",
              TEST + "r2WhatIsDeadIsNotReusedUnderAReader"),
          of(
              "walk: the count comes before the grace period",
              GROUP,
              COUNT
                  + "released = true; state = DEAD;"
                  + " tree.slabs.endings().addAfterGracePeriod(this); } default -> release();",
              "released = true; state = DEAD;"
                  + " tree.slabs.endings().addAfterGracePeriod(this); } default -> {"
                  + COUNT
                  + "release(); }",
              TEST + "r4ADeathIsCountedBeforeTheGracePeriod"),
          of(
              "walk: the count comes after the last reference",
              GROUP,
              """
              css.kill();
                        state = KILLED;
                        tree.slabs.endings().addAfterGracePeriod(this);
                      }
                      case KILLED -> {
                        state = DRAINED;
                        css.confirm(); // which comes back to begin(), if that was the last reference
                      }
                      case DRAINED -> {
                        // After the count has reached zero, and before the grace period that precedes reuse.
              """
                  + COUNT,
              "css.kill();"
                  + COUNT
                  + """
                        state = KILLED;
                        tree.slabs.endings().addAfterGracePeriod(this);
                      }
                      case KILLED -> {
                        state = DRAINED;
                        css.confirm();
                      }
                      case DRAINED -> {
                  """,
              TEST + "r1WhatWasVisitedWhileItWasDyingIsCountedAfterwards"),
          of(
              "walk: a death is counted in every group above",
              GROUP,
              COUNT,
              "Memory.getAndAddLong(parent.address + DEATHS, 1);",
              TEST + "r1AGroupBelowAGroupIsCountedToo"),
          of(
              "walk: each walk root has a count of its own",
              GROUP,
              "return Memory.getLongVolatile(address + DEATHS);",
              "return Memory.getLongVolatile(tree.root().address + DEATHS);",
              TEST + "r6ADeathElsewhereLosesNoPosition"),
          of(
              "walk: an address leads to a group only if that lies there",
              "memcg/group/GroupTree.java",
              "return group != null && group.address() == address ? group : null;",
              "return group;",
              TEST + "r5AnAddressThatIsNoGroupsAnyMoreLeadsToNobody"),
          // ------------------------------------------------------------ the walk's root
          of(
              "walk: the root needs no reference to be visited",
              ITERATOR,
              "MemCgroup next = from == null ? root : after(root, from);",
              "MemCgroup next = from != null ? after(root, from) : root.tryGet() ? root : null;",
              TEST + "t27aAWalkWhoseRootIsGoneEnds"),
          of(
              "walk: no reference on the root as a position",
              ITERATOR,
              "return group == root || group != null && group.tryGet()",
              "return group != null && group.tryGet()",
              TEST + "t27bNoReferenceIsTakenOnTheRoot"),
          of(
              "walk: dying groups are visited",
              "memcg/reclaim/Walk.java",
              "if (child.tryGet()) {",
              "if (child.isOnline() && child.tryGet()) {",
              TEST + "t27cADyingRootIsWalkedToTheEnd"),
          of(
              "walk: no test of the root comes before the question whether it is the root",
              ITERATOR,
              "while (!ended) {",
              "while (!ended) { if (!root.isOnline()) { continue; }",
              TEST + "t27cADyingRootIsWalkedToTheEnd"),
          // ------------------------------------------------------------ rounds
          of(
              "walk: who abandons a walk puts its reference",
              ITERATOR,
              "Walk.put(root, mine); mine = null; ended = true;",
              "mine = null; ended = true;",
              TEST + "aWalkThatWasAbandonedPinsNothing"),
          of(
              "walk: who loses the race for a step takes another",
              ITERATOR,
              "if (!position.compareAndSet(seen, fresh)) {",
              "if (!position.compareAndSet(seen, fresh) && next == null) {",
              TEST + "ofTwoWhoTakeTheSameStepOneTakesAnother"),
          of(
              "walk: who loses the position goes on behind its own group",
              ITERATOR,
              "MemCgroup from = lost ? mine : at;",
              "MemCgroup from = at;",
              TEST + "whoLosesThePositionGoesOnBehindItsOwnGroup"),
          of(
              "walk: a position that is lost begins a new round",
              ITERATOR,
              "lost && mine == null ? seen.round + 1 : seen.round;",
              "seen.round;",
              TEST + "whoFindsThePositionLostBeginsANewRound"),
          of(
              "walk: the round that another finished is over",
              ITERATOR,
              "if (mine != null && seen.round != round) {",
              "if (mine != null && seen.round < round) {",
              TEST + "togetherWalkersComeToEachGroupOnce"),
          of(
              "walk: who arrives at the end begins the next round",
              ITERATOR,
              "} else if (mine != null) { break; }",
              "} else { break; }",
              TEST + "whoArrivesAtTheEndGetsAGroup"),
          // ------------------------------------------------------------ reclaim
          of(
              "reclaim: below its effective min nothing is taken from a group",
              PROTECTION,
              "return isSpared(group) ? level(group).min : 0;",
              "return 0;",
              SHRINKER + "whatMinProtectsIsNeverReclaimed"),
          of(
              "reclaim: below its effective low nothing is taken while there is anything else",
              RECLAIMER,
              "long spared = lowToo ? min : low;",
              "long spared = min;",
              SHRINKER + "whatLowProtectsIsReclaimedWhenNothingElseIsLeft"),
          of(
              "reclaim: when nothing else is left, low does not protect",
              RECLAIMER,
              "if (sparedLow && gained() <= 0) {",
              "if (gained() < 0) {",
              SHRINKER + "whatLowProtectsIsReclaimedWhenNothingElseIsLeft"),
          of(
              "reclaim: what low did not protect is told",
              RECLAIMER,
              "tree.raiseLow(group);",
              "",
              SHRINKER + "whatLowProtectsIsReclaimedWhenNothingElseIsLeft"),
          of(
              "reclaim: nothing protects a group against itself",
              PROTECTION,
              "return group != top && group.isOnline();",
              "return group.isOnline();",
              SHRINKER + "atItsOwnLimitAGroupsProtectionDoesNotCount"),
          of(
              "reclaim: no larger share is asked for than is needed",
              RECLAIMER,
              "Math.min(count >> Math.max(0, priority), count * atMost);",
              "count >> Math.max(0, priority);",
              SHRINKER + "whatIsAboveHighTheAgentReclaims"),
          of(
              "reclaim: what a shrinker throws stops nothing",
              RECLAIMER,
              "} catch (Throwable e) { failed.add(shrinker, e); return 0; }",
              "} catch (IllegalStateException e) { return 0; }",
              SHRINKER + "whatAShrinkerThrowsIsLoggedOnceAndCounted"),
          of(
              "reclaim: the heir's lists get what a closed group had",
              "memcg/group/GroupTree.java",
              "reclaim.closed(group, heir);",
              "",
              SHRINKER + "whatClosedGroupsLeftTheirHeirCanGiveUp"));
}
