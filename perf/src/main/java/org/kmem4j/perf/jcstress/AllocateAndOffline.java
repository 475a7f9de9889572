package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.Z_Result;

/** One allocates for a group while it is closed: nothing that was stocked keeps it. */
@JCStressTest
@Outcome(id = "true", expect = ACCEPTABLE, desc = "released")
@Outcome(expect = FORBIDDEN, desc = "something refers to it still")
@State
public class AllocateAndOffline extends GroupState {
  private static final long LIMIT_NANOS = 10_000_000_000L;

  private final KmemCache handle = CACHE.in(child);
  private long object;

  @Actor
  public void user() {
    object = handle.alloc();
  }

  @Actor
  public void closer() {
    child.offline();
  }

  @Arbiter
  public void look(Z_Result result) {
    ALLOCATOR.free(object);
    long start = System.nanoTime();
    while (!child.isReleased() && System.nanoTime() - start < LIMIT_NANOS) {
      work();
    }
    result.r1 = child.isReleased();
    parent.offline();
  }
}
