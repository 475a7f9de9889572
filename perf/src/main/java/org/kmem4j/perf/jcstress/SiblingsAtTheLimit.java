package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZJ_Result;

/**
 * Two siblings ask for one page each, of the two that their parent may have, through the stock,
 * which would like more. {@link SiblingsAtTheLimitTheKernelsWay} is the control.
 */
@JCStressTest
@Outcome(id = "true, true, 2", expect = ACCEPTABLE, desc = "both have their page")
@Outcome(expect = FORBIDDEN, desc = "a request that fits was refused, or a page miscounted")
@State
public class SiblingsAtTheLimit extends CounterState {
  public SiblingsAtTheLimit() {
    parent.setMax(2);
  }

  @Actor
  public void first(ZZJ_Result result) {
    result.r1 = STOCK.tryCharge(first, 1) == null;
  }

  @Actor
  public void second(ZZJ_Result result) {
    result.r2 = STOCK.tryCharge(second, 1) == null;
  }

  @Arbiter
  public void look(ZZJ_Result result) {
    result.r3 = root.usage();
  }
}
