package org.kmem4j.perf.groups;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.Progress;
import org.kmem4j.perf.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code kmem churn}: days of short-lived workloads that share objects, executed in the original
 * scheme, where pages keep closed groups alive, and with reparenting.
 */
@Command(
    name = "churn",
    mixinStandardHelpOptions = true,
    description = {
      "Runs days of short-lived workloads that share some of their objects, each in a new group,",
      "in the original scheme and with reparenting, and counts the groups that do not go away."
    })
public final class ChurnCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--days",
      paramLabel = "N",
      defaultValue = "7",
      description = "how many days, of " + Churn.WORKLOADS_PER_DAY + " workloads each; usual is 7")
  private int days;

  @Option(
      names = "--sharing",
      paramLabel = "PERCENT",
      defaultValue = "0.5",
      description = "of a hundred objects, how many are shared; usual is 0.5, 0 is the control")
  private double sharing;

  @Option(names = "--seed", paramLabel = "S", defaultValue = "42", description = "of the events")
  private long seed;

  @Option(names = "--json", paramLabel = "FILE", description = "write the results there")
  private Path json;

  /** One day in both schemes, as JSON names it. */
  record Row(
      int day,
      double originalDying,
      double reparentDying,
      double originalHeldMiB,
      double reparentHeldMiB,
      int lingeringCaches) {}

  @Override
  public Integer call() throws Exception {
    check("--days", days, 0, 1000);
    check("--sharing", sharing, 0, 100);
    if (json != null) {
      JsonFile.check(json);
    }
    Churn churn = new Churn(days, sharing, seed);
    List<Churn.Day> original;
    List<Churn.Day> reparenting;
    try (Progress progress = new Progress("churn", 2L * (days + 1))) {
      original = churn.original(day -> tell(progress, "original", day));
      reparenting = churn.reparenting(day -> tell(progress, "reparenting", day));
    }
    List<Row> rows = new ArrayList<>();
    for (int day = 0; day <= days; day++) {
      rows.add(
          new Row(
              day,
              original.get(day).dying(),
              reparenting.get(day).dying(),
              mib(original.get(day).heldBytes()),
              mib(reparenting.get(day).heldBytes()),
              reparenting.get(day).lingering()));
    }
    print(rows);
    if (json != null) {
      JsonFile.write(json, JsonFile.toJson(Map.of("rows", rows)));
    }
    return 0;
  }

  private static void tell(Progress progress, String scheme, int day) {
    progress.now(scheme + ", day " + day);
    progress.step(1);
  }

  private void check(String option, double value, int least, int most) {
    if (value < least || value > most) {
      throw new ParameterException(
          spec.commandLine(), "%s %s, accepted are %d to %d".formatted(option, value, least, most));
    }
  }

  private static double mib(long bytes) {
    return Math.round(bytes / 1048576.0 * 100) / 100.0;
  }

  private void print(List<Row> rows) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        Table.of(
            rows,
            List.of(
                Table.number("day", row -> Integer.toString(row.day)),
                Table.number("original: dying", row -> one(row.originalDying)),
                Table.number("published", row -> published(Churn.PUBLISHED_ORIGINAL, row.day)),
                Table.number("held MiB", row -> one(row.originalHeldMiB)),
                Table.number("reparenting: dying", row -> one(row.reparentDying)),
                Table.number("published", row -> published(Churn.PUBLISHED_REPARENTING, row.day)),
                Table.number("held MiB", row -> one(row.reparentHeldMiB)),
                Table.number("lingering caches", row -> Integer.toString(row.lingeringCaches)))));
    out.println(
        "dying: closed groups that are not released, the mean over the day. held: what they and"
            + " caches that outlive their group take beside live objects. Published: hosts of"
            + " another kind and size; the shape is to be compared, not the numbers.");
    out.flush();
  }

  private static String one(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private static String published(List<Integer> run, int day) {
    return day < run.size() ? run.get(day).toString() : "";
  }
}
