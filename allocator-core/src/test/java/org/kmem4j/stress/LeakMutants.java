package org.kmem4j.stress;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;

/** The rules of sampled tracking. */
final class LeakMutants {
  private static final String CACHE = "slab/KmemCache.java";
  private static final String TEST = "slab.LeakTest#";

  private LeakMutants() {}

  static final List<Mutant> ALL =
      List.of(
          of(
              "leaks: objects that leave slabs are counted",
              CACHE,
              "untilSample -= count;",
              "",
              TEST + "aPlantedLeakIsFoundWithItsLine"),
          of(
              "leaks: those that come and go are not",
              CACHE,
              "untilSample > 0 || taken == 0 ? taken",
              "tracked == null || taken == 0 ? taken",
              TEST + "objectsThatComeAndGoAreNotSampled"),
          of(
              "leaks: the object that a tracked one stands in for is given back",
              CACHE,
              "try { fronts.put(object); } catch",
              "try { slabs.checkOpen(); } catch",
              TEST + "manyThreadsSampleWithoutLosingAnything"),
          of(
              "leaks: whatever is thrown instead of a sample, no object is lost",
              CACHE,
              "fronts.put(object); throw e;",
              "throw e;",
              TEST + "whatAConstructorThrowsAtTheSampleIsThrownAndNothingLost"),
          of(
              "leaks: zeroes reach to the end of a tracked object",
              "slab/CacheSlabs.java",
              "return options.debugs(Debug.RED_ZONE) ?",
              "return options.debugs() ?",
              TEST + "zeroesReachToTheEndOfWhatTheProgramMayUse"),
          of(
              "leaks: who pays for a cache pays for its sample",
              CACHE,
              "root, account, this);",
              "root, null, this);",
              TEST + "theAccountPaysForItsSample"),
          of(
              "leaks: a cache that ends takes its sample along",
              CACHE,
              "cache == this || cache.trackedFor == this || root",
              "cache == this || root",
              TEST + "aChildThatEndsTakesItsSampleAlong"),
          of(
              "leaks: an ended sample is made anew",
              CACHE,
              "trackedFor.tracked.compareAndSet(this, null);",
              "",
              TEST + "aSampleThatEndedIsMadeAnew"),
          of(
              "leaks: untracked objects are shared out",
              "slab/LeakReport.java",
              "1 + (double) cache.untrackedObjects() / sampled;",
              "1;",
              TEST + "aPlantedLeakIsFoundWithItsLine"),
          of(
              "leaks: with one in one every cache tracks",
              "slab/Slabs.java",
              "if (settings.leaks() != 1) {",
              "if (true) {",
              TEST + "withOneInOneEverythingIsTracked"));
}
