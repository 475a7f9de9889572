package org.kmem4j.perf.groups;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.Progress;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.groups.Interference.Neighbour;
import org.kmem4j.perf.groups.Interference.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kmem interference}: what one tenant notices of another. */
@Command(
    name = "interference",
    mixinStandardHelpOptions = true,
    description = {
      "Times each pair of tenant B while a neighbour hammers tenant A's limit or moves it, closes"
          + " groups, or gives memory back; and with the agent alone.",
      "Rounds take turns; the one with the median p99.9 is shown."
    })
public final class InterferenceCommand implements Callable<Integer> {
  private static final int ROUNDS = 5;

  @Spec private CommandSpec spec;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "2",
      description = "for each neighbour and round, of which there are " + ROUNDS + "; usual is 2")
  private int seconds;

  @Option(names = "--json", paramLabel = "FILE", description = "write the results there")
  private Path json;

  @Override
  public Integer call() throws Exception {
    if (seconds < 1 || seconds > 600) {
      throw new ParameterException(
          spec.commandLine(), "--seconds %d, accepted are 1 to 600".formatted(seconds));
    }
    if (json != null) {
      JsonFile.check(json);
    }
    Neighbour[] neighbours = Neighbour.values();
    List<List<Row>> rounds = new ArrayList<>();
    try (Progress progress = new Progress("interference", (long) ROUNDS * neighbours.length);
        Interference interference = new Interference()) {
      for (int round = 0; round < ROUNDS; round++) {
        for (Neighbour neighbour : neighbours) {
          progress.now(neighbour.title);
          if (round == 0) {
            rounds.add(new ArrayList<>());
          }
          rounds
              .get(neighbour.ordinal())
              .add(interference.run(neighbour, seconds * 1_000_000_000L));
          progress.step(1);
        }
      }
    }
    List<Row> rows =
        rounds.stream()
            .map(of -> of.stream().sorted(Comparator.comparingLong(Row::p999)).toList())
            .map(sorted -> sorted.get(ROUNDS / 2))
            .toList();
    print(rows);
    if (json != null) {
      JsonFile.write(json, JsonFile.toJson(Map.of("rows", rows)));
    }
    return 0;
  }

  private void print(List<Row> rows) {
    PrintWriter out = spec.commandLine().getOut();
    double quiet = rows.getFirst().p999();
    out.println(
        Table.of(
            rows,
            List.of(
                Table.text("the neighbour does", Row::neighbour),
                Table.number("a second", row -> "%,d".formatted(row.operations())),
                Table.number("p50 ns", row -> Long.toString(row.p50())),
                Table.number("p99 ns", row -> Long.toString(row.p99())),
                Table.number("p99.9 ns", row -> Long.toString(row.p999())),
                Table.number("÷ undisturbed", row -> "%.2f".formatted(row.p999() / quiet)),
                Table.number("p99.99 ns", row -> "%,d".formatted(row.p9999())),
                Table.number("max ns", row -> "%,d".formatted(row.max())),
                Table.number(
                    "grace periods/s", row -> "%,.1f".formatted(row.gracePeriodsPerSecond())),
                Table.number("madvise/s", row -> "%,.1f".formatted(row.madvisePerSecond())))));
    out.flush();
  }
}
