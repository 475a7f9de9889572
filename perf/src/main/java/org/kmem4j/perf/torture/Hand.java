package org.kmem4j.perf.torture;

/** Objects that one worker holds, with what it needs to check and free them. */
final class Hand {
  /** A power of two. */
  static final int PLACES = 512;

  static final int MASK = PLACES - 1;

  /** 0 where the place is empty. */
  final long[] addresses = new long[PLACES];

  final long[] tags = new long[PLACES];
  final long[] bytes = new long[PLACES];
  final Source[] sources = new Source[PLACES];
}
