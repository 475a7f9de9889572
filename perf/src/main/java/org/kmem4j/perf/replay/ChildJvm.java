package org.kmem4j.perf.replay;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.Kmem;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.trace.Trace;

/**
 * Runs a phase in a JVM of its own.
 *
 * <p>Memory phases must see the allocator's memory only. So they run without C2, whose own
 * allocations are as large as a small trace's, and with a Java heap that is of one size and touched
 * beforehand. The Java heap as a contender cannot be treated so: in every phase it starts with
 * little more than the program, and may grow by four times the live bytes and at least 256 MiB.
 */
final class ChildJvm {
  private static final long MIB = 1 << 20;
  private static final long LEAST_HEAP_MIB = 256;

  private final Trace trace;
  private final Path program;
  private final Contender contender;

  /** The program, written to a file, is the trace's. */
  ChildJvm(Trace trace, Path program, Contender contender) {
    this.trace = trace;
    this.program = program;
    this.contender = contender;
  }

  /** Runs the phase and returns what it found. */
  Phase.Outcome run(Phase phase, int passes) {
    Fork fork =
        new Fork(
            "The JVM of %s (%s, trace %s)".formatted(contender, phase, trace.name()),
            flags(phase),
            Kmem.class,
            List.of(
                "replay-child",
                "--allocator=" + contender.name(),
                "--phase=" + phase.name(),
                "--passes=" + passes,
                "--",
                program.toString()));
    return fork.run(Phase.Outcome.class, ProcessBuilder.Redirect.INHERIT);
  }

  private List<String> flags(Phase phase) {
    List<String> flags = new ArrayList<>(contender.flags());
    if (Fork.inherited().stream().anyMatch(Contender::choosesCollector)) {
      flags.removeIf(Contender::choosesCollector); // Two would be refused.
    } else if (flags.stream().noneMatch(Contender::choosesCollector)) {
      flags.add(phase == Phase.MEMORY ? "-XX:+UseSerialGC" : "-XX:+UseParallelGC");
    }
    flags.addAll(heapFlags(phase));
    return flags;
  }

  private List<String> heapFlags(Phase phase) {
    // The program, the tables by cell, then ledger and arenas, which grow with what is live.
    long bytes = 8L * trace.events() + 32L * trace.objects() + trace.maxLiveBytes() / 4;
    long mib = 64 + bytes / MIB;
    List<String> flags = new ArrayList<>();
    if (isHeap()) {
      flags.add("-Xms" + mib + "m");
      mib += Math.max(LEAST_HEAP_MIB, 4 * trace.maxLiveBytes() / MIB);
    }
    flags.add("-Xmx" + mib + "m");
    if (phase == Phase.MEMORY) {
      flags.add("-XX:TieredStopAtLevel=1");
      if (!isHeap()) {
        flags.addAll(List.of("-Xms" + mib + "m", "-XX:+AlwaysPreTouch"));
      }
    }
    return flags;
  }

  private boolean isHeap() {
    return contender == Contender.HEAP || contender == Contender.HEAP_ZGC;
  }
}
