package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.memory.Os;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/** One charges and uncharges while the owner word is rewritten: the parent's usage is exact. */
@JCStressTest
@Outcome(id = "4096", expect = ACCEPTABLE, desc = "the page in use")
@Outcome(expect = FORBIDDEN, desc = "a page was lost or doubled")
@State
public class ChargeAndReparent extends GroupState {
  private final KmemCache charged = CACHE.in(child);

  /** Keeps the cache, as a slow path does that charges for it. */
  private final long held = charged.alloc();

  @Actor
  public void user() {
    child.tryCharge(charged, 1);
    child.tryCharge(charged, 1);
    child.uncharge(charged, 1);
  }

  @Actor
  public void closer() {
    child.offline();
  }

  @Arbiter
  public void look(J_Result result) {
    synchronized (GROUPS) { // keeps the agent from draining in between
      long ofSlabs = charged.pages() << Os.PAGE_SHIFT;
      result.r1 = parent.usage() - parent.stockedBytes() - child.stockedBytes() - ofSlabs;
    }
    parent.uncharge(charged, 1);
    charged.free(held);
    parent.offline();
  }
}
