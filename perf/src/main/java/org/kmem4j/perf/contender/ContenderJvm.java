package org.kmem4j.perf.contender;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.Fork;

/**
 * The flags of a JVM in which one contender is watched: its own, and as much heap as is needed.
 *
 * <p>Where memory is measured, it must be the contender's only. So such a JVM runs without C2,
 * whose own allocations are as large as a small trace's, and with a Java heap that is of one size
 * and touched beforehand. The Java heap as a contender cannot be treated so: it starts with little
 * more than what the measurement itself needs, and may grow by four times the live bytes and at
 * least 256 MiB. Contenders that have an object on the Java heap for each of native memory are
 * given room for it there, and it is not counted.
 */
public final class ContenderJvm {
  private static final long MIB = 1 << 20;
  private static final long LEAST_MIB = 64;
  private static final long LEAST_HEAP_MIB = 256;

  /** What Arrow has for each buffer; others have less. */
  private static final long BUFFER_OBJECT_BYTES = 160;

  private ContenderJvm() {}

  /**
   * The flags.
   *
   * @param forMemory whether resident memory is measured
   * @param ownBytes what the measurement itself keeps on the Java heap
   * @param liveBytes the most that the contender will hold
   * @param liveObjects the most objects
   */
  public static List<String> flags(
      Contender contender, boolean forMemory, long ownBytes, long liveBytes, long liveObjects) {
    List<String> flags = new ArrayList<>(contender.flags());
    chooseCollector(flags, forMemory ? "-XX:+UseSerialGC" : "-XX:+UseParallelGC");
    long mib = LEAST_MIB + ownBytes / MIB;
    long most = Math.max(LEAST_HEAP_MIB, 4 * liveBytes / MIB);
    if (isHeap(contender)) {
      flags.add("-Xms" + mib + "m");
      mib += most;
    } else if (contender.hasBufferObjects()) {
      mib += liveObjects * BUFFER_OBJECT_BYTES / MIB;
      flags.add("-XX:MaxDirectMemorySize=" + most + "m");
    }
    flags.add("-Xmx" + mib + "m");
    if (forMemory) {
      flags.add("-XX:TieredStopAtLevel=1");
      if (!isHeap(contender)) {
        flags.addAll(List.of("-Xms" + mib + "m", "-XX:+AlwaysPreTouch"));
      }
    }
    return flags;
  }

  /** Whether the objects are on the Java heap. */
  public static boolean isHeap(Contender contender) {
    return contender == Contender.HEAP || contender == Contender.HEAP_ZGC;
  }

  /** Adds a collector, unless there is one or this JVM's own is inherited: two are refused. */
  public static void chooseCollector(List<String> flags, String collector) {
    if (Fork.inherited().stream().anyMatch(Contender::choosesCollector)) {
      flags.removeIf(Contender::choosesCollector);
    } else if (flags.stream().noneMatch(Contender::choosesCollector)) {
      flags.add(collector);
    }
  }
}
