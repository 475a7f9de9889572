package org.kmem4j.perf.replay;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.Kmem;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.trace.Trace;

/**
 * Runs a phase in a JVM of its own, with this one's class path, flags and properties.
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
  private final Allocator allocator;

  /** The program, written to a file, is the trace's. */
  ChildJvm(Trace trace, Path program, Allocator allocator) {
    this.trace = trace;
    this.program = program;
    this.allocator = allocator;
  }

  /** Runs the phase and returns what it found. */
  Phase.Outcome run(Phase phase, int passes) {
    Path result = null;
    Process child = null;
    try {
      result = Files.createTempFile("kmem-replay", ".json");
      Process started =
          new ProcessBuilder(command(phase, passes, result))
              .redirectOutput(ProcessBuilder.Redirect.INHERIT)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      child = started;
      Thread killer = new Thread(started::destroyForcibly);
      Runtime.getRuntime().addShutdownHook(killer);
      int status = child.waitFor();
      Runtime.getRuntime().removeShutdownHook(killer);
      if (status != 0) {
        throw new KmemException(
            "The JVM of %s (%s, trace %s) ended with exit status %d; what it said is above."
                .formatted(allocator, phase, trace.name(), status));
      }
      return new ObjectMapper().readValue(result.toFile(), Phase.Outcome.class);
    } catch (IOException e) {
      throw new KmemException(
          "The JVM of %s could not be run: %s.".formatted(allocator, e.getMessage()), e);
    } catch (InterruptedException e) {
      throw new KmemException("The replay was interrupted.", e);
    } finally {
      if (child != null) {
        child.destroyForcibly();
      }
      delete(result);
    }
  }

  private List<String> command(Phase phase, int passes, Path result) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    List<String> inherited =
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
            .filter(argument -> !argument.startsWith("-agentlib:jdwp"))
            .toList();
    if (inherited.stream().noneMatch(argument -> argument.matches("-XX:\\+Use\\w*GC"))) {
      command.add(phase == Phase.MEMORY && !isHeap() ? "-XX:+UseSerialGC" : "-XX:+UseParallelGC");
    }
    command.addAll(heapFlags(phase));
    command.addAll(inherited); // Later ones win: what the user asked for comes last.
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Kmem.class.getName()));
    command.addAll(
        List.of(
            "replay-child",
            "--allocator=" + allocator.name(),
            "--phase=" + phase.name(),
            "--passes=" + passes,
            "--result=" + result,
            "--",
            program.toString()));
    return command;
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
    return allocator == Allocator.HEAP;
  }

  /** Deletes a temporary file, or nothing if there is none. */
  static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      // A temporary file stays behind: the system clears it away.
    }
  }
}
