package org.kmem4j.perf.groups;

import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmem tree}: the groups of the run just made. */
@Command(
    name = "tree",
    mixinStandardHelpOptions = true,
    description = "Shows the groups of the latest replay --groups: usage, peak, limits, dying.")
public final class TreeCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    out.println(GroupTable.of(GroupTable.load()));
    out.flush();
  }
}
