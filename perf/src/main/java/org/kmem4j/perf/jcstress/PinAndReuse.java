package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.sync.Rcu;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** As {@link UnpublishAndReuse}, by a reader that is pinned instead of in a section. */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "found and used, or its replacement")
@Outcome(expect = FORBIDDEN, desc = "reused while it was being read")
@State
public class PinAndReuse extends Republished {
  @Actor
  public void reader(II_Result result) {
    Rcu.pin(FrontState.SLOT);
    try {
      use(result);
    } finally {
      Rcu.unpin(FrontState.SLOT);
    }
  }

  @Actor
  public void writer() {
    replaceAndReuse();
  }
}
