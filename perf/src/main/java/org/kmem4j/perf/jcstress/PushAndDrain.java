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
import org.openjdk.jcstress.infra.results.ZI_Result;

/**
 * An owner pushes into the array while another drains: who takes the sheaf sees all that was
 * pushed.
 */
@JCStressTest
@Outcome(id = "true, 24", expect = ACCEPTABLE, desc = "pushed, then drained")
@Outcome(id = "false, 8", expect = ACCEPTABLE, desc = "drained first")
@Outcome(expect = FORBIDDEN, desc = "an object is lost, or was never there")
@State
public class PushAndDrain extends FrontState {
  @Actor
  public void owner(ZI_Result result) {
    result.r1 = Front.push(SLOT, link, 16);
  }

  @Actor
  public void drainer(ZI_Result result) {
    Sheaf taken = Front.unlink(SLOT, link);
    Rcu.synchronize();
    if (taken != null) {
      taken.settle();
    }
    int sum = 0;
    while (taken != null && !taken.isEmpty()) {
      sum += (int) taken.pop();
    }
    result.r2 = sum;
  }
}
