package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.Front;
import org.kmem4j.sync.Rcu;
import org.kmem4j.sync.Sheaf;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** An owner pops what lies beside the array while another drains: one of them gets the object. */
@JCStressTest
@Outcome(id = "8, 0", expect = ACCEPTABLE, desc = "popped")
@Outcome(id = "0, 8", expect = ACCEPTABLE, desc = "drained")
@Outcome(expect = FORBIDDEN, desc = "both or none have it")
@State
public class PopAndDrain extends FrontState {
  @Actor
  public void owner(II_Result result) {
    result.r1 = (int) Front.pop(SLOT, link);
  }

  @Actor
  public void drainer(II_Result result) {
    Sheaf taken = Front.unlink(SLOT, link);
    Rcu.synchronize();
    if (taken != null) {
      taken.settle();
    }
    result.r2 = taken == null || taken.isEmpty() ? 0 : (int) taken.pop();
  }
}
