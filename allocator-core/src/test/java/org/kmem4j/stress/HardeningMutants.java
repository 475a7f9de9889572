package org.kmem4j.stress;

import static org.kmem4j.stress.Mutant.of;

import java.util.List;

/** The rules of hardened caches. */
final class HardeningMutants {
  private static final String GUARD = "slab/Guard.java";
  private static final String LIST = "slab/PartialList.java";
  private static final String SLABS = "slab/CacheSlabs.java";
  private static final String TEST = "slab.HardeningTest#";

  private HardeningMutants() {}

  static final List<Mutant> ALL =
      List.of(
          of(
              "hardened: a free object has its key",
              GUARD,
              "if (Memory.getLong(object + KEY) == key) {",
              "if (key == 1) {",
              TEST + "aSecondFreeByAnotherThreadIsRefused"),
          of(
              "hardened: without room for a key the mark tells",
              GUARD,
              "if (hasMarks && !isInUse(object)) {",
              "if (hasKeys && !isInUse(object)) {",
              TEST + "aSecondFreeByAnotherThreadIsRefused"),
          of(
              "hardened: who is handed an object finds no key in it",
              GUARD,
              "if (onlyKeys) { Memory.putLong(object + KEY, 0); } else {",
              "if (!onlyKeys) {",
              TEST + "aPinnedThreadIsRefusedToo"),
          of(
              "hardened: a slab takes back only what it has given",
              GUARD,
              "if (Memory.getByte(mark(object)) != (hasKeys || fromUse ? IN_USE : IN_SHEAF)) {",
              "if (false) {",
              TEST + "ofCopiesInTwoSheavesTheSecondThatReturnsIsFound"),
          of(
              "hardened: a slab does not take back what is in a sheaf",
              GUARD,
              "if (fromUse && hasKey(object)) {",
              "if (false) {",
              TEST + "whatIsInASheafIsRefusedByItsSlab"),
          of(
              "hardened: of several that the stack's end leaves behind none is lost",
              GUARD,
              "static final int STRAYS = 64;",
              "static final int STRAYS = 1;",
              "stress.StackOverflowTest#ofAHardenedCacheAgainAndAgain"),
          of(
              "hardened: a slab gives only what it has",
              GUARD,
              "if (Memory.getByte(mark(object)) != IN_SLAB) {",
              "if (false) {",
              TEST + "aLinkThatLeadsToAnObjectInUseIsNotFollowed"),
          of(
              "hardened: what is filled into a sheaf gets its key",
              GUARD,
              "Memory.putLong(object + KEY, forUse ? 0 : object ^ keyCode);",
              "Memory.putLong(object + KEY, 0);",
              TEST + "whatIsInASheafAgainIsRefused"),
          of(
              "hardened: each free looks at the header",
              GUARD,
              "if (checksHeaders && !isHeaderSound",
              "if (stride == 0 && !isHeaderSound",
              TEST + "anOverwrittenHeaderIsFoundByTheNextFree"),
          of(
              "hardened: at its beginning too",
              GUARD,
              "return Slab.cache(slab) == address && Memory",
              "return Memory",
              TEST + "anOverwrittenHeaderIsFoundByTheNextFree"),
          of(
              "hardened: links are encoded by their place",
              LIST,
              "return (linkCode ^ place * 0x9e3779b1 >>> 16) & 0xffff;",
              "return (linkCode ^ place * 0) & 0xffff;",
              TEST + "aLinkThatWasCopiedFromAnotherObjectIsHardlyEverOne"),
          of(
              "hardened: new slabs are shuffled",
              SLABS,
              "list.shuffle(slab);",
              "",
              TEST + "aNewSlabHandsItsObjectsOutInRandomOrder"),
          of(
              "hardened: what was popped is zeroed",
              GUARD,
              "if (zeroesTaken) {",
              "if (false) {",
              TEST + "initOnAllocHandsOutZeroes"),
          of(
              "hardened: what is taken without a front is zeroed",
              SLABS,
              "if (zeroesTaken()) {",
              "if (false) {",
              TEST + "initOnAllocHandsOutZeroes"),
          of(
              "hardened: large blocks are zeroed",
              "slab/LargeBlocks.java",
              "if (slabs.settings().hardening().initOnAlloc()) {",
              "if (false) {",
              TEST + "initOnAllocHandsOutZeroes"),
          of(
              "hardened: what is freed is zeroed",
              GUARD,
              "if (zeroesFreed) {",
              "if (false) {",
              TEST + "initOnFreeLeavesNothingBehindAndHandsOutZeroes"),
          of(
              "hardened: links are wiped",
              LIST,
              "if (wipesLinks) {",
              "if (false) {",
              TEST + "initOnFreeLeavesNothingBehindAndHandsOutZeroes"),
          of(
              "hardened: pages that go back are zeroed",
              SLABS,
              "if (hardening.initOnFree()) {",
              "if (false) {",
              TEST + "whatAConstructorMadeIsLeftAloneUntilItsPagesGoBack"));
}
