package org.kmem4j.stress;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One rule taken out of the sources, and the test that fails without it.
 *
 * @param rule what the design says, in short
 * @param file the source, below {@code org/kmem4j}
 * @param find the text that is replaced; it occurs once, white space aside
 * @param test class, or class and method with # between, below {@code org.kmem4j}
 * @param flags of the JVM that runs the test
 */
public record Mutant(
    String rule, String file, String find, String replace, String test, List<String> flags) {

  private static final String EXIT_INTERPRETED =
      "-XX:CompileCommand=exclude,org.kmem4j.sync.Rcu::exit";

  private static final String MANY_GRACE_PERIODS = "-Dkmem4j.rcu.maxPerSecond=1000000";

  public static Mutant of(
      String rule, String file, String find, String replace, String test, String... flags) {
    return new Mutant(rule, file, find, replace, test, List.of(flags));
  }

  /** The source without the rule. */
  public String apply(String source) {
    String anySpace =
        Arrays.stream(find.strip().split("\\s+"))
            .map(Pattern::quote)
            .collect(Collectors.joining("\\s+"));
    Matcher matcher = Pattern.compile(anySpace).matcher(source);
    long found = matcher.results().count();
    if (found != 1) {
      throw new IllegalStateException(
          "\"" + find.strip() + "\" occurs " + found + " times in " + file + ", expected once");
    }
    return matcher.reset().replaceFirst(Matcher.quoteReplacement(replace));
  }

  @Override
  public String toString() {
    return rule;
  }

  static final List<Mutant> ALL =
      List.of(
          // ------------------------------------------------------------ section 3: addresses
          of(
              "foreign memory is never read: one compare before the map",
              "page/PageMap.java",
              "return page >>> REGION_SHIFT < regions.length ? ",
              "return page != -1 ? ",
              "stress.WildAddressTest#anAddressThatIsNotOursIsRefusedAndNotRead"),
          of(
              "the compare is of the whole page number",
              "page/PageMap.java",
              "return page < some.length ? ",
              "return (page & 0xffff_ffffL) < some.length ? ",
              "page.PageMapTest#anAddressFarAwayIsOfNoPage"),
          of(
              "the page map answers, the page itself is not read",
              "slab/KmemCache.java",
              "return entry == pageEntry &&",
              "return Slab.cache(object & -4096L) == address &&",
              "stress.WildAddressTest#anAddressThatIsNotOursIsRefusedAndNotRead"),
          of(
              "structs lie in a range of their own, in no page",
              "slab/OwnedCache.java",
              "slabs.metadata().tryAllocate(structBytes) : 0;",
              "slabs.pages().tryAllocateLarge(1, 1) : 0;",
              "slab.StructRangeTest#theStructOfACacheLiesOutsideAllPages"),
          of(
              "a header is checked before objects return to its slab",
              "slab/CacheSlabs.java",
              "return PageMap.isSlab(entry) && Slab.cache(slab) == address && Memory.getLong(slab +"
                  + " Slab.COOKIE) == cookie && Slab.order(slab) == PageMap.order(entry) &&"
                  + " Slab.id(slab) == PageMap.cacheId(entry);",
              "return true;",
              "stress.WildAddressTest#anOverwrittenHeaderIsReportedAndNotFollowed"),
          of(
              "a link in a free object is checked before it is followed",
              "slab/PartialList.java",
              "if (link != Slab.NONE && link >= Slab.CARVED.get(Memory.getLong(slab + Slab.HEAD)))"
                  + " {",
              "if (link == -1) {",
              "stress.WildAddressTest#anOverwrittenLinkIsReportedAndNotFollowed"),
          of(
              "free checks its slab: an object of another cache is refused",
              "slab/KmemCache.java",
              "return entry == pageEntry &&",
              "return PageMap.isSlab(entry) &&",
              "stress.WildAddressTest#anObjectOfAnotherCacheIsRefused"),
          of(
              "free checks that an object begins at the address",
              "slab/KmemCache.java",
              "return entry == pageEntry && beginsUsualObject(object);",
              "return entry == pageEntry;",
              "stress.WildAddressTest#theInsideOfAnObjectIsRefused"),
          of(
              "of several who free a large block one succeeds",
              "page/PageMap.java",
              "return Memory.casLong(frames + page * FRAME_BYTES + PAGES, pages, 0);",
              "Memory.putLong(frames + page * FRAME_BYTES + PAGES, 0); return true;",
              "page.LargeBlockTest#ofTwoWhoHaveSeenItsLengthOneTakesABlock"),
          of(
              "of several who free a large block one succeeds, by a race",
              "page/PageMap.java",
              "return Memory.casLong(frames + page * FRAME_BYTES + PAGES, pages, 0);",
              "if (largePages(page) != pages) { return false; }"
                  + " Memory.putLong(frames + page * FRAME_BYTES + PAGES, 0); return true;",
              "page.LargeBlockTest#ofTwoWhoTakeABlockAtTheSameTimeOneSucceeds"),
          // ------------------------------------------------------------ section 3: fronts
          of(
              "a requested drain forbids attaching",
              "sync/Front.java",
              "slot.casLink(owner.link(), DETACHED, sheaf);",
              "slot.casLink(owner.link(), slot.linkVolatile(owner.link()), sheaf);",
              "sync.FrontTest#aDrainThatWasRequestedMeanwhileForbidsAttaching"),
          of(
              "the link changes only by CAS: detaching",
              "sync/Front.java",
              "if (slot.casLink(owner.link(), sheaf, DETACHED)) {",
              "slot.casLink(owner.link(), slot.linkVolatile(owner.link()), DETACHED); if (true) {",
              "sync.FrontTest#everyFrontThatWasAttachedIsTakenByExactlyOne"),
          of(
              "a drainer takes only what its own CAS removed",
              "sync/Front.java",
              "if (slot.casLink(owner.link(), sheaf, next)) {",
              "slot.casLink(owner.link(), sheaf, next); if (true) {",
              "sync.FrontTest#everyFrontThatWasAttachedIsTakenByExactlyOne"),
          of(
              "a drainer leaves a request where a front is detached",
              "sync/Front.java",
              "Sheaf next = sheaf == DETACHED ? DRAIN : null;",
              "if (sheaf == DETACHED) { return null; } Sheaf next = null;",
              "sync.FrontTest#aDrainThatWasRequestedMeanwhileForbidsAttaching"),
          of(
              "a drainer waits for a grace period before it touches a front",
              "sync/Deferred.java",
              "if (item == null || !Rcu.hasElapsed(item.snapshot)) {",
              "if (item == null) {",
              "sync.DeferredTest#whatASectionMayStillUseIsFinishedLater"),
          of(
              "the same, by the litmus",
              "sync/Deferred.java",
              """
              if (size() > 0) {
                Rcu.synchronize(maxNanos);
              }
              finishElapsed();
              """,
              """
              for (Item item = head; item != null; item = item.next) {
                item.snapshot = 0;
              }
              finishElapsed();
              """,
              "sync.HandoutLitmusTest#noObjectIsHandedOutTwiceForLong",
              MANY_GRACE_PERIODS),
          of(
              "a page list that waits for its grace period is not lost",
              "sync/AllFronts.java",
              "waiting.add(item.front);",
              "",
              "page.PageAllocatorTest#aListThatWaitsForAGracePeriodIsFreeMemoryToo"),
          of(
              "what lies beside the array of a front that was taken is not lost",
              "sync/AllFronts.java",
              "front.settle();",
              "",
              "stress.ExhaustedBudgetTest#noObjectIsHandedOutTwice"),
          of(
              "what lies beside the array of a detached front is not lost",
              "sync/Front.java",
              "if (sheaf != null) { sheaf.settle(); } return sheaf;",
              "return sheaf;",
              "sync.FrontTest#howeverMuchAFrontHoldsAllOfItIsThereOnceItIsDetached"),
          of(
              "a front that could not be attached is whole",
              "sync/Front.java",
              "if (!attached && sheaf != null) { sheaf.settle(); }",
              "",
              "sync.FrontTest#aDrainThatWasRequestedMeanwhileForbidsAttaching"),
          of(
              "a front is attached only where fronts are allowed",
              "sync/Front.java",
              "attached = allowed.getAsBoolean() && slot.casLink",
              "attached = slot.casLink",
              "sync.FrontTest#aFrontThatIsForbiddenStaysWithItsOwner"),
          of(
              "a front is attached only inside a section",
              "sync/Front.java",
              """
              Rcu.enter(slot);
              try {
                attached = allowed.getAsBoolean() && slot.casLink(owner.link(), DETACHED, sheaf);
              } finally {
                Rcu.exit(slot);
              }
              """,
              "attached = allowed.getAsBoolean() && slot.casLink(owner.link(), DETACHED, sheaf);",
              "sync.FrontTest#whetherAFrontIsAllowedIsAskedInsideASection"),
          of(
              "what others are finishing is awaited before a cache is counted",
              "sync/Deferred.java",
              "item.running = true;",
              "item.running = true; remove(item);",
              "sync.DeferredTest#whatAnotherThreadIsFinishingIsNotFinishedYet"),
          of(
              "a sheaf is in one place, though the budget be exhausted",
              "slab/CacheFronts.java",
              "main.setSpare(null); // it is the barn's now, and the budget may refuse another",
              "",
              "stress.ExhaustedBudgetTest#noObjectIsHandedOutTwice"),
          of(
              "a cache does not end while others look after it",
              "slab/OwnedCache.java",
              "if (!ref.tryGet()) { return false; } if (state != State.ACTIVE) {",
              "if (state == State.ACTIVE) { return true; } if (state != State.ACTIVE) {",
              "stress.SharedCachesTest#cachesComeAndGoAtTheCeiling"),
          of(
              "of two who destroy a cache one succeeds",
              "slab/Retirement.java",
              "if (!cache.tryRetire()) { return false; }",
              "cache.tryRetire();",
              "stress.SharedCachesTest#ofTwoWhoDestroyACacheOneSucceeds"),
          // ------------------------------------------------------------ section 4: readers,
          // writers
          of(
              "a writer waits for the sections that are running",
              "sync/Rcu.java",
              "return entered == 0 || entered >= number;",
              "return true;",
              "sync.RcuTest#aRunningSectionIsAwaited"),
          of(
              "the word is a number, not a flag",
              "sync/Rcu.java",
              "return entered == 0 || entered >= number;",
              "return entered == 0;",
              "sync.RcuTest#aWriterIsNotHeldUpByAReaderThatHardlyEverLeaves"),
          of(
              "a membarrier between the writer's number and its look at the slots",
              "sync/Rcu.java",
              "if (!FENCE && !interruptAll(start, maxNanos)) { return false; }",
              "",
              "sync.RcuLitmusTest#nothingIsReusedWhileASectionUsesItForLong",
              MANY_GRACE_PERIODS),
          of(
              "whatever is thrown ends the section",
              "sync/Front.java",
              "// no finally that calls exit: see Rcu slot.fence = 0; slot.word = 0;",
              "",
              "sync.FrontTest#whateverIsThrownInASectionEndsIt"),
          of(
              "a section ends where no stack is left to call anything",
              "sync/Front.java",
              "// no finally that calls exit: see Rcu slot.fence = 0; slot.word = 0;",
              "Rcu.exit(slot);",
              "sync.SectionOverflowTest#aStackOverflowInASectionEndsIt",
              "-XX:-TieredCompilation",
              EXIT_INTERPRETED),
          of(
              "what was popped is returned, though the section's end was thrown out of",
              "sync/Front.java",
              "if (object == 0) { throw e; }",
              "throw e;",
              "sync.SectionOverflowTest#aStackOverflowInASectionEndsIt",
              "-XX:-TieredCompilation",
              EXIT_INTERPRETED),
          of(
              "what was pushed is not pushed again, though the section's end was thrown out of",
              "sync/Front.java",
              "pushed = pushPinned(slot, owner, object); Rcu.exit(slot); } catch (Throwable e) {"
                  + " slot.fence = 0; slot.word = 0; if (!pushed) { throw e; }",
              "pushed = pushPinned(slot, owner, object); Rcu.exit(slot); } catch (Throwable e) {"
                  + " slot.fence = 0; slot.word = 0; throw e;",
              "sync.SectionOverflowTest#aStackOverflowInASectionEndsIt",
              "-XX:-TieredCompilation",
              EXIT_INTERPRETED),
          of(
              "slow paths probe the stack before they change anything",
              "sync/StackProbe.java",
              "sixKibibytes(); }",
              "}",
              "stress.StackOverflowTest#ofLargeBlocks"),
          of(
              "a probe asks for as much stack when it is compiled",
              "sync/StackProbe.java",
              "sixKibibytes(); }",
              "descend(40); } static int descend(int d) { return d == 0 ? never : descend(d - 1);"
                  + " }",
              "sync.StackProbeTest#whereItReturnsThereIsRoomForASlowPath"),
          // ------------------------------------------------------------ section 4: slots
          of(
              "a new slot is seen by every later grace period",
              "sync/Rcu.java",
              "int count = PerThread.slotCount();",
              "int count = lastCount; lastCount = PerThread.slotCount();",
              "sync.RcuTest#theFirstSectionOfABrandNewThreadIsAwaited"),
          of(
              "a slot whose thread has died is quiescent",
              "sync/Rcu.java",
              "if (PerThread.isDead(slot)) { return true; }",
              "",
              "sync.RcuTest#theSectionOfADeadThreadIsOver"),
          of(
              "a dead slot is adopted",
              "sync/PerThread.java",
              "if (isDead(slot)) { SlotWords.OWNER",
              "if (false) { SlotWords.OWNER",
              "sync.PerThreadTest#shortThreadsShareFewSlots"),
          of(
              "an adopted slot begins outside of any section",
              "sync/PerThread.java",
              "SlotWords.WORD.setVolatile(slot, 0L);",
              "",
              "sync.PerThreadTest#aThreadThatDiedInsideASectionLeavesItsHeirOutsideOfOne"),
          of(
              "an adopted slot begins without a pin",
              "sync/PerThread.java",
              "SlotWords.PIN.setVolatile(slot, 0L);",
              "",
              "sync.PerThreadTest#aThreadThatDiedInsideASectionLeavesItsHeirOutsideOfOne"),
          of(
              "an adopted slot keeps what it held",
              "sync/PerThread.java",
              "SlotWords.PIN.setVolatile(slot, 0L);",
              "SlotWords.PIN.setVolatile(slot, 0L); for (int link = 0; link < MAX_LINKS; link++) {"
                  + " slot.casLink(link, slot.linkVolatile(link), null); }",
              "sync.PerThreadTest#theSlotOfADeadThreadIsAdoptedWithWhatItHolds"),
          of(
              "a live owner is never overwritten",
              "sync/PerThread.java",
              "if (slot == null || isDead(slot) || entry != firstEntry(slot)) {",
              "if (true) {",
              "sync.PerThreadTest#twoLiveThreadsWhoseIdsCollideMakeNoNewSlots"),
          of(
              "virtual threads have no slots",
              "sync/PerThread.java",
              "if (thread.isVirtual()) { return null; }",
              "",
              "sync.PerThreadTest#virtualThreadsMakeNoSlots"),
          of(
              "a stripe has one user",
              "sync/PerThread.java",
              "&& SlotWords.LOCKED.compareAndSet(stripe, 0, 1);",
              "|| SlotWords.LOCKED.compareAndSet(stripe, 0, 1);",
              "sync.PerThreadTest#aStripeHasOneUserAndWhenAllAreBusyThereIsNone"),
          // ------------------------------------------------------------ section 4: bounds
          of(
              "a wait is bounded",
              "sync/Rcu.java",
              "if (now - start > maxNanos) { return false; }",
              "",
              "sync.RcuTest#aRunningSectionIsAwaited"),
          of(
              "an allocation waits for a pin no longer than it may",
              "slab/Slabs.java",
              "drain(snapshot(), settings.waitNanos());",
              "drain(snapshot(), Long.MAX_VALUE);",
              "stress.PinnedThreadsTest#anAllocationAtTheCeilingDoesNotWaitForAPin"),
          of(
              "who waits for itself is told",
              "sync/Rcu.java",
              "if (isReading(PerThread.existing())) { throw new IllegalStateException( \"a grace",
              "if (false) { throw new IllegalStateException(\"a grace",
              "sync.RcuTest#whoWaitsForItselfIsTold"),
          of(
              "who waits for itself is told, though its id collides",
              "sync/Rcu.java",
              "if (isReading(PerThread.existing())) { throw new IllegalStateException( \"a grace",
              "if (isReading(PerThread.current())) { throw new IllegalStateException(\"a grace",
              "sync.RcuTest#whoWaitsForItselfIsToldThoughItsIdCollides"),
          of(
              "destroy throws under a pin",
              "slab/OwnedCache.java",
              "Rcu.checkNotReading(what);",
              "",
              "stress.PinnedThreadsTest#whoIsPinnedIsToldWhenItWouldWaitForItself"),
          of(
              "close throws under a pin, before it has changed anything",
              "SlabAllocator.java",
              "slabs.checkMayEnd(\"close()\");",
              "",
              "stress.PinnedThreadsTest#whoIsPinnedIsToldWhenItWouldWaitForItself"),
          of(
              "destroy, trim and close throw in a constructor of objects",
              "slab/OwnedCache.java",
              "if (CacheSlabs.isConstructing()) {",
              "if (false) {",
              "slab.KmemCacheTest#inAConstructorNothingThatWaitsForItIsAccepted"),
          of(
              "a slow path suspends a pin",
              "slab/KmemCache.java",
              "if (slot == null || !Rcu.isPinned(slot)) { return null; }",
              "if (true) { return null; }",
              "stress.PinnedThreadsTest#atTheCeilingAPinnedThreadMakesRoomItself"),
          of(
              "waiters share grace periods",
              "sync/Rcu.java",
              """
              for (int round = 0; completed < needed; round++) {
                if (LOCK.tryLock()) {
                  try {
                    if (completed < needed && !run(start, maxNanos)) {
                      return false;
                    }
              """,
              """
              for (int round = 0; round >= 0; round++) {
                if (LOCK.tryLock()) {
                  try {
                    if (needed > 0) {
                      return run(start, maxNanos);
                    }
              """,
              "sync.RcuTest#whoWaitsAtTheSameTimeSharesAGracePeriod"),
          of(
              "grace periods are counted",
              "sync/Rcu.java",
              "return GP.getVolatile() - 1;",
              "return 0;",
              "sync.RcuTest#gracePeriodsAreSpread"),
          of(
              "grace periods are capped",
              "sync/Rcu.java",
              "inWindow >= Math.max(1, MAX_PER_SECOND / 10)",
              "inWindow < 0",
              "sync.RcuTest#gracePeriodsAreSpread"),
          of(
              "a section of over 100 ms is counted as a stall",
              "sync/Rcu.java",
              "STALLS.incrementAndGet();",
              "",
              "sync.RcuTest#aSectionThatTakesOverATenthOfASecondIsAStall"),
          of(
              "waiting for one's turn is no stall",
              "sync/Rcu.java",
              "if (now - began > STALL_NANOS && !stalled) {",
              "if (now - start > STALL_NANOS && !stalled) {",
              "sync.RcuTest#waitingForOnesTurnIsNoStall"),
          of(
              "a spin lock has one holder",
              "sync/SpinLock.java",
              "return (int) HELD.getOpaque(this) == 0 && HELD.compareAndSet(this, 0, 1);",
              "if ((int) HELD.getOpaque(this) != 0) { return false; } Thread.onSpinWait();"
                  + " HELD.setOpaque(this, 1);"
                  + " return true;",
              "sync.SpinLockTest#whatIsDoneUnderTheLockIsDoneByOneAtATime"),
          of(
              "an interrupted waiter parks nevertheless",
              "sync/SpinLock.java",
              "} else if (Thread.interrupted()) {",
              "} else if (false) {",
              "sync.SpinLockTest#interruptedWaitersLeaveTheirCarriersToTheHolder"),
          of(
              "a region that was refused is tried again, though another was opened meanwhile",
              "page/PageAllocator.java",
              "refused.set(first, first + count);",
              "",
              "SystemFaultsTest#aRegionThatWasRefusedIsNotLostThoughAnotherWasOpenedMeanwhile"),
          of(
              "a refused barrier is tried again",
              "sync/Rcu.java",
              "if (waited > REFUSED_NANOS) {",
              "if (waited > 0) {",
              "SystemFaultsTest#aRefusedBarrierIsTriedAgain"),
          of(
              "an allocator's frames are told from a program's in the same jar",
              "slab/Tracks.java",
              "return frame.getClassName().startsWith(PACKAGES) &&",
              "return",
              "FatJarTest#aStackBeginsWithTheProgramsFrames"),
          of(
              "an allocator takes no letters that went wrong for a cache's name",
              "DebugRules.java",
              "if (checks == null && looksLikeLetters(first)) {",
              "if (false) {",
              "SettingsTest#whatMayBeLettersGoneWrongIsNoName"),
          of(
              "an allocator that could not be opened leaves nothing behind",
              "SlabAllocator.java",
              "if (!done) { abandon(",
              "if (false) { abandon(",
              "SystemFaultsTest#anAllocatorThatGetsNoNumbersLeavesNothingBehind"),
          of(
              "an allocator ends, though the system refuses a barrier",
              "SlabAllocator.java",
              "} catch (OsException e) { trouble = trouble != null ? trouble : e; } finally {"
                  + " end(quiet, report); }",
              "} catch (OsException e) { throw e; } end(quiet, report);",
              "SystemFaultsTest#anAllocatorEndsThoughTheBarrierIsRefusedForLong"),
          of(
              "an allocator's memory that is locked is given back by a new mapping",
              "memory/Os.java",
              "} catch (OsException e) { // such as EINVAL: locked",
              "} finally {",
              "SystemFaultsTest#memoryThatIsLockedIsGivenBackByANewMapping"),
          of(
              "where there is no heap for a front, the budget is not used up",
              "slab/CacheFronts.java",
              "slabs.releaseFront(sheafBytes(capacity)); return null;",
              "return null;",
              "stress.FullHeapOperations#ofACacheWithFronts",
              FullHeap.FLAGS_FOR_ALL),
          of(
              "memory for a region is given back, though the heap is full",
              "page/PageAllocator.java",
              "if (!open) { giveUp(first, count); }",
              "",
              "stress.FullHeapOperations#ofLargeBlocks",
              FullHeap.FLAGS_FOR_ALL));
}
