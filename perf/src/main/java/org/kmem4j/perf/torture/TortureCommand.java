package org.kmem4j.perf.torture;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import java.util.logging.Logger;
import org.agrona.SystemUtil;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.contender.ContenderJvm;
import org.kmem4j.perf.torture.Outcome.Share;
import org.kmem4j.perf.torture.Outcome.Visit;
import org.kmem4j.perf.torture.Plan.Plant;
import org.kmem4j.perf.torture.Violation.Kind;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code kmem torture}: does everything at once, at random, and checks all of it. */
@Command(
    name = "torture",
    mixinStandardHelpOptions = true,
    description = {
      "Does at random, on threads of every kind, all that the allocator can do, lets system calls,"
          + " charges and constructors fail, and checks contents and owner of each object and,"
          + " about once a second, all books.",
      "Runs in a JVM of its own. Exit status 1 if anything was wrong."
    })
public final class TortureCommand implements Callable<Integer> {
  private static final long MIN_MAX = 16 << 20;
  private static final long MAX_MAX = 1 << 30;
  private static final long HEAP_MIB = 128;
  private static final int SOAK_MINUTES = 30;
  private static final int SABOTAGE_SECONDS = 4;

  @Spec private CommandSpec spec;

  @Option(names = "--minutes", paramLabel = "N", description = "how long; usual is 1")
  private Integer minutes;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "as well, or instead; the two together are the whole time, also of a soak")
  private Integer seconds;

  @Option(
      names = "--threads",
      paramLabel = "T",
      defaultValue = "8",
      description = "steady, dying, virtual and parked ones in turn; usual is 8")
  private int threads;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "of all random numbers; usual is a new one, which is printed")
  private Long seed;

  @Option(
      names = "--max",
      paramLabel = "SIZE",
      defaultValue = "64m",
      description = "the allocator's ceiling, 16m to 1g; usual is 64m")
  private String max;

  @Option(
      names = "--faults",
      negatable = true,
      defaultValue = "true",
      fallbackValue = "true",
      description = "let things fail; usual, --no-faults switches it off")
  private boolean faults;

  @Option(names = "--soak", description = "half an hour, unless told otherwise")
  private boolean soak;

  @Option(
      names = "--sabotage",
      description =
          "break three things on purpose, each in a short run: each must be found; not with --soak")
  private boolean sabotage;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "write the results there: an object; with --sabotage an array of three")
  private Path json;

  @Override
  public Integer call() {
    check("--minutes", minutes, 0, 10_000);
    check("--seconds", seconds, 0, 600_000);
    check("--threads", threads, 1, 64);
    if (sabotage && soak) {
      throw bad(
          "--sabotage and --soak: accepted is one of them, for a sabotage ends when it is found");
    }
    Plan plan = new Plan(duration(), threads, seed(), ceiling(), faults, Plant.NOTHING);
    if (json != null) {
      JsonFile.check(json);
    }
    return sabotage ? sabotage(plan) : torture(plan);
  }

  private void check(String option, Integer value, int least, int most) {
    if (value != null && (value < least || value > most)) {
      throw bad("%s %d, accepted are %d to %d".formatted(option, value, least, most));
    }
  }

  private ParameterException bad(String sentence) {
    return new ParameterException(spec.commandLine(), sentence);
  }

  private long duration() {
    if (minutes == null && seconds == null) {
      return 60L * (soak ? SOAK_MINUTES : 1);
    }
    long all = 60L * (minutes == null ? 0 : minutes) + (seconds == null ? 0 : seconds);
    if (all == 0) {
      throw bad("--minutes and --seconds make up 0, accepted is a second or more");
    }
    return all;
  }

  private long seed() {
    return seed != null ? seed : ThreadLocalRandom.current().nextLong(1L << 32);
  }

  private long ceiling() {
    long bytes = -1;
    try {
      bytes = SystemUtil.parseSize("--max", max);
    } catch (NumberFormatException e) {
      // said below
    }
    if (bytes < MIN_MAX || bytes > MAX_MAX) {
      throw bad("--max %s, accepted are 16m to 1g".formatted(max));
    }
    return bytes;
  }

  // ------------------------------------------------------------------ runs

  private int torture(Plan plan) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "torture: %d s, %d threads, ceiling %d MiB, %s, seed %d%n",
        plan.seconds(),
        plan.threads(),
        plan.maxBytes() >> 20,
        plan.faults() ? "faults injected" : "no faults",
        plan.seed());
    out.flush();
    Outcome outcome = run(plan);
    print(out, outcome);
    if (json != null) {
      JsonFile.write(json, JsonFile.toJson(outcome));
    }
    boolean grown = outcome.isLong() && !outcome.isFlat();
    return outcome.violations() > 0 || grown ? 1 : 0;
  }

  /** Runs a plan in a JVM of its own, which may crash. */
  private static Outcome run(Plan plan) {
    List<String> flags = new ArrayList<>(List.of("-ea", "-XX:+AlwaysPreTouch"));
    long mib =
        HEAP_MIB
            + (Ownership.bytesFor(plan.maxBytes())
                    + Ownership.bytesFor(World.visitedBytes(plan.maxBytes()))
                >> 20);
    flags.addAll(List.of("-Xms" + mib + "m", "-Xmx" + mib + "m"));
    ContenderJvm.chooseCollector(flags, "-XX:+UseSerialGC");
    var arguments =
        List.of(
            Long.toString(plan.seconds()),
            Integer.toString(plan.threads()),
            Long.toString(plan.seed()),
            Long.toString(plan.maxBytes()),
            Boolean.toString(plan.faults()),
            plan.plant().name());
    try {
      return new Fork("The JVM that was tortured", flags, Child.class, arguments)
          .run(Outcome.class, ProcessBuilder.Redirect.INHERIT);
    } catch (KmemException e) {
      throw new KmemException(e.getMessage() + " The seed was " + plan.seed() + ".", e);
    }
  }

  /** What runs in that JVM. */
  static final class Child {
    /** Held, for a logger that nobody holds forgets its filter. */
    private static final Logger LOGGER = Logger.getLogger("org.kmem4j.memcg");

    private Child() {}

    public static void main(String[] arguments) throws InterruptedException, IOException {
      LOGGER.setFilter(record -> !(record.getThrown() instanceof Faults.Injected)); // no news
      Plan plan =
          new Plan(
              Long.parseLong(arguments[0]),
              Integer.parseInt(arguments[1]),
              Long.parseLong(arguments[2]),
              Long.parseLong(arguments[3]),
              Boolean.parseBoolean(arguments[4]),
              Plant.valueOf(arguments[5]));
      Fork.answer(new Torture(plan).run());
      System.exit(0); // a thread that hangs would keep it
    }
  }

  private int sabotage(Plan plan) {
    PrintWriter out = spec.commandLine().getOut();
    List<Outcome> outcomes = new ArrayList<>();
    boolean all = true;
    for (Plant plant : List.of(Plant.DOUBLE_HANDOUT, Plant.LOST_CHARGE, Plant.STUCK_GROUP)) {
      long time = minutes == null && seconds == null ? SABOTAGE_SECONDS : plan.seconds();
      Outcome outcome =
          run(new Plan(time, plan.threads(), plan.seed(), plan.maxBytes(), false, plant));
      boolean found = outcome.found().equals(findingOf(plant).name());
      all &= found;
      out.printf(
          "%s: %s%s%n",
          plant.name().toLowerCase(Locale.ROOT).replace('_', ' '),
          found ? "found: " : "NOT FOUND, seed " + plan.seed() + ": ",
          outcome.report());
      out.flush();
      outcomes.add(outcome);
    }
    out.println(all ? "All three were found." : "Not all three were found.");
    out.flush();
    if (json != null) {
      JsonFile.write(json, JsonFile.toJson(outcomes));
    }
    return all ? 0 : 1;
  }

  /** As what kind of violation something planted must show. */
  static Kind findingOf(Plant plant) {
    return switch (plant) {
      case NOTHING -> throw new IllegalArgumentException("nothing is planted");
      case DOUBLE_HANDOUT -> Kind.OWNER;
      case LOST_CHARGE -> Kind.CHARGES;
      case STUCK_GROUP -> Kind.STUCK_GROUP;
    };
  }

  // ------------------------------------------------------------------ reports

  private void print(PrintWriter out, Outcome outcome) {
    long operations = Math.max(1, outcome.operations());
    out.println(
        Table.of(
            outcome.mix(),
            List.of(
                Table.text("what was done", Share::what),
                Table.number("times", share -> "%,d".formatted(share.calls())),
                Table.number("operations", share -> "%,d".formatted(share.operations())),
                Table.number(
                    "of all",
                    share -> "%.3f %%".formatted(100.0 * share.operations() / operations)),
                Table.text("grace period", share -> share.gracePeriod() ? "yes" : ""))));
    out.println(
        Table.of(
            outcome.intervals(),
            List.of(
                Table.number("second", row -> Long.toString(row.second())),
                Table.number("operations", row -> "%,d".formatted(row.operations())),
                Table.number("allocator resident MiB", row -> mib(row.residentBytes())),
                Table.number("when all is freed", row -> mib(row.emptyBytes())),
                Table.number("process then", row -> mib(row.processBytes())))));
    out.println(
        Table.of(
            outcome.visits(),
            List.of(
                Table.text("with another allocator", Visit::settings),
                Table.number("seconds", row -> "%.1f".formatted(row.seconds())),
                Table.number("operations", row -> "%,d".formatted(row.operations())))));
    long waits = outcome.mix().stream().filter(Share::gracePeriod).mapToLong(Share::calls).sum();
    out.printf(
        "%,d operations in %.1f s (%,.0f a second), %,d of them refused or failed; %,d faults"
            + " injected, %,d groups closed, %,d grace periods; one thing in %,.0f operations"
            + " waits for one. Checked at rest %,d times.%n",
        outcome.operations(),
        outcome.seconds(),
        outcome.operations() / outcome.seconds(),
        outcome.refusals(),
        outcome.faultsInjected(),
        outcome.groupsClosed(),
        outcome.gracePeriods(),
        (double) operations / Math.max(1, waits),
        outcome.quietPoints());
    out.printf(
        "Allocator resident: at most %s MiB of %s, %s MiB after everything was freed. %s%n",
        mib(outcome.peakResidentBytes()),
        mib(outcome.maxBytes()),
        mib(outcome.endResidentBytes()),
        flatness(outcome));
    out.println(
        outcome.violations() == 0
            ? "No violation. Seed " + outcome.seed() + "."
            : "VIOLATION (%s): %s. Seed %d."
                .formatted(outcome.found(), outcome.report(), outcome.seed()));
    out.flush();
  }

  private static String flatness(Outcome outcome) {
    if (!outcome.isLong()) {
      return "Too short to tell whether it grows.";
    }
    return outcome.isFlat()
        ? "Flat: what is left when all is freed does not grow from the second quarter of the run to"
            + " the last."
        : "NOT FLAT: what is left when all is freed grows from the second quarter of the run to the"
            + " last.";
  }

  private static String mib(long bytes) {
    return String.format(Locale.ROOT, "%.1f", bytes / 1048576.0);
  }
}
