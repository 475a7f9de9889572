package org.kmem4j.perf;

import java.io.PrintWriter;
import org.kmem4j.NativeLayout;
import org.kmem4j.memcg.MemcgLayout;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kmem layout}: prints every native struct as the code lays it out. */
@Command(
    name = "layout",
    mixinStandardHelpOptions = true,
    description = "Prints the layout of the native structs.")
final class LayoutCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    out.print(NativeLayout.print() + MemcgLayout.print());
    out.flush();
  }
}
