package org.kmem4j.perf.latency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.contender.ContenderJvm;

/** What the server keeps its orders in, each with the settings that its users would choose. */
public enum Store {
  HEAP_G1,
  HEAP_ZGC,
  KMEM_ADDRESSES,
  KMEM_FLYWEIGHTS,
  NETTY_POOLED;

  private static final long MIB = 1 << 20;

  /** Of the Java heap, on top of the budget: what any JVM needs for itself and the histogram. */
  static final long BASE_BYTES = 32 * MIB;

  /** An entry of the index, with room for the regions that a large array does not fill. */
  private static final int INDEX_BYTES = 10;

  /**
   * What Netty's chunks take of an order's bytes, at most: its size classes make 1.09 of it. The
   * heap has the rest, for an order costs it another 115 to 135 bytes, and not all are recycled.
   */
  private static final double NETTY_CHUNKS = 1.25;

  private static final long NETTY_CHUNK_BYTES = 4 * MIB;

  /** All names, as a message lists them. */
  static String names() {
    return Arrays.stream(values()).map(Store::toString).collect(Collectors.joining(", "));
  }

  /** The name on the command line and in JSON. */
  @Override
  public String toString() {
    String[] words = name().toLowerCase(Locale.ROOT).split("_");
    return words[0] + words[1].substring(0, 1).toUpperCase(Locale.ROOT) + words[1].substring(1);
  }

  boolean isOnHeap() {
    return this == HEAP_G1 || this == HEAP_ZGC;
  }

  /** The Java heap: all that there is, or what the index and the buffers need. */
  long heapBytes(int live, long budgetBytes) {
    return switch (this) {
      case HEAP_G1, HEAP_ZGC -> wholeMib(BASE_BYTES + budgetBytes);
      case KMEM_ADDRESSES, KMEM_FLYWEIGHTS -> wholeMib(BASE_BYTES + (long) live * INDEX_BYTES);
      case NETTY_POOLED -> {
        long chunks = (long) (NETTY_CHUNKS * live * Orders.MEAN_BYTES) + 2 * NETTY_CHUNK_BYTES;
        yield wholeMib(BASE_BYTES + Math.max(0, budgetBytes - chunks));
      }
    };
  }

  /** The allocator's ceiling: what the heap leaves of the budget; 0 or less is no room at all. */
  long nativeBytes(int live, long budgetBytes) {
    return isOnHeap() ? 0 : BASE_BYTES + budgetBytes - heapBytes(live, budgetBytes);
  }

  private static long wholeMib(long bytes) {
    return (bytes + MIB - 1) / MIB * MIB;
  }

  /**
   * The heap has its size from the start and is touched beforehand, as latency asks for. G1 keeps
   * its usual goal: with 20 ms it collected whole heaps, and its p99.9 was longer.
   */
  List<String> flags(int live, long budgetBytes) {
    long heapMib = heapBytes(live, budgetBytes) / MIB;
    List<String> flags =
        new ArrayList<>(
            List.of("-Xms" + heapMib + "m", "-Xmx" + heapMib + "m", "-XX:+AlwaysPreTouch"));
    ContenderJvm.chooseCollector(flags, this == HEAP_ZGC ? "-XX:+UseZGC" : "-XX:+UseG1GC");
    if (this == NETTY_POOLED) {
      long ceiling = nativeBytes(live, budgetBytes);
      flags.add("-XX:MaxDirectMemorySize=" + ceiling);
      flags.add("-Dio.netty.maxDirectMemory=" + ceiling);
      flags.addAll(Contender.NETTY_POOLED.flags());
    }
    return flags;
  }

  /** Only the class of the one that is opened is loaded: the JIT sees one in a JVM. */
  Orders open(int live, long nativeBytes) {
    return switch (this) {
      case HEAP_G1, HEAP_ZGC -> new HeapOrders(live);
      case KMEM_ADDRESSES -> new AddressOrders(live, nativeBytes);
      case KMEM_FLYWEIGHTS -> new FlyweightOrders(live, nativeBytes);
      case NETTY_POOLED -> new NettyOrders(live);
    };
  }
}
