package org.kmem4j.memcg;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;
import org.kmem4j.stress.Mutant;

/** The rules by which groups live and end. */
final class GroupMutants {
  private static final String GROUP = "memcg/group/MemCgroup.java";
  private static final String TREE = "memcg/group/GroupTree.java";
  private static final String TEST = "memcg.group.OfflineTest#";
  private static final String LIFE = "memcg.group.MemCgroupTest#";
  private static final String LIMIT = "memcg.group.LimitTest#";

  private GroupMutants() {}

  static final List<Mutant> ALL =
      List.of(
          // ------------------------------------------------------------ going offline
          of(
              "n references on the parent are taken",
              GROUP,
              "parent.css.get(count);",
              "",
              TEST + "offlineTouchesNoPageAndGivesNoneBack"),
          of(
              "n references of the child are put",
              GROUP,
              "css.put(count); // never the last: the initial reference is there still",
              "",
              TEST + "offlineTouchesNoPageAndGivesNoneBack"),
          of(
              "owner words are rewritten",
              GROUP,
              "Memory.putLongRelease(cache.ownerWord(), heir); // pairs with payerOf",
              "",
              LIFE + "whatAClosedGroupLeavesBehindIsItsParents"),
          of(
              "inherited caches are handed on too",
              GROUP,
              "owned().toArray(new OwnedCache[0]);",
              "owned().stream().filter(some -> some.account() == this).toArray(OwnedCache[]::new);",
              LIFE + "severalGenerationsAreInheritedAtOnce"),
          of(
              "the caches of a closed group are retired",
              GROUP,
              "cache.retire();",
              "",
              LIFE + "whatAClosedGroupLeavesBehindIsItsParents"),
          of(
              "no cache is made for a closed group",
              GROUP,
              "if (!css.isOnline()) { return false; }",
              "",
              TEST + "aCacheMadeWhileItsGroupClosesIsTheHeirs"),
          of(
              "who is bound to a closed group charges the nearest that is online",
              GROUP,
              "at = at.parent; } return at; }",
              "at = at.parent; } return this; }",
              TEST + "aThreadThatIsBoundToAClosedGroupChargesTheNearestThatIsOnline"),
          // ------------------------------------------------------------ ending
          of(
              "stocks are drained",
              GROUP,
              "tree.stock.drain(css.counter()); css.kill();",
              "css.kill();",
              TEST + "eightThreadsThatParkForEverDoNotKeepAGroup"),
          of(
              "a grace period lies between the kill and the sum",
              GROUP,
              "state = KILLED; tree.slabs.endings().addAfterGracePeriod(this);",
              "state = KILLED; tree.slabs.endings().add(this);",
              TEST + "betweenTheKillAndTheSumLiesAGracePeriod"),
          of(
              "a death is counted in every group above, before the grace period",
              GROUP,
              "Memory.getAndAddLong(level.address + DEATHS, 1);",
              "",
              TEST + "betweenTheLastReferenceAndTheReuseOfTheStructLiesAGracePeriod"),
          of(
              "a grace period lies between the last reference and the reuse",
              GROUP,
              "state = DEAD; tree.slabs.endings().addAfterGracePeriod(this);",
              "state = DEAD; tree.slabs.endings().add(this);",
              TEST + "betweenTheLastReferenceAndTheReuseOfTheStructLiesAGracePeriod"),
          of(
              "a group holds its parent",
              GROUP,
              "if (parent != null) { parent.css.put(); }",
              "",
              LIFE + "severalGenerationsAreInheritedAtOnce"),
          of(
              "the limits of a closed group cannot be set",
              GROUP,
              "throw new IllegalStateException(path() + \" is closed: it has no limits any"
                  + " more\");",
              "",
              TEST + "theNumbersOfAClosedGroupAreZeroAndItsLimitsCannotBeSet"),
          of(
              "the owner word of an ended cache is not read",
              GROUP,
              "MemCgroup payer = nearestOnline(); MemCgroup by",
              "MemCgroup payer = tree.payerOf(cache); MemCgroup by",
              TEST + "theOwnerWordOfAnEndedCacheIsNotRead"),
          // ------------------------------------------------------------ the program
          of(
              "the agent looks at a group once",
              GROUP,
              "count(Kind.HIGH); // no raise: it would have us look again at once",
              "raise(Kind.HIGH);",
              TEST + "aGroupAboveHighThatNothingCanBeReclaimedFromHoldsUpNobody"),
          of(
              "a callback is not asked about what it asks for itself",
              TREE,
              "if (!slabs.beginAskingForRoom()) { return false; } try { return"
                  + " outOfMemory.test(refusal);",
              "try { return outOfMemory.test(refusal);",
              TEST + "aCallbackThatAllocatesIsNotCalledAgain"),
          of(
              "a listener that throws misses nothing",
              TREE,
              "} catch (RuntimeException e) { // the program's; the other events are told of"
                  + " nevertheless failure = e; }",
              "} catch (RuntimeException e) { throw e; }",
              TEST + "aListenerThatThrowsMissesNothing"),
          of(
              "closing ends though the allocator was closed before",
              TREE,
              "if (slabs.isClosed()) { return; // with it",
              "if (false) { return; // with it",
              TEST + "theAllocatorMayBeClosedBeforeItsGroups"),
          // ------------------------------------------------------------ the limit
          of(
              "a full group refuses nobody who has pages in stock",
              GROUP,
              "return counter.usage() + pages > counter.max() && !tree.stock.hasPages(payer.css,"
                  + " pages);",
              "return counter.usage() + pages > counter.max();",
              LIMIT + "aFullGroupServesFromTheCallersStock"),
          of(
              "the full mark is no more than a hint where to look",
              GROUP,
              "return counter.usage() + pages > counter.max() && !tree.stock.hasPages(payer.css,"
                  + " pages);",
              "return true;",
              LIMIT + "theFullMarkRefusesNothingThatFits"),
          of(
              "where there is no room nobody looks again at once",
              GROUP,
              "if (!tree.isReclaiming() && !by.isKnownToBeFull(pages)) {",
              "if (!tree.isReclaiming()) {",
              LIMIT + "whoIsRefusedAgainAndAgainDisturbsNobody"),
          of(
              "after ten milliseconds it is looked for room again",
              GROUP,
              "&& System.nanoTime() - fruitlessSince < FRUITLESS_NANOS;",
              ";",
              LIMIT + "whereThereWasNoRoomItIsLookedForAgainAfterTenMilliseconds"),
          of(
              "the name of a closed group is free",
              GROUP,
              "parent.byName.remove(name);",
              "",
              "memcg.BadInputTest#aClosedGroupGetsNoLimits"),
          of(
              "the tree has a bound, for some of its methods call themselves",
              GROUP,
              "if (depth() == MAX_DEPTH) {",
              "if (depth() > MAX_DEPTH) {",
              "memcg.BadInputTest#aPathHasAtMost64Names"),
          of(
              "whoever insists has the level held until it tries again",
              GROUP,
              "if (gainful) { return () -> { counter.unhold(); css.put(); }; }",
              "if (gainful) { counter.unhold(); css.put(); return () -> {}; }",
              LIMIT + "whoHasMadeRoomKeepsItUntilItWasTriedAgain"),
          of(
              "an ancestor that refuses the second time is drained too",
              GROUP,
              "gainful = attempt == 0 || gained > 0 && attempt < MAX_FRUITLESS;",
              "gainful = attempt == 0;",
              LIMIT + "whoInsistsDrainsAsFarUpAsItIsRefused"),
          of(
              "leaks: a page that a sample does not get is no refusal",
              GROUP,
              "if (silently) {",
              "if (false) {",
              "memcg.group.LeaksTest#aPageThatTheSampleDoesNotGetIsNoRefusal"));
}
