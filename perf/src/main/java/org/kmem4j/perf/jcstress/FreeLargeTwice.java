package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.SlabAllocator;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Two free the same large block: one of them succeeds, the other is told. */
@JCStressTest
@Outcome(
    id = {"true, false", "false, true"},
    expect = ACCEPTABLE,
    desc = "one has freed it")
@Outcome(expect = FORBIDDEN, desc = "both or none have freed it")
@State
public class FreeLargeTwice {
  private static final SlabAllocator ALLOCATOR =
      SlabAllocator.builder().max(4L << 30).maxOrder(0).build();

  private final long block = ALLOCATOR.alloc(9000);

  @Actor
  public void first(ZZ_Result result) {
    result.r1 = free();
  }

  @Actor
  public void second(ZZ_Result result) {
    result.r2 = free();
  }

  private boolean free() {
    try {
      ALLOCATOR.free(block);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }
}
