package org.kmem4j.perf;

import java.io.PrintWriter;
import org.kmem4j.SlabAllocator;
import org.kmem4j.perf.bench.BenchCommand;
import org.kmem4j.perf.demo.DemoCommand;
import org.kmem4j.perf.groups.ChurnCommand;
import org.kmem4j.perf.groups.InterferenceCommand;
import org.kmem4j.perf.groups.ReparentCommand;
import org.kmem4j.perf.groups.TreeCommand;
import org.kmem4j.perf.latency.LatencyCommand;
import org.kmem4j.perf.replay.ReplayChildCommand;
import org.kmem4j.perf.replay.ReplayCommand;
import org.kmem4j.perf.torture.TortureCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code kmem} command, which {@code bin/kmem} starts.
 *
 * <p>Exit status: 0 when all went well, 1 when a run failed or found corrupt or leaked objects, 2
 * when the command line was wrong.
 */
@Command(
    name = "kmem",
    mixinStandardHelpOptions = true,
    version = "kmem4j perf",
    description = "Measures and inspects the Kmem4j allocator.",
    subcommands = {
      ReplayCommand.class,
      BenchCommand.class,
      DemoCommand.class,
      ReparentCommand.class,
      ChurnCommand.class,
      TreeCommand.class,
      InterferenceCommand.class,
      LatencyCommand.class,
      TortureCommand.class,
      LayoutCommand.class,
      ReplayChildCommand.class
    })
public final class Kmem implements Runnable {
  @Spec private CommandSpec spec;

  /** Runs the command line and exits with its status. */
  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** The command line as {@link #main} runs it; tests hand it writers of their own. */
  static CommandLine commandLine() {
    CommandLine commandLine = new CommandLine(new Kmem());
    commandLine.setExecutionExceptionHandler(Kmem::report);
    commandLine.setParameterExceptionHandler(Kmem::refuse);
    commandLine.setExecutionStrategy(Kmem::execute);
    return commandLine;
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "Missing subcommand: replay, bench, demo, reparent, churn, interference, latency, torture,"
            + " tree or layout.");
  }

  /** Looks at the properties first: otherwise each JVM that is started would show a stack. */
  private static int execute(CommandLine.ParseResult parsed) {
    if (CommandLine.printHelpIfRequested(parsed)) {
      return 0;
    }
    try {
      SlabAllocator.builder();
    } catch (IllegalArgumentException e) {
      CommandLine command = parsed.asCommandLineList().getLast();
      throw new ParameterException(command, e.getMessage(), e);
    }
    return new CommandLine.RunLast().execute(parsed);
  }

  /** Says what was wrong; the whole usage behind it would push it off the screen. */
  private static int refuse(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    PrintWriter err = command.getErr();
    err.println(failure.getMessage());
    UnmatchedArgumentException.printSuggestions(failure, err);
    err.println(command.getCommandSpec().qualifiedName() + " --help tells more");
    err.flush();
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static int report(Exception failure, CommandLine command, CommandLine.ParseResult parsed)
      throws Exception {
    if (!(failure instanceof KmemException)) {
      throw failure; // Our mistake: picocli prints the stack.
    }
    PrintWriter err = command.getErr();
    err.println("kmem: " + failure.getMessage());
    err.flush();
    return 1;
  }
}
