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
import org.openjdk.jcstress.infra.results.ZI_Result;

/** One takes a reference while the last one is put: it has one, or is told. */
@JCStressTest
@Outcome(
    id = {"true, 1", "false, 1"},
    expect = ACCEPTABLE,
    desc = "released once")
@Outcome(expect = FORBIDDEN, desc = "a reference on what was released, or not released")
@State
public class GetAndLastPut {
  private final AtomicInteger released = new AtomicInteger();
  private final PercpuRef ref = new PercpuRef(released::incrementAndGet);

  @Actor
  public void user(ZI_Result result) {
    PerThread.find();
    result.r1 = ref.tryGet();
    if (result.r1) {
      if (released.get() != 0) {
        released.set(100);
      }
      ref.put(1);
    }
  }

  @Actor
  public void killer() {
    ref.kill();
    Rcu.synchronize();
    ref.confirm();
  }

  @Arbiter
  public void look(ZI_Result result) {
    result.r2 = released.get();
  }
}
