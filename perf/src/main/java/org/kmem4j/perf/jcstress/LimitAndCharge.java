package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JZJ_Result;

/** A limit is set to nothing while a page is charged: one of the two sees the other. */
@JCStressTest
@Outcome(id = "0, false, 0", expect = ACCEPTABLE, desc = "refused")
@Outcome(id = "1, true, 1", expect = ACCEPTABLE, desc = "granted, and the setter was told")
@Outcome(id = "1, false, 0", expect = ACCEPTABLE, desc = "given back, for the limit came between")
@Outcome(expect = FORBIDDEN, desc = "granted above a limit that was set to an empty counter")
@State
public class LimitAndCharge extends CounterState {
  @Actor
  public void setter(JZJ_Result result) {
    result.r1 = parent.setMax(0);
  }

  @Actor
  public void charger(JZJ_Result result) {
    result.r2 = first.counter().tryCharge(1) == null;
  }

  @Arbiter
  public void look(JZJ_Result result) {
    result.r3 = parent.usage();
  }
}
