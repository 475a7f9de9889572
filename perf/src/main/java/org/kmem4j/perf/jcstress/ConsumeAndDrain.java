package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JI_Result;

/**
 * An owner stocks pages, consumes one and tops up while another drains: none is lost or doubled.
 */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "the page in use is what is left")
@Outcome(expect = FORBIDDEN, desc = "a page or a reference was lost or doubled")
@State
public class ConsumeAndDrain extends CounterState {
  @Actor
  public void owner() {
    STOCK.tryCharge(first, 1);
    STOCK.tryCharge(first, 1);
    STOCK.uncharge(first, 1);
  }

  @Actor
  public void drainer() {
    STOCK.drain(root);
  }

  @Arbiter
  public void look(JI_Result result) {
    STOCK.drain(root);
    result.r1 = root.usage();
    result.r2 = first.references();
  }
}
