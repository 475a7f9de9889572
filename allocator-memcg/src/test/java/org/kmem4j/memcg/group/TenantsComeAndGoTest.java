package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.Groups;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.SizeClasses;
import org.kmem4j.stress.Crew;

/**
 * Threads allocate and free, through handles, bound, and by size, while their groups are closed
 * under them; the fixture walks over everything afterwards.
 */
final class TenantsComeAndGoTest {
  private static final int TENANTS = 6;
  private static final int LIVE = 300;
  private static final long LIMIT = 8 << 20;

  @RegisterExtension private final Groups fixture = new Groups();

  private final AtomicReferenceArray<MemCgroup> tenants = new AtomicReferenceArray<>(TENANTS);
  private final AtomicLong closed = new AtomicLong();
  private final AtomicLong refused = new AtomicLong();
  private final Crew crew = new Crew();

  private MemCgroups groups;
  private SlabAllocator allocator;
  private KmemCache cache;
  private MemCgroup top;

  @BeforeEach
  void open() {
    groups = fixture.open();
    allocator = fixture.allocator();
    cache = allocator.createCache("objects", 700);
    top = groups.create("/top").max(LIMIT);
    for (int i = 0; i < TENANTS; i++) {
      tenants.set(i, create());
    }
  }

  private MemCgroup create() {
    MemCgroup middle = top.create("m" + closed.incrementAndGet());
    return middle.create("t");
  }

  /** Closes a tenant and the group above it, oldest or youngest first as it must be. */
  private void rotate(int tenant) {
    MemCgroup old = tenants.get(tenant);
    tenants.set(tenant, create());
    old.offline();
    old.parent().offline();
  }

  private void allocateAndFree(boolean mayWait) {
    var random = ThreadLocalRandom.current();
    long[] live = new long[LIVE];
    KmemCache[] handles = new KmemCache[TENANTS];
    SizeClasses[] sizes = new SizeClasses[TENANTS];
    for (long step = 0; crew.goesOn(); step++) {
      int at = random.nextInt(LIVE);
      if (live[at] != 0) {
        assertEquals(live[at] ^ 0x55, Memory.getLong(live[at]), "it is mine alone");
        allocator.free(live[at]);
        live[at] = 0;
      } else {
        int tenant = random.nextInt(TENANTS);
        if (handles[tenant] == null || random.nextInt(200) == 0) {
          handles[tenant] = cache.in(tenants.get(tenant));
          sizes[tenant] = allocator.in(tenants.get(tenant));
        }
        live[at] =
            switch (random.nextInt(8)) {
              case 0 -> sizes[tenant].tryAlloc(40_000);
              case 1, 2 -> sizes[tenant].tryAlloc(random.nextInt(8, 3000));
              case 3 -> bound(tenants.get(tenant));
              default ->
                  mayWait && step % 64 == 0 ? insist(handles[tenant]) : handles[tenant].tryAlloc();
            };
        if (live[at] == 0) {
          refused.incrementAndGet();
        } else {
          Memory.putLong(live[at], live[at] ^ 0x55);
        }
      }
    }
    for (long object : live) {
      allocator.free(object);
    }
  }

  private long bound(MemCgroup group) {
    try (var scope = groups.bind(group)) {
      assertTrue(scope != null);
      return cache.tryAlloc();
    }
  }

  private static long insist(KmemCache handle) {
    try {
      return handle.alloc();
    } catch (MemcgLimitException e) {
      return 0;
    }
  }

  private void runFor(Duration time) throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      crew.start(() -> allocateAndFree(true));
    }
    crew.startVirtual(() -> allocateAndFree(false));
    crew.start(
        () -> {
          while (crew.goesOn()) {
            rotate(ThreadLocalRandom.current().nextInt(TENANTS));
            assertTrue(top.peak() <= LIMIT, "peak " + top.peak());
            Thread.sleep(1);
          }
        });
    crew.start(
        () -> {
          while (crew.goesOn()) {
            fixture.work();
            Thread.onSpinWait();
          }
        });
    crew.runFor(time);

    assertTrue(closed.get() > TENANTS + 5, "rotations: " + closed.get());
    assertTrue(top.peak() <= LIMIT);
    fixture.await(() -> top.dyingDescendants() == 0);
    fixture.await(() -> groups.lingeringCaches().isEmpty());
  }

  @Test
  void theBooksAreRightAfterwards() throws InterruptedException {
    runFor(Duration.ofMillis(1500));
  }

  @Test
  @Tag("slow")
  void theBooksAreRightAfterAMinute() throws InterruptedException {
    runFor(Duration.ofSeconds(60));
  }
}
