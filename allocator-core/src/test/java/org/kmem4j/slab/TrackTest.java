package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.Allocators;
import org.kmem4j.SlabAllocator;

/** Who allocated the objects of a cache that tracks. */
final class TrackTest {
  @RegisterExtension private final Allocators allocators = new Allocators();

  private final SlabAllocator allocator = allocators.open();
  private final KmemCache cache =
      allocator.createCache(CacheOptions.of("tracked", 64).debug(Set.of(Debug.TRACK)));

  private static Map<Long, Track> live(KmemCache of) {
    Map<Long, Track> live = new HashMap<>();
    of.forEachLive((object, track) -> live.put(object, of.slabs.tracks().get(track)));
    return live;
  }

  private long allocateHere() {
    return cache.alloc();
  }

  private long allocateThere() {
    return cache.tryAlloc();
  }

  @Test
  void everyLiveObjectIsToldWithItsAllocation() {
    long before = System.nanoTime();
    List<Long> objects = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      objects.add(allocateHere());
    }
    objects.subList(100, 200).forEach(cache::free);

    Map<Long, Track> live = live(cache);

    assertEquals(Set.copyOf(objects.subList(0, 100)), live.keySet());
    Track first = live.get(objects.getFirst());
    assertAll(
        () -> assertEquals("allocateHere", first.site().getFirst().getMethodName()),
        () -> assertTrue(first.site().getFirst().getLineNumber() > 0),
        () -> assertTrue(first.thread().contains(Thread.currentThread().getName())),
        () -> assertTrue(first.nanoTime() - before >= 0),
        () -> assertTrue(first.nanoTime() - System.nanoTime() <= 0),
        () -> assertTrue(first.toString().contains("at org.kmem4j.slab.TrackTest.allocateHere")));
  }

  @Test
  void objectsOfOneSiteShareIt() {
    List<Long> here = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      here.add(allocateHere());
    }
    long there = allocateThere();

    Map<Long, Track> live = live(cache);

    assertSame(live.get(here.get(0)).site(), live.get(here.get(2)).site());
    assertFalse(live.get(there).site().equals(live.get(here.get(0)).site()));
  }

  @Test
  void theThreadIsTheOneThatAllocated() throws InterruptedException {
    Thread other = Thread.ofPlatform().name("somebody else").start(this::allocateHere);
    other.join();

    Track track = live(cache).values().iterator().next();

    assertEquals("thread \"somebody else\" #" + other.threadId(), track.thread());
  }

  @Test
  void whoDoesNotTrackTellsNothing() {
    KmemCache plain = allocator.createCache("plain", 64);
    plain.alloc();

    assertEquals(Map.of(), live(plain));
  }
}
