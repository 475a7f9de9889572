package org.kmem4j.perf.replay;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Progress;
import org.kmem4j.perf.TemporaryFile;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.groups.GroupReplayReport;
import org.kmem4j.perf.trace.Trace;
import org.kmem4j.perf.trace.TraceReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code kmem replay}: allocates and frees what real programs did, with several allocators.
 *
 * <p>Every phase of every allocator runs in a JVM of its own. Exit status 1 means that an object
 * leaked or was found corrupt, or that a run could not be done.
 */
@Command(
    name = "replay",
    mixinStandardHelpOptions = true,
    description = {
      "Replays allocation traces of real programs and compares allocators.",
      "Without a trace it takes those that ship with the project, from the smallest on."
    })
public final class ReplayCommand implements Callable<Integer> {
  private static final int USUAL_PASSES = 9;
  private static final int QUICK_PASSES = 3;

  @Spec private CommandSpec spec;

  @Parameters(
      paramLabel = "TRACE",
      description = "a shipped trace by its name (gcc, python), or the path of a NAME.mtr.gz")
  private List<String> traces = List.of();

  @Option(
      names = "--allocator",
      split = ",",
      paramLabel = "NAME",
      converter = AllocatorName.class,
      description =
          "slab, malloc, mimalloc, jemalloc, tcmalloc, heap, arena, heapZgc, nettyPooled, "
              + "nettyAdaptive, arrow, chronicle; usual are slab,malloc,mimalloc,heap")
  private List<Contender> allocators = List.of();

  @Option(
      names = "--threads",
      paramLabel = "N",
      converter = Threads.class,
      defaultValue = "1",
      description = "the trace's thread t runs on worker t mod N; 1 (usual) keeps the file's order")
  private int threads;

  @Option(
      names = "--passes",
      paramLabel = "K",
      converter = Passes.class,
      description = "timed passes, the first third to warm up; usual are 9, 0 times nothing")
  private Integer passes;

  @Option(
      names = "--forks",
      paramLabel = "F",
      converter = Forks.class,
      defaultValue = "1",
      description = "timed JVMs for each allocator, in turns; the median of all is reported")
  private int forks;

  @Option(
      names = "--verify",
      description = "also fill and check every byte of every object, and look for overlaps")
  private boolean verify;

  @Option(names = "--quick", description = "the smallest shipped trace only, and 3 passes")
  private boolean quick;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "write the results there; - is the standard output, the table then goes to "
              + "the standard error")
  private String json;

  @Option(
      names = "--groups",
      paramLabel = "N",
      converter = Groups.class,
      description = "spread the objects over N memory cgroups of this allocator; no timing then")
  private Integer groups;

  @Option(
      names = "--rotate",
      paramLabel = "M",
      converter = Rotation.class,
      defaultValue = "0",
      description = "with --groups: every M events one group is closed with its objects alive")
  private int rotate;

  @Option(names = "--sabotage", hidden = true)
  private boolean sabotage;

  @Override
  public Integer call() {
    if (passes == null) {
      passes = quick ? QUICK_PASSES : USUAL_PASSES;
    }
    List<Path> files = files();
    if (json != null && !isForTheConsole()) {
      JsonFile.check(Path.of(json));
    }
    if (groups != null) {
      return replayWithGroups(files);
    }
    if (rotate > 0) {
      throw new ParameterException(spec.commandLine(), "--rotate needs --groups");
    }
    List<Contender> chosen = installed(); // last: what it leaves out is a remark, not an error

    PrintWriter table = isForTheConsole() ? err() : out();
    List<Report> reports = new ArrayList<>();
    int jvms = files.size() * chosen.size() * (1 + (passes > 0 ? forks : 0) + (checks() ? 1 : 0));
    try (Progress progress = new Progress("replay", jvms)) {
      for (Path file : files) {
        Report report = replay(TraceReader.read(file), chosen, progress);
        reports.add(report);
        progress.aside(
            () -> {
              table.println(report.table());
              table.flush();
            });
      }
    }
    if (isForTheConsole()) {
      out().println(Report.toJson(reports));
      out().flush();
    } else if (json != null) {
      JsonFile.write(Path.of(json), Report.toJson(reports));
    }
    return reports.stream().allMatch(this::isClean) ? 0 : 1;
  }

  private int replayWithGroups(List<Path> files) {
    List<GroupReplayReport> reports = new ArrayList<>();
    for (Path file : files) {
      GroupReplayReport report = GroupReplayReport.of(TraceReader.read(file), groups, rotate);
      report.print(isForTheConsole() ? err() : out());
      reports.add(report);
    }
    if (isForTheConsole()) {
      out().println(Report.toJson(reports));
      out().flush();
    } else if (json != null) {
      JsonFile.write(Path.of(json), Report.toJson(reports));
    }
    return reports.stream().allMatch(GroupReplayReport::isClean) ? 0 : 1;
  }

  private Report replay(Trace trace, List<Contender> chosen, Progress progress) {
    Path program = null;
    try {
      program = Files.createTempFile("kmem-replay", ".program");
      Program.of(trace, threads).write(program);
      return replay(trace, program, chosen, progress);
    } catch (IOException e) {
      throw new KmemException(
          "The folder of temporary files, %s, cannot take %d MiB: %s; -Djava.io.tmpdir names another."
              .formatted(
                  System.getProperty("java.io.tmpdir"),
                  1 + trace.events() / (1 << 17),
                  e.getMessage()),
          e);
    } finally {
      TemporaryFile.delete(program);
    }
  }

  /** All phases of all allocators on one trace; forks take turns, so that a drift hits all. */
  private Report replay(Trace trace, Path program, List<Contender> chosen, Progress progress) {
    Map<Contender, List<Phase.Outcome>> outcomes = new EnumMap<>(Contender.class);
    List<Phase> phases = new ArrayList<>(List.of(Phase.MEMORY));
    if (checks()) {
      phases.add(sabotage ? Phase.SABOTAGE : Phase.VERIFY);
    }
    for (int fork = 0; passes > 0 && fork < forks; fork++) {
      phases.add(Phase.TIME);
    }
    for (Phase phase : phases) {
      for (Contender contender : chosen) {
        progress.now(trace.name() + " " + contender + " " + phase);
        Phase.Outcome outcome = new ChildJvm(trace, program, contender).run(phase, passes);
        outcomes.computeIfAbsent(contender, key -> new ArrayList<>()).add(outcome);
        progress.aside(() -> tell(trace, contender, outcome));
        progress.step(1);
      }
    }
    return new Report(
        trace.name(),
        trace.file().toString(),
        trace.events(),
        trace.maxLiveBytes(),
        threads,
        passes,
        forks,
        checks(),
        Runtime.version().toString(),
        chosen.stream().map(a -> run(trace, a, outcomes.get(a))).toList());
  }

  private static Report.Run run(Trace trace, Contender contender, List<Phase.Outcome> outcomes) {
    Phase.Outcome memory = outcomes.get(0);
    List<double[]> forks =
        outcomes.stream()
            .filter(outcome -> !outcome.passNanos().isEmpty())
            .map(
                outcome ->
                    outcome.passNanos().stream()
                        .mapToDouble(nanos -> (double) nanos / trace.events())
                        .sorted()
                        .toArray())
            .toList();
    // With one fork the spread is that of its passes, with several that of their medians.
    double[] times =
        forks.size() == 1
            ? forks.get(0)
            : forks.stream().mapToDouble(ReplayCommand::median).sorted().toArray();
    boolean timed = times.length > 0;
    Long resident = memory.peakResidentBytes();
    return new Report.Run(
        contender.toString(),
        memory.version(),
        timed ? median(times) : null,
        timed ? times[0] : null,
        timed ? times[times.length - 1] : null,
        memory.peakMappedBytes(),
        resident,
        resident == null || trace.maxLiveBytes() == 0
            ? null
            : (double) resident / trace.maxLiveBytes(),
        outcomes.stream().mapToLong(Phase.Outcome::leakedObjects).max().orElse(0),
        outcomes.stream().mapToLong(Phase.Outcome::corruptObjects).sum());
  }

  private static double median(double[] sorted) {
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private void tell(Trace trace, Contender contender, Phase.Outcome outcome) {
    for (String finding : outcome.findings()) {
      err().println("kmem: " + trace.name() + ", " + contender + ": " + finding + ".");
    }
    err().flush();
  }

  private boolean isClean(Report report) {
    boolean clean = true;
    for (Report.Run run : report.runs()) {
      if (!run.isClean()) {
        clean = false;
        err()
            .println(
                "kmem: %s leaked %d and corrupted %d objects of trace %s; both must be 0."
                    .formatted(
                        run.allocator(),
                        run.leakedObjects(),
                        run.corruptObjects(),
                        report.trace()));
      }
    }
    err().flush();
    return clean;
  }

  private boolean checks() {
    return verify || sabotage;
  }

  /** Those asked for, each of which must be there, or those of the usual ones that are. */
  private List<Contender> installed() {
    boolean asked = !allocators.isEmpty();
    List<Contender> chosen = new ArrayList<>();
    for (Contender contender : new LinkedHashSet<>(asked ? allocators : Contender.USUAL)) {
      if (contender.isInstalled()) {
        chosen.add(contender);
      } else if (asked) {
        throw new KmemException(contender.whatIsMissing() + ".");
      } else {
        err().println("kmem: " + contender.whatIsMissing() + "; it is left out.");
        err().flush();
      }
    }
    return chosen;
  }

  private List<Path> files() {
    ShippedTraces shipped = ShippedTraces.ofThisProject();
    if (!traces.isEmpty()) {
      return traces.stream().map(shipped::find).toList();
    }
    List<Path> all = shipped.all();
    return quick ? all.subList(0, 1) : all;
  }

  private boolean isForTheConsole() {
    return "-".equals(json);
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }

  private PrintWriter err() {
    return spec.commandLine().getErr();
  }

  /** Names are accepted in any case. */
  static final class AllocatorName implements ITypeConverter<Contender> {
    @Override
    public Contender convert(String name) {
      return Contender.named(name)
          .filter(Contender::isOfAnySize)
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "'%s' is no allocator; accepted are %s".formatted(name, Contender.names())));
    }
  }

  /** A whole number within bounds. */
  private abstract static class Within implements ITypeConverter<Integer> {
    private final int least;
    private final int most;

    Within(int least, int most) {
      this.least = least;
      this.most = most;
    }

    @Override
    public Integer convert(String value) {
      if (value.matches("\\d{1,9}")) {
        int number = Integer.parseInt(value);
        if (number >= least && number <= most) {
          return number;
        }
      }
      throw new TypeConversionException(
          "'%s', accepted are %d to %d".formatted(value, least, most));
    }
  }

  static final class Threads extends Within {
    Threads() {
      super(1, 256);
    }
  }

  static final class Passes extends Within {
    Passes() {
      super(0, 10_000);
    }
  }

  static final class Groups extends Within {
    Groups() {
      super(1, 100_000);
    }
  }

  static final class Rotation extends Within {
    Rotation() {
      super(0, 999_999_999);
    }
  }

  static final class Forks extends Within {
    Forks() {
      super(1, 1_000);
    }
  }
}
