package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJ_Result;

/** One charges while the peak is begun anew: the charge is in the old peak or in the new one. */
@JCStressTest
@Outcome(
    id = {"5, 5", "5, 0", "0, 5"},
    expect = ACCEPTABLE,
    desc = "before, after, or both")
@Outcome(expect = FORBIDDEN, desc = "the charge is in neither")
@State
public class PeakAndReset extends CounterState {
  @Actor
  public void user() {
    root.tryCharge(5);
    root.uncharge(5);
  }

  @Actor
  public void reader(JJ_Result result) {
    result.r1 = root.resetPeak();
  }

  @Arbiter
  public void look(JJ_Result result) {
    result.r2 = root.peak();
  }
}
