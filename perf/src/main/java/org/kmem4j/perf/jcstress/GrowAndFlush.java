package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicLong;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.CorruptionException;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.Z_Result;

/** One makes a slab and hands an object over, which the other frees: it finds the cookie. */
@JCStressTest
@Outcome(id = "true", expect = ACCEPTABLE, desc = "freed, or not there yet")
@Outcome(expect = FORBIDDEN, desc = "an object was refused")
@State
public class GrowAndFlush {
  private static final SlabAllocator ALLOCATOR =
      SlabAllocator.builder().max(64 << 20).sheafCapacity(0).build();
  private static final KmemCache CACHE = ALLOCATOR.createCache("jcstress", 4000);

  private final AtomicLong handed = new AtomicLong();

  @Actor
  public void maker() {
    handed.set(CACHE.alloc());
  }

  @Actor
  public void freer(Z_Result result) {
    try {
      CACHE.free(handed.getAndSet(0));
      result.r1 = true;
    } catch (CorruptionException | IllegalArgumentException e) {
      result.r1 = false;
    }
  }

  @Arbiter
  public void end() {
    CACHE.free(handed.get());
  }
}
