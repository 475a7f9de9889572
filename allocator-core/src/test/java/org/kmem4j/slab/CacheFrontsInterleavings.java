package org.kmem4j.slab;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Scene;

/** A slow path whose front is taken away meanwhile. See {@link Interleavings}. */
final class CacheFrontsInterleavings {
  private static final SlabAllocator ALLOCATOR =
      SlabAllocator.builder().max(64 << 20).sheafCapacity(6).onClose(report -> {}).build();

  /** One thread allocates from a damaged front, which another one takes away from it. */
  private static final class Fixture {
    final KmemCache cache = ALLOCATOR.createCache("victim", 64);
    final List<Long> held = new ArrayList<>();
    boolean prepared;

    /** The main sheaf is empty then, and its spare has two copies of the same object. */
    void prepare() {
      for (int i = 0; i < 12; i++) {
        held.add(cache.tryAlloc());
      }
      cache.free(held.getFirst());
      for (int i = 0; i < 5; i++) {
        cache.free(held.removeFirst());
      }
      cache.free(held.removeFirst());
      held.add(cache.tryAlloc());
      prepared = true;
    }

    void allocate() {
      try {
        held.add(cache.tryAlloc());
      } catch (IllegalArgumentException e) {
        // the second copy was found
      }
    }

    void check() {
      ALLOCATOR.slabs().finishDeferred();
      assertEquals(held.size(), cache.stats().usedObjects());
      held.forEach(cache::free);
      cache.destroy();
    }
  }

  @Test
  void whatWasTakenIsFreeAgainIfItsFrontWasTakenAwayAndIsDamaged() {
    Interleavings.explore(
        () -> {
          Fixture fixture = new Fixture();
          return Scene.of(
              fixture::check,
              () -> {
                fixture.prepare();
                fixture.allocate();
              },
              () -> {
                Interleavings.await(() -> fixture.prepared);
                fixture.cache.unlinkFronts();
              });
        });
  }
}
