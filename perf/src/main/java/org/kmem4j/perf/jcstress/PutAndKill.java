package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.PercpuRef;
import org.kmem4j.sync.Rcu;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Two put their references while a third kills and confirms: the last of them releases, once. */
@JCStressTest
@Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "released once, with nothing left")
@Outcome(expect = FORBIDDEN, desc = "not released, or twice, or too early")
@State
public class PutAndKill {
  private final AtomicInteger released = new AtomicInteger();
  private final PercpuRef ref = new PercpuRef(released::incrementAndGet);

  public PutAndKill() {
    ref.get(2);
  }

  @Actor
  public void first() {
    PerThread.find();
    ref.put(1);
  }

  @Actor
  public void second() {
    PerThread.find();
    ref.get(1);
    ref.put(2);
  }

  @Actor
  public void killer() {
    ref.kill();
    Rcu.synchronize();
    ref.confirm();
  }

  @Arbiter
  public void look(II_Result result) {
    result.r1 = released.get();
    result.r2 = (int) ref.count();
  }
}
