package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.Front;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** An owner attaches while another drains: the drain is never overlooked. */
@JCStressTest
@Outcome(id = "true, true", expect = ACCEPTABLE, desc = "attached, then drained")
@Outcome(id = "false, false", expect = ACCEPTABLE, desc = "a request: the owner keeps it")
@Outcome(expect = FORBIDDEN, desc = "both or none have it")
@State
public class AttachAndDrain extends FrontState {
  public AttachAndDrain() {
    Front.detach(SLOT, link);
  }

  @Actor
  public void owner(ZZ_Result result) {
    result.r1 = attach();
  }

  @Actor
  public void drainer(ZZ_Result result) {
    result.r2 = Front.unlink(SLOT, link) != null;
  }
}
