package org.kmem4j.perf.contender;

import java.util.concurrent.atomic.LongAccumulator;

/** A contender that only knows what it has mapped now, and so is asked for it now and then. */
public abstract class SampledContender implements Allocator {
  private final LongAccumulator peak = new LongAccumulator(Math::max, -1);

  /** Address space held from the system now, or -1 if that cannot be told. */
  abstract long mappedBytes();

  @Override
  public final void sampleMapped() {
    peak.accumulate(mappedBytes());
  }

  @Override
  public final long peakMappedBytes() {
    return peak.get();
  }
}
