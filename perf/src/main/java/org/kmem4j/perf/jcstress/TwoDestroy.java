package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Two destroy a cache: one of them does, the other is told. */
@JCStressTest
@Outcome(
    id = {"true, false", "false, true"},
    expect = ACCEPTABLE,
    desc = "one has destroyed it")
@Outcome(expect = FORBIDDEN, desc = "both or none")
@State
public class TwoDestroy {
  private static final SlabAllocator ALLOCATOR = SlabAllocator.builder().max(64 << 20).build();

  private final KmemCache cache = ALLOCATOR.createCache("jcstress", 64);

  @Actor
  public void first(ZZ_Result result) {
    result.r1 = destroy();
  }

  @Actor
  public void second(ZZ_Result result) {
    result.r2 = destroy();
  }

  private boolean destroy() {
    try {
      cache.destroy();
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }
}
