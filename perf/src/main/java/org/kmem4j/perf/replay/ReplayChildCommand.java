package org.kmem4j.perf.replay;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.contender.Threads;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** One phase with one allocator in a JVM of its own; {@link ChildJvm} starts it and reads on. */
@Command(name = "replay-child", hidden = true)
public final class ReplayChildCommand implements Runnable {
  @Parameters private Path programFile;

  @Option(names = "--allocator", required = true)
  private Contender contender;

  @Option(names = "--phase", required = true)
  private Phase phase;

  @Option(names = "--passes", required = true)
  private int passes;

  @Override
  public void run() {
    try {
      Program program = Program.read(programFile);
      try (Allocator allocator = open(program)) {
        AtomicReference<Phase.Outcome> outcome = new AtomicReference<>();
        Threads.run(
            allocator.threads(),
            List.of(() -> outcome.set(phase.run(program, allocator, passes))),
            () -> {});
        Fork.answer(outcome.get());
      }
    } catch (OutOfMemoryError e) {
      throw new KmemException(
          "The Java heap is full (" + e.getMessage() + "); KMEM_JAVA_OPTS=-Xmx8g gives it more.",
          e);
    } catch (InterruptedException e) {
      throw new KmemException("The replay was interrupted.", e);
    } catch (IOException e) {
      throw new KmemException(
          "The replay cannot be passed between JVMs: " + e.getMessage() + ".", e);
    }
  }

  /** A bad {@code kmem4j.} property is found here, by the allocator that reads it. */
  private Allocator open(Program program) {
    try {
      return contender.open(program.cells(), program.workers() > 1);
    } catch (IllegalArgumentException e) {
      throw new KmemException(contender + " cannot be set up: " + e.getMessage() + ".", e);
    }
  }
}
