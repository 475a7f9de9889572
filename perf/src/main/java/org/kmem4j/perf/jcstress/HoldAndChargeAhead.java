package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/** One charges while another holds the level and drains it: then nothing is charged ahead. */
@JCStressTest
@Outcome(
    id = {"0", "1"},
    expect = ACCEPTABLE,
    desc = "pages in use, none in a stock")
@Outcome(expect = FORBIDDEN, desc = "pages were charged ahead below a level that is held")
@State
public class HoldAndChargeAhead extends CounterState {
  @Actor
  public void owner() {
    STOCK.tryCharge(first, 1);
  }

  @Actor
  public void drainer(J_Result result) {
    root.hold();
    STOCK.drain(root);
    result.r1 = root.usage();
    root.unhold();
  }

  @Arbiter
  public void end() {
    STOCK.drain(root);
  }
}
