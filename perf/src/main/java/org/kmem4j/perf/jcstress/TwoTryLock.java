package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.SpinLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Two try a free lock: one of them gets it. */
@JCStressTest
@Outcome(
    id = {"true, false", "false, true"},
    expect = ACCEPTABLE,
    desc = "one has it")
@Outcome(expect = FORBIDDEN, desc = "both or none have it")
@State
public class TwoTryLock {
  private final SpinLock lock = new SpinLock();

  @Actor
  public void first(ZZ_Result result) {
    result.r1 = lock.tryLock();
  }

  @Actor
  public void second(ZZ_Result result) {
    result.r2 = lock.tryLock();
  }
}
