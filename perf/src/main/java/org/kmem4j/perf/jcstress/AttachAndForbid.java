package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.Front;
import org.kmem4j.sync.Rcu;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * One attaches while fronts are forbidden: after a grace period whoever forbids finds every front.
 */
@JCStressTest
@Outcome(
    id = {"true, true", "false, false"},
    expect = ACCEPTABLE,
    desc = "drained, or the owner keeps it")
@Outcome(expect = FORBIDDEN, desc = "attached once it was forbidden")
@State
public class AttachAndForbid extends FrontState {
  private volatile boolean allowed = true;
  private boolean drained;

  public AttachAndForbid() {
    Front.detach(SLOT, link);
  }

  @Actor
  public void owner(ZZ_Result result) {
    result.r1 = Front.attach(SLOT, link, sheaf, () -> allowed);
  }

  @Actor
  public void ender() {
    allowed = false;
    Rcu.synchronize();
    drained = Front.unlink(SLOT, link) != null;
  }

  @Arbiter
  public void look(ZZ_Result result) {
    result.r2 = drained && Front.peek(SLOT, link).isEmpty();
  }
}
