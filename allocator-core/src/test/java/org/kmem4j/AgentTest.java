package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.stress.Crew;

/** All background work is one agent, which nobody runs unasked. */
final class AgentTest {
  @RegisterExtension private final Allocators allocators = new Allocators();
  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);

  @AfterEach
  void letAllGo() throws InterruptedException {
    release.countDown();
    crew.join();
  }

  /** Runs an agent until something is so; gives up after a time that no machine needs. */
  private static boolean runUntil(Agent agent, BooleanSupplier done) throws Exception {
    long start = System.nanoTime();
    while (!done.getAsBoolean()) {
      if (System.nanoTime() - start > Duration.ofSeconds(30).toNanos()) {
        return false;
      }
      agent.doWork();
      Thread.sleep(1);
    }
    return true;
  }

  private static void useALot(SlabAllocator allocator) {
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      long bytes = 8L + i % 2000;
      blocks.add(allocator.alloc(bytes));
      Memory.fill(blocks.getLast(), bytes, (byte) 1);
    }
    blocks.add(allocator.alloc(4 << 20));
    Memory.fill(blocks.getLast(), 4 << 20, (byte) 1);
    blocks.forEach(allocator::free);
  }

  @Test
  void afterEverythingIsFreedMemoryFallsToATwentiethOfThePeak() throws Exception {
    SlabAllocator allocator = allocators.open(b -> b.decay(Duration.ofMillis(50)));
    useALot(allocator);
    long peak = allocator.stats().peakMappedBytes();
    assertTrue(peak > 20 << 20);

    assertTrue(
        runUntil(allocator.agent(), () -> allocator.stats().residentBytes() <= peak / 20),
        () -> allocator.stats().toString());

    assertTrue(allocator.stats().mappedBytes() <= peak / 20);
    assertTrue(allocator.stats().decommits() > 0);
  }

  @Test
  void whatIsInUseStays() throws Exception {
    SlabAllocator allocator = allocators.open(b -> b.decay(Duration.ofMillis(50)));
    KmemCache cache = allocator.createCache("c", 100);
    List<Long> kept = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      kept.add(cache.alloc());
      Memory.putLong(kept.getLast(), i);
    }
    useALot(allocator);

    assertTrue(runUntil(allocator.agent(), () -> allocator.stats().mappedBytes() < 1 << 20));

    for (int i = 0; i < 1000; i++) {
      assertEquals(i, Memory.getLong(kept.get(i)));
    }
  }

  @Test
  void whatParkedAndDeadThreadsHaveCachedComesBack() throws Exception {
    SlabAllocator allocator = allocators.open(b -> b.decay(Duration.ofMillis(50)));
    CountDownLatch filled = new CountDownLatch(4);
    for (int i = 0; i < 4; i++) {
      boolean parks = i % 2 == 0;
      crew.start(
          () -> {
            useALittle(allocator);
            filled.countDown();
            if (parks) {
              Crew.await(release);
            }
          });
    }
    Crew.await(filled);
    assertTrue(allocator.stats().cachedBytes() > 0);

    assertTrue(
        runUntil(
            allocator.agent(),
            () -> allocator.stats().cachedBytes() == 0 && allocator.stats().mappedBytes() == 0),
        () -> allocator.stats().toString());
  }

  private static void useALittle(SlabAllocator allocator) {
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      blocks.add(allocator.alloc(64));
    }
    blocks.forEach(allocator::free);
  }

  @Test
  void whoNeverDecaysKeepsItsMemory() throws Exception {
    SlabAllocator allocator = allocators.open(b -> b.neverDecay());
    useALot(allocator);
    long mapped = allocator.stats().mappedBytes();

    for (int i = 0; i < 50; i++) {
      allocator.agent().doWork();
    }

    assertEquals(mapped, allocator.stats().mappedBytes());
    assertEquals(0, allocator.stats().decommits());
  }

  @Test
  void aPrewarmedCacheStaysWarm() throws Exception {
    SlabAllocator allocator = allocators.open(b -> b.decay(Duration.ofMillis(10)));
    KmemCache cache = allocator.createCache("c", 100);
    cache.prewarm(10_000);
    long pages = cache.stats().pages();
    useALittle(allocator);

    assertTrue(runUntil(allocator.agent(), () -> allocator.stats().cachedBytes() == 0));
    for (int i = 0; i < 100; i++) {
      allocator.agent().doWork();
      Thread.sleep(1);
    }

    assertEquals(pages, cache.stats().pages());
  }

  @Test
  void nothingStartsAThreadUnasked() {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    SlabAllocator allocator = allocators.open();

    useALot(allocator);
    allocator.trim();
    allocator.createCache("c", 8).destroy();

    Set<Thread> after = Thread.getAllStackTraces().keySet();
    assertTrue(
        after.stream().filter(thread -> !before.contains(thread)).noneMatch(AgentTest::isOurs));
  }

  private static boolean isOurs(Thread thread) {
    return thread.getName().contains("kmem4j");
  }

  @Test
  void theAgentsThreadRunsUntilTheEnd() throws InterruptedException {
    SlabAllocator allocator = allocators.open(b -> b.decay(Duration.ofMillis(50)));
    allocator.startAgent();
    allocator.startAgent();
    Set<Thread> ours =
        Thread.getAllStackTraces().keySet().stream()
            .filter(AgentTest::isOurs)
            .collect(Collectors.toSet());
    useALot(allocator);

    long start = System.nanoTime();
    while (allocator.stats().mappedBytes() > 1 << 20
        && System.nanoTime() - start < 30_000_000_000L) {
      Thread.sleep(5);
    }

    assertEquals(1, ours.size(), "asked twice, started once");
    assertTrue(ours.iterator().next().isDaemon());
    assertTrue(allocator.stats().mappedBytes() <= 1 << 20);
    allocator.close();
    for (Thread thread : ours) {
      thread.join(10_000);
      assertFalse(thread.isAlive());
    }
  }

  @Test
  void afterTheEndTheAgentDoesNothing() throws Exception {
    SlabAllocator allocator = allocators.open();
    Agent agent = allocator.agent();
    allocator.close();
    allocator.unmap();

    assertEquals(0, agent.doWork());
    assertEquals("kmem4j-agent", agent.roleName());
  }
}
