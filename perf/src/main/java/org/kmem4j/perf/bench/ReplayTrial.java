package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.program.Candidates;
import org.kmem4j.perf.replay.PreparedTrace;

/**
 * Replays traces with one contender, a JVM for each. The score is the geometric mean over the
 * traces, so that a ratio of scores is the geometric mean of the traces' ratios.
 *
 * @param isOfMemory whether memory is measured instead of time
 * @param passes the first third warms up
 */
record ReplayTrial(
    boolean isOfMemory, String contender, List<Path> traces, Map<String, String> params, int passes)
    implements Trial {
  /** Whose time is asked for: the C allocators beside ours. */
  static final String[] CONTENDERS = {"slab", "malloc", "mimalloc", "jemalloc", "tcmalloc"};

  static final String[] MEMORY_CONTENDERS = Candidates.ofAnySize().toArray(String[]::new);

  private static final int USUAL_PASSES = 9;
  private static final int QUICK_PASSES = 3;
  private static final Duration OF_A_TRACE = Duration.ofMillis(1500);
  private static final double MIB = 1 << 20;

  static List<Trial> all(Settings settings, boolean isOfMemory) {
    List<Path> traces = PreparedTrace.files(settings.quick());
    Map<String, String> params =
        Map.of("traces", traces.stream().map(PreparedTrace::name).collect(Collectors.joining("+")));
    int passes = settings.quick() ? QUICK_PASSES : USUAL_PASSES;
    List<Trial> trials = new ArrayList<>();
    for (String contender : isOfMemory ? MEMORY_CONTENDERS : CONTENDERS) {
      trials.add(new ReplayTrial(isOfMemory, contender, traces, params, passes));
    }
    return trials;
  }

  @Override
  public Question question() {
    return isOfMemory ? Question.TRACE_MEMORY : Question.REPLAY;
  }

  @Override
  public Duration estimate() {
    return OF_A_TRACE.plusMillis(isOfMemory ? 0 : 100L * passes).multipliedBy(traces.size());
  }

  @Override
  public Outcome run(PrintStream log) {
    Contender replayed = Candidates.contender(contender);
    List<Reading> readings = new ArrayList<>();
    List<Curve> curves = new ArrayList<>();
    double logarithms = 0;
    for (Path file : traces) {
      PreparedTrace trace = PreparedTrace.of(file);
      double value;
      if (isOfMemory) {
        PreparedTrace.Memory memory = trace.memory(replayed);
        value = memory.peakOfLive();
        curves.addAll(curves(trace.name(), memory));
      } else {
        value = trace.nanosPerEvent(replayed, passes);
      }
      readings.add(reading("." + trace.name(), value));
      logarithms += Math.log(value);
    }
    readings.addFirst(reading("", Math.exp(logarithms / traces.size())));
    return new Outcome(readings, curves);
  }

  private Reading reading(String what, double value) {
    String unit = isOfMemory ? "resident ÷ live" : "ns/event";
    return new Reading(new Reading.Key(question(), contender + what, params, unit), value, null);
  }

  /** What is resident, with what is live beside it, and the one ÷ the other. */
  private List<Curve> curves(String trace, PreparedTrace.Memory memory) {
    double[] x = memory.events();
    return List.of(
        curve(contender, trace + ": resident", "MiB", x, mib(memory.residentBytes())),
        curve("live", trace + ": resident", "MiB", x, mib(memory.liveBytes())),
        curve(contender, trace + ": resident ÷ live", "÷", x, memory.residentOfLive()));
  }

  private Curve curve(String who, String plot, String unit, double[] x, double[] y) {
    return new Curve(question(), who, params, plot, "events", unit, x, y);
  }

  private static double[] mib(double[] bytes) {
    return java.util.Arrays.stream(bytes).map(it -> it / MIB).toArray();
  }
}
