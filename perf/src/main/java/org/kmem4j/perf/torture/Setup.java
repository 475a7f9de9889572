package org.kmem4j.perf.torture;

import org.kmem4j.SlabAllocator;

/** Settings of an allocator that is tortured, which are fixed when it is opened. */
enum Setup {
  /** From the beginning to the end, but for visits to the others. */
  USUAL("usual", false, false, 0, "FZP"),
  HARDENED("hardened", true, false, 0, "FZPU"),
  ZEROING("initOnAlloc, initOnFree", false, true, 0, "FZP"),
  SAMPLED("leaks=16", false, false, 16, "FZPU"),
  ALL("hardened, initOnAlloc, initOnFree, leaks=16", true, true, 16, "FZPU"),
  TRACKED("leaks=1", false, false, 1, "FZPU");

  final String title;

  /** Where a stack overflow may lose an object: it is not tried there. */
  final boolean hardened;

  /** Letters of the cache that debugs. */
  final String letters;

  private final boolean zeroes;
  private final int leaks;

  Setup(String title, boolean hardened, boolean zeroes, int leaks, String letters) {
    this.title = title;
    this.hardened = hardened;
    this.zeroes = zeroes;
    this.leaks = leaks;
    this.letters = letters;
  }

  /** One after the other of those that are not usual. */
  static Setup visited(long number) {
    return values()[1 + (int) Math.floorMod(number, values().length - 1L)];
  }

  void on(SlabAllocator.Builder builder) {
    builder.hardened(hardened).leaks(leaks);
    if (zeroes) {
      builder.initOnAlloc().initOnFree();
    }
  }
}
