package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.memcg.reclaim.SharedWalk;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.Z_Result;

/** One walks while a group dies that may be its position: it is never led to what is no group. */
@JCStressTest
@Outcome(id = "true", expect = ACCEPTABLE, desc = "each step found a group, and none was kept")
@Outcome(expect = FORBIDDEN, desc = "a step failed, or a reference was kept")
@State
public class StepAndRelease {
  private final SharedWalk walk = SharedWalk.ofItsOwn();
  private boolean found;

  @Actor
  public void walker() {
    found = true;
    for (int i = 0; i < 4; i++) {
      found &= !walk.step().isEmpty();
    }
  }

  @Actor
  public void closer() {
    walk.closeX();
  }

  @Arbiter
  public void look(Z_Result result) {
    result.r1 = walk.end() && found;
  }
}
