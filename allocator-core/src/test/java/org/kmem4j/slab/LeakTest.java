package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.Allocators;
import org.kmem4j.LiveReport;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;

/** Where live objects come from: a sample, or all of them; in the books like any others. */
final class LeakTest {
  private static final int ONE_IN = 16;

  @RegisterExtension private final Allocators allocators = new Allocators();

  private SlabAllocator allocator = allocators.open(b -> b.leaks(ONE_IN));
  private KmemCache cache = allocator.createCache("order", 64);
  private final List<Long> leaked = new ArrayList<>();

  private void leak(KmemCache from, int count) {
    for (int i = 0; i < count; i++) {
      leaked.add(from.alloc()); // the planted leak
    }
  }

  private static void comeAndGo(KmemCache some, int count) {
    for (int i = 0; i < count; i++) {
      some.free(some.alloc());
    }
  }

  /** The cache of the sample, or null. */
  private KmemCache sample() {
    return allocator.slabs().snapshot().stream()
        .filter(some -> some.isSample() && some.root() == cache.root())
        .findFirst()
        .orElse(null);
  }

  @Test
  void aPlantedLeakIsFoundWithItsLine() {
    for (int i = 0; i < 100; i++) {
      leak(cache, 50);
      comeAndGo(cache, 500);
    }

    LeakReport report = allocator.leaks();

    Leak first = report.leaks().getFirst();
    StackTraceElement frame = first.site().getFirst();
    assertAll(
        () -> assertEquals("leak", frame.getMethodName(), report.toString()),
        () -> assertEquals("LeakTest.java", frame.getFileName()),
        () -> assertTrue(frame.getLineNumber() > 0),
        () -> assertEquals("order", first.cache()),
        () -> assertEquals(5000, first.estimated(), 1000, report.toString()),
        () -> assertEquals(first.estimated() * 64, first.bytes()),
        () -> assertTrue(first.sampled() > 0 && first.sampled() < 2000, report.toString()),
        () -> assertTrue(first.oldestNanos() > 0),
        () -> assertTrue(report.toString().contains("LeakTest.leak(LeakTest.java:")));
  }

  @Test
  void aSampleHasAboutTheSizeThatWasAskedFor() {
    leak(cache, 32_000);

    long sampled = allocator.leaks().leaks().stream().mapToLong(Leak::sampled).sum();

    // Sheaves are filled at once, and one of each is tracked at most: 62 and not 16 here.
    assertTrue(sampled >= 32_000 / 70 && sampled < 32_000 / 40, "sampled " + sampled);
  }

  @Test
  void objectsThatComeAndGoAreNotSampled() {
    allocator = allocators.open(b -> b.leaks(1 << 20)); // the first few do come from a slab
    cache = allocator.createCache("order", 64);
    comeAndGo(cache, 10_000);

    assertTrue(allocator.leaks().isEmpty());
    assertEquals(null, sample());
  }

  @Test
  void whatIsFreedIsNotReportedByWhateverHandle() {
    leak(cache, 2000);
    assertFalse(allocator.leaks().isEmpty());
    for (int i = 0; i < leaked.size(); i++) {
      if (i % 2 == 0) {
        cache.free(leaked.get(i));
      } else {
        allocator.free(leaked.get(i));
      }
    }

    assertTrue(allocator.leaks().isEmpty());
    assertEquals(0, allocator.stats().usedObjects());
    allocator.trim();
    assertEquals(0, sample().pages());
  }

  @Test
  void aSecondFreeOfATrackedObjectIsRefused() {
    leak(cache, 2000);
    long tracked =
        leaked.stream().filter(object -> around(object) == sample()).findFirst().orElseThrow();
    cache.free(tracked);

    assertThrows(IllegalArgumentException.class, () -> cache.free(tracked));
  }

  private KmemCache around(long object) {
    return allocator.slabs().cacheAround(object);
  }

  @Test
  void withOneInOneEverythingIsTracked() {
    allocator = allocators.open(b -> b.leaks(1));
    cache = allocator.createCache("order", 64);
    leak(cache, 300);
    comeAndGo(cache, 100);
    long block = allocator.alloc(100);

    LeakReport report = allocator.leaks();

    assertEquals(2, report.leaks().size(), report.toString());
    assertEquals(300, report.leaks().getFirst().sampled());
    assertEquals(300, report.leaks().getFirst().estimated());
    Leak bySize = report.leaks().getLast();
    assertEquals("withOneInOneEverythingIsTracked", bySize.site().getFirst().getMethodName());
    allocator.free(block);
    assertEquals(1, allocator.leaks().leaks().size());
  }

  @Test
  void bytesAreTheObjectsOwnWhateverLiesAroundThem() {
    allocator = allocators.open(b -> b.debug("FZPU"));
    leak(allocator.createCache("order", 20), 100);

    assertEquals(2000, allocator.live().bytes());
    assertEquals(2000, allocator.leaks().leaks().getFirst().bytes());
  }

  @Test
  void whatWasAllocatedBySizeIsSampledToo() {
    for (int i = 0; i < 2000; i++) {
      leaked.add(allocator.alloc(100));
    }

    Leak first = allocator.leaks().leaks().getFirst();

    assertEquals("size-104", first.cache());
    assertEquals("whatWasAllocatedBySizeIsSampledToo", first.site().getFirst().getMethodName());
    leaked.forEach(object -> Memory.fill(object, allocator.usableSize(object), (byte) 1));
    leaked.forEach(allocator::free);
  }

  @Test
  void withoutTheSettingNothingIsTracked() {
    allocator = allocators.open();
    cache = allocator.createCache("order", 64);
    leak(cache, 5000);

    assertTrue(allocator.leaks().isEmpty());
    assertEquals(null, sample());
  }

  @Test
  void closingTellsWhereWhatIsAliveComesFrom() {
    var told = new AtomicReference<LiveReport>();
    allocator = allocators.open(b -> b.leaks(ONE_IN).onClose(told::set));
    leak(allocator.createCache("order", 64), 1000);

    allocator.close();

    assertEquals(1000, told.get().objects().get("order"));
    assertTrue(told.get().toString().contains("at org.kmem4j.slab.LeakTest.leak"));
  }

  // ------------------------------------------------------------------ in the books

  @Test
  void theAccountPaysForItsSample() {
    var account = new FakeAccount(8192, 1000);
    KmemCache child = cache.in(account);
    leak(child, 3000);

    KmemCache sample = sample();
    assertEquals(child.pages() + sample.pages(), account.usage());
    assertEquals(3000, child.usedObjects() + sample.usedObjects());
    assertEquals(account.toString(), allocator.leaks().leaks().getFirst().paidBy());

    leaked.forEach(cache::free);
    allocator.trim();
    assertEquals(0, account.usage());
  }

  @Test
  void whatTheAccountRefusesIsNotSampled() {
    var account = new FakeAccount(8192, 1000);
    KmemCache child = cache.in(account);
    child.prewarm(3000);
    account.setMax(account.usage());

    leak(child, 3000);

    assertTrue(allocator.leaks().isEmpty());
    assertEquals(3000, child.usedObjects());
  }

  @Test
  void destroyingACacheEndsItsSample() {
    leak(cache, 2000);
    KmemCache sample = sample();

    assertEquals(2000, cache.destroy());

    assertTrue(sample.isRetired());
    leaked.forEach(allocator::free);
    while (allocator.slabs().endSome() > 0 || cache.state != OwnedCache.State.RELEASED) {
      Thread.onSpinWait();
    }
    assertEquals(OwnedCache.State.RELEASED, sample.state);
  }

  @Test
  void aChildThatEndsTakesItsSampleAlong() {
    var account = new FakeAccount(8192, 1000);
    KmemCache child = cache.in(account);
    leak(child, 2000);
    KmemCache sample = sample();

    assertEquals(2000, child.destroy());

    assertTrue(sample.isRetired());
    leaked.forEach(cache::free);
    while (allocator.slabs().endSome() > 0 || sample.state != OwnedCache.State.RELEASED) {
      Thread.onSpinWait();
    }
    assertEquals(0, account.usage());
  }

  @Test
  void aSampleThatEndedIsMadeAnew() {
    leak(cache, 1000);
    KmemCache first = sample();
    first.retire();

    leak(cache, 1000);

    assertTrue(first.isRetired());
    assertEquals(2000, cache.usedObjects() + usedInSamples());
    assertTrue(
        allocator.slabs().snapshot().stream()
            .anyMatch(some -> some.isSample() && !some.isRetired()));
  }

  private long usedInSamples() {
    return allocator.slabs().snapshot().stream()
        .filter(KmemCache::isSample)
        .mapToLong(KmemCache::usedObjects)
        .sum();
  }

  @Test
  void hardenedCachesAreSampledToo() {
    allocator = allocators.open(b -> b.leaks(ONE_IN).hardened(true).initOnAlloc());
    cache = allocator.createCache("order", 64);
    for (int round = 0; round < 3; round++) {
      leak(cache, 1000);
      for (long object : leaked) {
        assertEquals(0, Memory.getLong(object));
        Memory.fill(object, 64, (byte) 1);
      }
      assertTrue(round > 0 || !allocator.leaks().isEmpty());
      leaked.forEach(cache::free);
      leaked.clear();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void zeroesReachToTheEndOfWhatTheProgramMayUse(boolean onFree) {
    allocator = allocators.open(b -> onFree ? b.leaks(2).initOnFree() : b.leaks(2).initOnAlloc());
    cache = allocator.createCache(CacheOptions.of("order", 40).align(64));
    for (int round = 0; round < 3; round++) {
      leak(cache, 500);
      for (long object : leaked) {
        for (int at = 0; at < cache.usableBytes(); at += 8) {
          assertEquals(0, Memory.getLong(object + at), "byte " + at + " in round " + round);
        }
        Memory.fill(object, cache.usableBytes(), (byte) 0x41);
      }
      List<Long> tracked = leaked.stream().filter(at -> around(at) == sample()).toList();
      assertFalse(tracked.isEmpty());
      tracked.forEach(cache::free); // the others are kept: so slabs are asked again, and sampled
      leaked.clear();
    }
  }

  @Test
  void damageThatSamplingFindsIsReportedAndNothingLost() {
    leak(cache, 1000);
    KmemCache sample = sample();
    long sampled = leaked.stream().filter(o -> around(o) == sample).findFirst().orElseThrow();
    while (sample.store().list().freeObjects() == 0) {
      leak(cache, 1);
    }
    for (long object : leaked) {
      if (around(object) == sample) {
        sampled = object; // the last: of the slab that serves
      }
    }
    Memory.fill(sample.slabOf(sampled), 48, (byte) 0x41);

    List<String> reports = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      try {
        leak(cache, 1);
      } catch (CorruptionException e) {
        reports.add(e.getMessage());
      }
    }

    assertEquals(1, reports.size(), reports::toString);
    assertTrue(reports.getFirst().contains("header was overwritten"), reports::toString);
    assertEquals(leaked.size(), cache.usedObjects() + sample.usedObjects());
  }

  @Test
  void whatAConstructorThrowsAtTheSampleIsThrownAndNothingLost() {
    var failing = new AtomicBoolean();
    cache =
        allocator.createCache(
            CacheOptions.of("constructed", 64)
                .constructor(
                    object -> {
                      if (failing.get()) {
                        throw new AssertionError("planted");
                      }
                    }));
    cache.prewarm(2000);
    failing.set(true);

    int thrown = 0;
    for (int i = 0; i < 1000; i++) {
      try {
        leak(cache, 1);
      } catch (AssertionError e) {
        thrown++;
      }
    }

    assertTrue(thrown > 0);
    assertEquals(leaked.size(), cache.usedObjects());
  }

  @Test
  void objectsThatAreTooLargeToBeTrackedAreNotSampled() {
    cache = allocator.createCache("large", (4096 << 6) - 64);

    leak(cache, 50);

    assertEquals(null, sample());
  }

  @Test
  void manyThreadsSampleWithoutLosingAnything() throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    var failure = new AtomicReference<Throwable>();
    for (int t = 0; t < 4; t++) {
      KmemCache mine = t % 2 == 0 ? cache : cache.in(new FakeAccount(8192, 5000));
      Thread thread =
          new Thread(
              () -> {
                List<Long> held = new ArrayList<>();
                var random = ThreadLocalRandom.current();
                for (int i = 0; i < 100_000; i++) {
                  if (held.size() < 10 || random.nextInt(500) < 500 - held.size() / 4) {
                    held.add(mine.alloc());
                  } else {
                    mine.free(held.remove(random.nextInt(held.size())));
                  }
                  if (held.size() > 1500) {
                    held.forEach(mine::free);
                    held.clear();
                  }
                }
                held.forEach(cache::free);
              });
      thread.setUncaughtExceptionHandler((dead, e) -> failure.set(e));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }

    assertEquals(null, failure.get());
    assertEquals(0, allocator.stats().usedObjects());
    assertTrue(allocator.leaks().isEmpty());
  }
}
