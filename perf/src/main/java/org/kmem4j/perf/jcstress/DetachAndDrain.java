package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.Front;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZZ_Result;

/**
 * An owner detaches while another drains: one has the sheaf, and a drain that came late is heard.
 */
@JCStressTest
@Outcome(id = "true, false, false", expect = ACCEPTABLE, desc = "detached; the request was left")
@Outcome(id = "false, true, true", expect = ACCEPTABLE, desc = "drained; nothing to detach")
@Outcome(expect = FORBIDDEN, desc = "both or none have it, or the request is lost")
@State
public class DetachAndDrain extends FrontState {
  @Actor
  public void owner(ZZZ_Result result) {
    result.r1 = Front.detach(SLOT, link) != null;
  }

  @Actor
  public void drainer(ZZZ_Result result) {
    result.r2 = Front.unlink(SLOT, link) != null;
  }

  @Arbiter
  public void attachAgain(ZZZ_Result result) {
    result.r3 = attach();
  }
}
