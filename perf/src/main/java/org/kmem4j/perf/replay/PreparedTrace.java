package org.kmem4j.perf.replay;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.trace.Trace;
import org.kmem4j.perf.trace.TraceReader;

/**
 * A trace that children of this JVM replay in the file's order, one contender at a time. It is
 * decoded once, when it is first needed.
 */
public final class PreparedTrace {
  /** Files besides those that are shipped, with commas between. */
  public static final String MORE = "kmem.traces";

  private static final Map<Path, PreparedTrace> PREPARED = new ConcurrentHashMap<>();
  private static final double LEAST_SHARE = 0.05;

  private final Trace trace;
  private final Path program;

  private PreparedTrace(Path file) {
    trace = TraceReader.read(file);
    try {
      program = Files.createTempFile("kmem-replay", ".program");
      program.toFile().deleteOnExit();
      Program.of(trace, 1).write(program);
    } catch (IOException e) {
      throw new KmemException(
          "The folder of temporary files cannot take a trace: " + e.getMessage() + ".", e);
    }
  }

  /** Those that are shipped, or the smallest of them, then those that the property names. */
  public static List<Path> files(boolean smallest) {
    ShippedTraces shipped = ShippedTraces.ofThisProject();
    List<Path> files = new ArrayList<>(shipped.all());
    if (smallest) {
      files.subList(1, files.size()).clear();
    }
    String more = System.getProperty(MORE, "");
    for (String name : more.isEmpty() ? new String[0] : more.split(",")) {
      files.add(shipped.find(name));
    }
    return files;
  }

  /** The trace of a file. */
  public static PreparedTrace of(Path file) {
    return PREPARED.computeIfAbsent(file, PreparedTrace::new);
  }

  /** As {@link #name()} of a file that is not read for that. */
  public static String name(Path file) {
    return Trace.name(file);
  }

  public String name() {
    return trace.name();
  }

  public long maxLiveBytes() {
    return trace.maxLiveBytes();
  }

  /** The median of the timed passes ÷ events. */
  public double nanosPerEvent(Contender contender, int passes) {
    long[] nanos =
        run(Phase.TIME, contender, passes).passNanos().stream()
            .mapToLong(Long::longValue)
            .sorted()
            .toArray();
    int middle = nanos.length / 2;
    double median =
        nanos.length % 2 == 1 ? nanos[middle] : (nanos[middle - 1] + nanos[middle]) / 2.0;
    return median / trace.events();
  }

  /** How much is resident in a pass that makes every page of every object resident. */
  public Memory memory(Contender contender) {
    Phase.Outcome outcome = run(Phase.MEMORY, contender, 1);
    if (outcome.peakResidentBytes() == null || outcome.samples() == null) {
      throw new KmemException("The system does not tell what is resident");
    }
    Footprint.Samples samples = outcome.samples();
    return new Memory(
        (double) outcome.peakResidentBytes() / trace.maxLiveBytes(),
        doubles(samples.events()),
        doubles(samples.liveBytes()),
        doubles(samples.residentBytes()));
  }

  private static double[] doubles(long[] values) {
    return java.util.Arrays.stream(values).asDoubleStream().toArray();
  }

  private Phase.Outcome run(Phase phase, Contender contender, int passes) {
    Phase.Outcome outcome = new ChildJvm(trace, program, contender).run(phase, passes);
    if (outcome.leakedObjects() + outcome.corruptObjects() > 0) {
      throw new KmemException(
          "%s leaked %d and corrupted %d objects of trace %s"
              .formatted(contender, outcome.leakedObjects(), outcome.corruptObjects(), name()));
    }
    return outcome;
  }

  /**
   * What was resident.
   *
   * @param peakOfLive the most that was resident ÷ the most that was alive
   * @param liveBytes as many as events
   * @param residentBytes as many as events
   */
  public record Memory(
      double peakOfLive, double[] events, double[] liveBytes, double[] residentBytes) {
    /** Resident ÷ live, or NaN as long as next to nothing is alive. */
    public double[] residentOfLive() {
      double most = java.util.Arrays.stream(liveBytes).max().orElse(0);
      double[] ratios = new double[liveBytes.length];
      for (int i = 0; i < ratios.length; i++) {
        ratios[i] =
            liveBytes[i] < LEAST_SHARE * most ? Double.NaN : residentBytes[i] / liveBytes[i];
      }
      return ratios;
    }
  }
}
