package org.kmem4j.perf.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.CorruptionException;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Two free an object of a cache that debugs: one of them does, the other is told. */
@JCStressTest
@Outcome(
    id = {"true, false", "false, true"},
    expect = ACCEPTABLE,
    desc = "one has freed it")
@Outcome(expect = FORBIDDEN, desc = "both or none")
@State
public class FreeCheckedTwice {
  private static final SlabAllocator ALLOCATOR =
      SlabAllocator.builder().max(1L << 30).onClose(report -> {}).build();

  /** A cache for a while, for the slab of an object that was freed twice is used no more. */
  private static KmemCache cache = ALLOCATOR.createCache(options());

  private static int uses;

  private final KmemCache mine = cache();
  private final long object = mine.alloc();

  private static CacheOptions options() {
    return CacheOptions.of("jcstress", 64).debug(Debug.ALL);
  }

  private static synchronized KmemCache cache() {
    if (++uses % 1000 == 0) {
      cache = ALLOCATOR.createCache(options());
    }
    return cache;
  }

  @Actor
  public void first(ZZ_Result result) {
    result.r1 = free();
  }

  @Actor
  public void second(ZZ_Result result) {
    result.r2 = free();
  }

  private boolean free() {
    try {
      mine.free(object);
      return true;
    } catch (IllegalArgumentException | CorruptionException e) {
      return false;
    }
  }
}
