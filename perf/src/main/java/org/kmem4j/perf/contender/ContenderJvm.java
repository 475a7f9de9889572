package org.kmem4j.perf.contender;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.Fork;

/**
 * The flags of a JVM in which one contender is watched.
 *
 * <p>Where memory is measured, it must be the contender's only. So such a JVM runs without C2,
 * whose own allocations are as large as a small trace's, and with a Java heap that is of one size
 * and touched beforehand. The Java heap as a contender cannot be treated so: it starts with little
 * more than what the measurement itself needs, and may grow by four times the live bytes and at
 * least 256 MiB.
 */
public final class ContenderJvm {
  private static final long MIB = 1 << 20;
  private static final long LEAST_MIB = 64;
  private static final long LEAST_HEAP_MIB = 256;

  private ContenderJvm() {}

  /**
   * The flags.
   *
   * @param isHeap whether the contender is the Java heap
   * @param forMemory whether resident memory is measured
   * @param ownBytes what the measurement itself keeps on the Java heap
   * @param liveBytes the most that the contender will hold
   */
  public static List<String> flags(
      boolean isHeap, boolean forMemory, long ownBytes, long liveBytes) {
    List<String> flags = new ArrayList<>();
    if (Fork.inherited().stream().noneMatch(flag -> flag.matches("-XX:\\+Use\\w*GC"))) {
      flags.add(forMemory && !isHeap ? "-XX:+UseSerialGC" : "-XX:+UseParallelGC");
    }
    long mib = LEAST_MIB + ownBytes / MIB;
    if (isHeap) {
      flags.add("-Xms" + mib + "m");
      mib += Math.max(LEAST_HEAP_MIB, 4 * liveBytes / MIB);
    }
    flags.add("-Xmx" + mib + "m");
    if (forMemory) {
      flags.add("-XX:TieredStopAtLevel=1");
      if (!isHeap) {
        flags.addAll(List.of("-Xms" + mib + "m", "-XX:+AlwaysPreTouch"));
      }
    }
    return flags;
  }
}
