package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.slab.SharedBarn;
import org.kmem4j.sync.Sheaf;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Two take a full sheaf while a third leaves another: no sheaf is taken twice. */
@JCStressTest
@Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "each was taken once")
@Outcome(expect = FORBIDDEN, desc = "a sheaf was taken twice, or is lost")
@State
public class TwoTakeAFullSheaf {
  private final SharedBarn barn = new SharedBarn();
  private final Sheaf[] sheaves = {new Sheaf(2), new Sheaf(2)};
  private final Sheaf[] taken = new Sheaf[2];

  public TwoTakeAFullSheaf() {
    barn.put(sheaves[0]);
  }

  @Actor
  public void first() {
    taken[0] = barn.take();
  }

  @Actor
  public void second() {
    taken[1] = barn.take();
  }

  @Actor
  public void third() {
    barn.put(sheaves[1]);
  }

  @Arbiter
  public void look(II_Result result) {
    Sheaf[] left = {barn.take(), barn.take()};
    result.r1 = count(sheaves[0], left);
    result.r2 = count(sheaves[1], left);
  }

  private int count(Sheaf sheaf, Sheaf[] left) {
    int count = 0;
    for (Sheaf some : new Sheaf[] {taken[0], taken[1], left[0], left[1]}) {
      count += some == sheaf ? 1 : 0;
    }
    return count;
  }
}
