package org.kmem4j.perf.bench;

import java.util.List;

/** Which side a contender is on: a reader wants ours beside the heap and beside the best peer. */
enum Side {
  HEAP("heap"),
  PEER(
      "agrona",
      "arena",
      "arrayDeque",
      "arrow",
      "chronicle",
      "handWritten",
      "jemalloc",
      "malloc",
      "mimalloc",
      "netty",
      "stormpot",
      "tcmalloc"),
  /** Whoever is none of the above; ways of our own that are compared with one another too. */
  OURS;

  private final List<String> prefixes;

  Side(String... prefixes) {
    this.prefixes = List.of(prefixes);
  }

  /** By how the name begins: {@code nettyPooled} is as much a peer as {@code netty}. */
  static Side of(String contender) {
    for (Side side : values()) {
      if (side.prefixes.stream().anyMatch(contender::startsWith)) {
        return side;
      }
    }
    return OURS;
  }
}
