package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.memcg.reclaim.SharedWalk;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;

/** Two walkers step on from one position: each gets another group, and none is left out. */
@JCStressTest
@Outcome(id = "top, a, x", expect = ACCEPTABLE, desc = "one after the other")
@Outcome(id = "a, top, x", expect = ACCEPTABLE, desc = "the other way round")
@Outcome(expect = FORBIDDEN, desc = "a group twice, or not at all")
@State
public class StepAndStep {
  private final SharedWalk walk = new SharedWalk();

  @Actor
  public void first(LLL_Result result) {
    result.r1 = walk.step();
  }

  @Actor
  public void second(LLL_Result result) {
    result.r2 = walk.step();
  }

  @Arbiter
  public void next(LLL_Result result) {
    result.r3 = walk.step();
  }
}
