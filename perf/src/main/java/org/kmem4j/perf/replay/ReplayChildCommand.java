package org.kmem4j.perf.replay;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.kmem4j.perf.KmemException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One phase with one allocator in a JVM of its own; {@link ChildJvm} starts it and reads on. */
@Command(name = "replay-child", hidden = true)
public final class ReplayChildCommand implements Runnable {
  @Parameters private Path programFile;

  @Option(names = "--allocator", required = true)
  private Allocator allocator;

  @Option(names = "--phase", required = true)
  private Phase phase;

  @Option(names = "--passes", required = true)
  private int passes;

  @Option(names = "--result", required = true)
  private Path result;

  @Override
  public void run() {
    try {
      Program program = Program.read(programFile);
      try (Contender contender = open(program)) {
        Phase.Outcome outcome = phase.run(program, contender, passes);
        new ObjectMapper().writeValue(result.toFile(), outcome);
      }
    } catch (OutOfMemoryError e) {
      throw new KmemException(
          "The Java heap is full (" + e.getMessage() + "); KMEM_JAVA_OPTS=-Xmx8g gives it more.",
          e);
    } catch (IOException e) {
      throw new KmemException(
          "The replay cannot be passed between JVMs: " + e.getMessage() + ".", e);
    }
  }

  /** A bad {@code kmem4j.} property is found here, by the allocator that reads it. */
  private Contender open(Program program) {
    try {
      return allocator.open(program.cells(), program.workers() > 1);
    } catch (IllegalArgumentException e) {
      throw new KmemException(allocator + " cannot be set up: " + e.getMessage() + ".", e);
    }
  }
}
