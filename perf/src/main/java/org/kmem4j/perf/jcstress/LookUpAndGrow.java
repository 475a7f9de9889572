package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.Description;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.Z_Result;

/**
 * One asks what an address is while a slab or a block begins there: it is told something that is
 * so.
 */
@JCStressTest
@Outcome(id = "true", expect = ACCEPTABLE, desc = "all of the old, or all of the new")
@Outcome(expect = FORBIDDEN, desc = "a mixture")
@State
public class LookUpAndGrow {
  private static final SlabAllocator ALLOCATOR =
      SlabAllocator.builder().max(1L << 30).sheafCapacity(0).neverDecay().build();
  private static final KmemCache CACHE = ALLOCATOR.createCache("jcstress", 4000);

  /** Was used and is free: what is made next may begin where this did. */
  private final long where = ALLOCATOR.alloc(40_000);

  private long made;

  public LookUpAndGrow() {
    ALLOCATOR.free(where);
  }

  @Actor
  public void maker() {
    made = CACHE.tryAlloc();
  }

  @Actor
  public void reader(Z_Result result) {
    Description seen = ALLOCATOR.describe(where + 100);
    result.r1 =
        seen.state().equals("unused")
            || "jcstress".equals(seen.cache()) && where - seen.slab() < 4096
            || "large".equals(seen.cache());
  }

  @Arbiter
  public void end() {
    CACHE.free(made);
  }
}
