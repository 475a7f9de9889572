package org.kmem4j.perf.replay;

import java.nio.file.Path;
import java.util.List;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.Kmem;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.contender.ContenderJvm;
import org.kmem4j.perf.trace.Trace;

/** Runs a phase in a JVM of its own. */
final class ChildJvm {
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

  /** On the heap are the program, the tables by cell, then ledger and arenas, as large as live. */
  private List<String> flags(Phase phase) {
    long bytes = 8L * trace.events() + 32L * trace.objects() + trace.maxLiveBytes() / 4;
    return ContenderJvm.flags(
        contender, phase == Phase.MEMORY, bytes, trace.maxLiveBytes(), trace.maxLiveObjects());
  }
}
