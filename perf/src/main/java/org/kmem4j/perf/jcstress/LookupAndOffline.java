package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** One looks a child cache up, which makes it, while its group is closed: the parent owns it. */
@JCStressTest
@Outcome(id = "true, true", expect = ACCEPTABLE, desc = "its own or the heir's, and the heir's now")
@Outcome(expect = FORBIDDEN, desc = "a cache of a closed group")
@State
public class LookupAndOffline extends GroupState {
  private KmemCache found;

  @Actor
  public void user() {
    found = CACHE.in(child);
  }

  @Actor
  public void closer() {
    child.offline();
  }

  @Arbiter
  public void look(ZZ_Result result) {
    // A cache that was retired may have ended already, and its struct be another's.
    result.r1 = found.isRetired() || Memory.getLong(found.ownerWord()) == parent.address();
    result.r2 = CACHE.in(child) == CACHE.in(parent) && child.caches().isEmpty();
    parent.offline();
  }
}
