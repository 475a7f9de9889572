package org.kmem4j.stress;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;

/** The rules of caches that debug, and of what is found in any. */
final class DebugMutants {
  private static final String DEBUG = "slab/SlabDebug.java";
  private static final String TEST = "slab.DebugTest#";

  private DebugMutants() {}

  static final List<Mutant> ALL =
      List.of(
          of(
              "a slab to which more comes back than was out is frozen",
              "slab/PartialList.java",
              "if (before < count) {",
              "if (false) {",
              "slab.CorruptionTest#aSecondFreeThatComesBackAloneFreezesTheSlab"),
          of(
              "debug: a zone lies before each object",
              DEBUG,
              "reports = reported(reports, before, slab, index, repair);",
              "",
              TEST + "aLongUnderflowOfTheFirstObjectHarmsNothingElse"),
          of(
              "debug: a zone lies behind each object",
              DEBUG,
              "reports = reported(reports, behind, slab, index, repair);",
              "",
              TEST + "clobberZone"),
          of(
              "debug: a slab in which something was overwritten is frozen",
              DEBUG,
              "fault.repair(); list.freezeDamaged(slab);",
              "fault.repair();",
              TEST + "aLongUnderflowOfTheFirstObjectHarmsNothingElse"),
          of(
              "debug: what is found is put right, so that it is reported once",
              DEBUG,
              "fault.repair(); list.freezeDamaged(slab);",
              "list.freezeDamaged(slab);",
              TEST + "clobberZone"),
          of(
              "debug: free memory is looked at when it is allocated",
              DEBUG,
              "CorruptionException damage = check(slab, index); if (damage != null) {"
                  + " list.putBack",
              "CorruptionException damage = null; if (damage != null) { list.putBack",
              TEST + "aWriteBeforeTheFirstAllocationIsFoundThere"),
          of(
              "debug: what a constructor made is not poisoned",
              DEBUG,
              "options.debugs(Debug.POISON) && options.constructor() == null;",
              "options.debugs(Debug.POISON);",
              TEST + "aConstructorsWorkIsNotPoisoned"),
          of(
              "debug: the zone begins behind what was asked for",
              DEBUG,
              "setState(slab, index, SPARE.set(state(slab, index), objectBytes - bytes));",
              "",
              TEST + "kmallocRedzoneAccess"),
          of(
              "debug: an object changes hands under the lock",
              DEBUG,
              "synchronized long take(",
              "long take(",
              TEST + "whileOthersAllocateAndFreeThereIsNothingToReport"),
          of(
              "debug: of several who free an object one succeeds",
              DEBUG,
              "if (TAKEN.get(state) == 0) {",
              "if (state == 0) {",
              TEST + "ofManyWhoFreeAnObjectOneSucceeds"),
          of(
              "debug: with F each free looks at the freelist",
              DEBUG,
              "consistency ? inspectSlab(slab, true) : List.of();",
              "List.of();",
              TEST + "aFreelistThatLeadsAstrayIsFoundAtTheNextFree"),
          of(
              "debug: a slab's count is compared with its freelist",
              "slab/PartialList.java",
              "recount(slab, free, repair, reports);",
              "",
              TEST + "nextPointer"),
          of(
              "debug: a freelist that runs in a ring is cut",
              "slab/PartialList.java",
              "setAside(slab); cut(slab, last);",
              "setAside(slab);",
              TEST + "aFreelistThatRunsInARingIsFound"),
          of(
              "debug: a slab that is given back is looked at",
              "slab/CacheSlabs.java",
              "debug == null ? List.of() : debug.inspect(slab, false);",
              "List.of();",
              TEST + "damageInASlabThatIsGivenBackIsReported"),
          of(
              "debug: the order in a header is compared with the page map's",
              "slab/CacheSlabs.java",
              "&& Slab.order(slab) == PageMap.order(entry) && Slab.id(slab) =="
                  + " PageMap.cacheId(entry);",
              ";",
              TEST + "anOverwrittenOrderLeadsNobodyOutOfTheSlab"),
          of(
              "debug: who finds a header overwritten freezes its slab",
              "slab/CacheSlabs.java",
              "if (debug != null) { debug.freezeOverwritten(slab); }",
              "",
              TEST + "aSlabWithAnOverwrittenHeaderLeavesItsNeighboursOnTheirLists"),
          of(
              "debug: zones are written behind the zeroes of a new slab",
              "slab/CacheSlabs.java",
              "if (debug != null) { debug.prepare(slab); // behind the zeroes, for it writes red"
                  + " zones }",
              "if (debug != null && !hardening.initOnAlloc()) { debug.prepare(slab); }",
              TEST + "aConstructorsZoneIsThereThoughItsMemoryIsZeroed"),
          of(
              "debug: what a destroyed cache leaves behind is told object by object",
              DEBUG,
              "reports.addAll(leftoversOf(slab));",
              "",
              TEST + "leakDestroy"),
          of(
              "debug: the allocator's own frames are no call site",
              "slab/Tracks.java",
              "frames.dropWhile(Tracks::isOurs).limit(DEPTH)",
              "frames.limit(DEPTH)",
              "slab.TrackTest#everyLiveObjectIsToldWithItsAllocation"));
}
