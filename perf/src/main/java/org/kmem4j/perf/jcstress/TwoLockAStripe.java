package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Slot;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** Two use a stripe in turn: what one did under the lock the other sees. */
@JCStressTest
@Outcome(id = "2", expect = ACCEPTABLE, desc = "one after the other")
@Outcome(expect = FORBIDDEN, desc = "both at once")
@State
public class TwoLockAStripe {
  private static final Slot STRIPE = PerThread.tryLockStripe();

  static {
    PerThread.unlock(STRIPE);
  }

  private int uses;

  @Actor
  public void first() {
    use();
  }

  @Actor
  public void second() {
    use();
  }

  private void use() {
    PerThread.lock(STRIPE);
    uses++;
    PerThread.unlock(STRIPE);
  }

  @Arbiter
  public void look(I_Result result) {
    result.r1 = uses;
  }
}
