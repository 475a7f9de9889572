package org.kmem4j.perf.bench;

/** Marsaglia's xorshift of 32 bits, always the same sequence: it costs about a nanosecond. */
final class RandomBelow {
  private int state = 0x9E3779B9;

  int next(int bound) {
    int x = state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    state = x;
    return (int) ((x & 0xffff_ffffL) * bound >>> 32);
  }
}
