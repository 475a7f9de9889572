package org.kmem4j.perf.jcstress;

import org.kmem4j.sync.Rcu;
import org.openjdk.jcstress.infra.results.II_Result;

/** What a writer unpublishes, and reuses after a grace period, while a reader may use it. */
class Republished {
  private static final class Payload {
    int value = 1;
  }

  private Payload published = new Payload();
  private final Payload replacement = new Payload();

  /** Finds it and uses it, in a section or under a pin. */
  final void use(II_Result result) {
    Payload found = published;
    result.r1 = found.value;
    result.r2 = found.value;
  }

  final void replaceAndReuse() {
    Payload old = published;
    published = replacement;
    Rcu.synchronize();
    old.value = 2;
  }
}
