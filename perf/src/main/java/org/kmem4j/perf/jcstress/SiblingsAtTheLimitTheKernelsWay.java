package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.memcg.counter.Stock;
import org.kmem4j.perf.counter.SpeculativeCounter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** The control of {@link SiblingsAtTheLimit}: a batch first, and one page if that is refused. */
@JCStressTest
@Outcome(id = "true, true", expect = ACCEPTABLE, desc = "both have their page")
@Outcome(
    id = {"true, false", "false, true", "false, false"},
    expect = ACCEPTABLE_INTERESTING,
    desc = "a request that fits was refused")
@Outcome(expect = FORBIDDEN, desc = "nothing else")
@State
public class SiblingsAtTheLimitTheKernelsWay {
  private final SpeculativeCounter parent = new SpeculativeCounter(new SpeculativeCounter(null));
  private final SpeculativeCounter first = new SpeculativeCounter(parent);
  private final SpeculativeCounter second = new SpeculativeCounter(parent);

  public SiblingsAtTheLimitTheKernelsWay() {
    parent.setMax(2);
  }

  @Actor
  public void first(ZZ_Result result) {
    result.r1 = first.tryCharge(Stock.BATCH) || first.tryCharge(1);
  }

  @Actor
  public void second(ZZ_Result result) {
    result.r2 = second.tryCharge(Stock.BATCH) || second.tryCharge(1);
  }
}
