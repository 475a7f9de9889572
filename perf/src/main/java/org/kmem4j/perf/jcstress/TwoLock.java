package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.SpinLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Two count under the spin lock: what one wrote the other sees. */
@JCStressTest
@Outcome(id = "2, 0", expect = ACCEPTABLE, desc = "one after the other")
@Outcome(expect = FORBIDDEN, desc = "a count was lost, or the lock is held")
@State
public class TwoLock {
  private final SpinLock lock = new SpinLock();
  private int count;

  @Actor
  public void first() {
    countOne();
  }

  @Actor
  public void second() {
    countOne();
  }

  private void countOne() {
    lock.lock();
    try {
      count++;
    } finally {
      lock.unlock();
    }
  }

  @Arbiter
  public void look(II_Result result) {
    result.r1 = count;
    result.r2 = lock.isLocked() ? 1 : 0;
  }
}
