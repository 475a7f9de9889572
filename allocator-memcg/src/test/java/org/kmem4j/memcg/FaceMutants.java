package org.kmem4j.memcg;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;
import org.kmem4j.stress.Mutant;

/** The rules of limits from properties, and of statistics. */
final class FaceMutants {
  private static final String RULES = "memcg/LimitRules.java";
  private static final String GROUP = "memcg/group/MemCgroup.java";
  private static final String LIMITS_TEST = "memcg.LimitsTest#";
  private static final String STATISTICS_TEST = "memcg.StatisticsTest#";

  private FaceMutants() {}

  static final List<Mutant> ALL =
      List.of(
          of(
              "an exact path beats a pattern",
              RULES,
              "Comparator.comparingInt(Rule::writer).thenComparing(Rule::exactness)",
              "Comparator.comparingInt(Rule::writer)",
              LIMITS_TEST + "anExactPathBeatsAPatternAndMoreNamesBeatFewer"),
          of(
              "the last writer at run time beats all",
              RULES,
              "Comparator.comparingInt(Rule::writer).thenComparing(Rule::exactness)",
              "Comparator.comparing(Rule::exactness)",
              LIMITS_TEST + "ofTwoPatternsThatOverlapTheLastWritersCounts"),
          of(
              "no two rules give a group a min above its max",
              RULES,
              "result.checkPairs();",
              "",
              LIMITS_TEST + "aBadPairIsRefusedThoughNoGroupHasItYet"),
          of(
              "a set of limits is checked against every group before one is stored",
              "memcg/group/GroupTree.java",
              "group.checkLimits(some);",
              "",
              LIMITS_TEST + "aSetThatWouldBeBadForOneGroupChangesNone"),
          of(
              "a max below usage is enforced at once",
              GROUP,
              "enforceLimits(); return this;",
              "return this;",
              "memcg.BadInputTest#aMaxBelowUsageHoldsAtOnce"),
          of(
              "T-7, T-19: what is inherited counts where the owner word leads",
              GROUP,
              "if (cache instanceof KmemCache slabs) {",
              "if (!equals(cache.account())) { continue; } if (cache instanceof KmemCache slabs) {",
              STATISTICS_TEST + "whatAGroupPaysForItselfMovesWithTheOwnership"),
          of(
              "T-8: what is inherited counts once",
              GROUP,
              "sum = sum.plus(group.ownStat());",
              "sum = sum.plus(group.ownStat()); if (!group.isOnline()) {"
                  + " sum = sum.plus(ownStat()); }",
              STATISTICS_TEST + "whatAParentCountsIsExactAfterManyGroupsHaveComeAndGone"),
          of(
              "T-26: inherited caches are labelled",
              "memcg/group/SlabInfo.java",
              "boolean inherited = !payer.equals(cache.account());",
              "boolean inherited = false;",
              STATISTICS_TEST + "inheritedCachesAreLabelled"),
          of(
              "a reset of one reader's peak is no other's",
              "memcg/group/PeakReader.java",
              "highest = Math.max(highest, since.highest);",
              "",
              STATISTICS_TEST + "eachReaderOfAPeakIsResetByItself"),
          of(
              "who reads statistics waits for no lock of the tree",
              GROUP,
              "return List.copyOf(owned());",
              "synchronized (tree.lock) { return List.copyOf(owned()); }",
              "memcg.group.StatisticsWithoutLocksTest"
                  + "#everythingIsReadWhileTheLocksOfTheTreeAreHeld"));
}
