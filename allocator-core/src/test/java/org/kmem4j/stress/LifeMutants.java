package org.kmem4j.stress;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;

/** The rules by which caches and references end. */
final class LifeMutants {
  private static final String REF = "sync/PercpuRef.java";
  private static final String REF_TEST = "sync.PercpuRefTest#";
  private static final String CACHE = "slab/OwnedCache.java";
  private static final String FRONTS = "slab/CacheFronts.java";
  private static final String STEPS = "slab/Retirement.java";
  private static final String TEST = "slab.RetirementTest#";

  private LifeMutants() {}

  static final List<Mutant> ALL =
      List.of(
          // ------------------------------------------------------------ references
          of(
              "the central count is biased until the cells are summed",
              REF,
              "if (before + count == 0) {",
              "if (before + count == 0 || before + count == BIAS) {",
              REF_TEST + "putsThatGoToTheCentralCountAloneDoNotRelease"),
          of(
              "cells are summed",
              REF,
              "long[] mine = cells; addToCentral(",
              "long[] mine = null; addToCentral(",
              REF_TEST + "cellsSurviveTheAdoptionOfTheirSlot"),
          of(
              "once killed, no cell changes",
              REF,
              "if (killed || index >= mine.length) {",
              "if (index >= mine.length) {",
              REF_TEST + "cellsSurviveTheAdoptionOfTheirSlot"),
          of(
              "whose slot is younger than the cells has none",
              REF,
              "if (killed || index >= mine.length) {",
              "if (killed) {",
              REF_TEST + "whoseSlotIsYoungerThanTheCellsUsesTheCentralCount"),
          of(
              "counting leaves an open section open",
              REF,
              "if (Rcu.isInSection(slot)) {",
              "if (false) {",
              REF_TEST + "aSectionThatIsOpenStaysOpen"),
          of(
              "what is released is not to be had",
              REF,
              "if (count == 0) { return false; }",
              "",
              REF_TEST + "theLastPutReleasesOnceAndNothingIsToBeHadAfterwards"),
          of(
              "what is killed is not alive",
              REF,
              "if (killed || !tryGet()) { return false; } if (killed) {",
              "if (!tryGet()) { return false; } if (false) {",
              REF_TEST + "aKilledReferenceIsToBeHadStillButNotAlive"),
          // ------------------------------------------------------------ the end of a cache
          of(
              "whoever has read active has attached its front before fronts are unlinked",
              STEPS,
              "queue().addAfterGracePeriod(this); return true;",
              "queue().add(this); return true;",
              TEST + "aFastPathMayBeHeldBetweenLookupAndPopAcrossTheWholeEnd"),
          of(
              "a number serves another only after a grace period",
              STEPS,
              "cache.state = next; queue().addAfterGracePeriod(this);",
              "cache.state = next; queue().add(this);",
              TEST + "theNumberServesAnotherOnlyAfterAGracePeriod"),
          of(
              "a slow path drops the empty slabs that it leaves behind",
              CACHE,
              "if (state != State.ACTIVE) { dropEmpty();",
              "if (false) { dropEmpty();",
              TEST + "aPrewarmThatRunsWhileTheCacheEndsLeavesNothingBehind"),
          of(
              "a cache that ends keeps nothing for a prewarm",
              "slab/PartialList.java",
              "keepFree = ended ? 0 : Math.max(keepFree, count);",
              "keepFree = Math.max(keepFree, count);",
              TEST + "aPrewarmThatRunsWhileTheCacheEndsLeavesNothingBehind"),
          of(
              "who only reads numbers touches no page",
              CACHE,
              "final void leaveUntouched() { ref.put(1); }",
              "final void leaveUntouched() { leave(); }",
              TEST + "whoOnlyLooksAtNumbersTouchesNoPage"),
          of(
              "a cache is in the books before anybody may retire it",
              "slab/Slabs.java",
              "cache.account.link( cache, () -> { cache.linked = true; try { remember(cache);"
                  + " makeVisible.run(); } catch (OutOfMemoryError e) { cache.linked = false; //"
                  + " nobody has found it, and the account takes it off its books throw e; } });",
              "cache.linked = cache.account.link(cache, () -> { remember(cache);"
                  + " makeVisible.run(); });",
              TEST + "aCacheThatEndsBeforeItsAccountHasReturnedIsUnlinkedAllTheSame"),
          of(
              "a child that is made while its root is destroyed ends",
              "slab/KmemCache.java",
              "if (published != fresh || isRetired() || root.isRetired()) {",
              "if (published != fresh) {",
              TEST + "aChildThatIsMadeWhileItsRootIsDestroyedEndsToo"),
          of(
              "a child that could not be published ends",
              "slab/KmemCache.java",
              "if (published != fresh || isRetired() || root.isRetired()) {",
              "if (isRetired()) {",
              TEST + "anAccountThatThrowsLeavesNoChildBehind"),
          of(
              "damage elsewhere does not stop a drain",
              "slab/KmemCache.java",
              "try { slabs.deferred().finishElapsed(); // which may report damage of whatever cache"
                  + " } finally { try { fronts.closeBarn(); } finally { store.keepNoEmpties(); } }",
              "slabs.deferred().finishElapsed(); fronts.closeBarn(); store.keepNoEmpties();",
              TEST + "damageElsewhereDoesNotKeepACacheAlive"),
          of(
              "an ended cache's handle finds the one that serves now",
              "slab/KmemCache.java",
              "root.children.remove(account, this);",
              "",
              TEST + "aHandleThatOutlivesItsCacheServesByAnother"),
          of(
              "a child refers to its root",
              "slab/KmemCache.java",
              "root.addReferences(1); // the new one's, until it is released",
              "",
              TEST + "aCacheThatIsEmptyEndsByItself"),
          of(
              "numbers that were about to be free are free after close",
              STEPS,
              "if (cache.state == State.EMPTY) {",
              "if (false) {",
              TEST + "numbersThatWereAboutToBeFreeAreFreeWhenTheAllocatorCloses"),
          of(
              "a binding counts in its own allocator",
              "slab/KmemCache.java",
              "&& bound.paysIn(slabs)",
              "",
              TEST + "anAccountOfAnotherAllocatorIsRefusedAndABindingToItDoesNotCount"),
          of(
              "a step that throws does not hold up the others",
              "sync/GraceQueue.java",
              "failure = e;",
              "throw e;",
              "sync.GraceQueueTest#aStepThatThrowsDoesNotHoldUpTheOthers"),
          of(
              "a number from the page map is compared inside the section",
              "sync/Front.java",
              "pushed = number == owner.link() && push(slot.link(number), object);",
              "pushed = push(slot.link(number), object);",
              "sync.FrontTest#aNumberThatIsTheOwnersNoMoreTakesNothing"),
          of(
              "suspending a pin makes no slot",
              "slab/KmemCache.java",
              "Slot slot = PerThread.existing(); // no new one: that would probe the stack, and"
                  + " may throw",
              "Slot slot = PerThread.find();",
              "slab.KmemCacheTest#aThreadThatUsesNoFrontGetsNoSlot"),
          // ------------------------------------------------------------ barns
          of(
              "a barn is emptied to the last sheaf, whatever damage comes to light",
              FRONTS,
              "damage = e; } catch (OutOfMemoryError",
              "throw e; } catch (OutOfMemoryError",
              TEST + "aDamagedSheafInItsBarnDoesNotKeepACacheAlive"),
          of(
              "what was taken is free again if its taker is told of damage",
              "slab/KmemCache.java",
              "if (!done && taken > 0) { free(taken); }",
              "assert done || taken > 0;",
              TEST + "whatWasTakenIsFreeAgainIfDamageComesToLightBeforeItIsHandedOut"),
          of(
              "a barn gives up empty sheaves that nobody needs",
              FRONTS,
              "takeOut(barn.unneeded(), barn.unneededEmpty());",
              "takeOut(barn.unneeded(), 0);",
              "slab.BarnTest#aCacheThatTricklesAfterABurstGivesTheBudgetBack"),
          of(
              "a barn gives up room that nobody needs",
              "slab/Barn.java",
              "max -= halfAbove(Math.max(least, mostFull - unneeded), max);",
              "",
              "slab.BarnTest#roomThatNobodyNeedsIsGivenUpByHalves"));
}
