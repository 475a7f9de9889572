package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZJ_Result;

/** A request that fits its parent and not the root, beside one that fits both. */
@JCStressTest
@Outcome(id = "true, false, 3", expect = ACCEPTABLE, desc = "the small one has its pages")
@Outcome(expect = FORBIDDEN, desc = "refused for a request that was refused itself")
@State
public class FitBesideRefused extends CounterState {
  public FitBesideRefused() {
    root.setMax(7);
    parent.setMax(10);
  }

  @Actor
  public void small(ZZJ_Result result) {
    result.r1 = first.counter().tryCharge(3) == null;
  }

  @Actor
  public void large(ZZJ_Result result) {
    result.r2 = second.counter().tryCharge(8) == null;
  }

  @Arbiter
  public void look(ZZJ_Result result) {
    result.r3 = root.usage();
  }
}
