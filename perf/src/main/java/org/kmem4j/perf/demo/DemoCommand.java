package org.kmem4j.perf.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.TemporaryFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * {@code kmem demo}: one picture of what a tenant notices of its neighbour, a lane after another.
 */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Draws what tenant B of a server notices while tenant A reaches its limit and hammers it, is"
          + " closed with a million live objects, and has those freed late: with Kmem4j, on the"
          + " Java heap with two collectors, with Apache Arrow.",
      "Lanes run one after the other, each in a JVM of its own: a lane keeps two cores busy."
    })
public final class DemoCommand implements Callable<Integer> {
  private static final int LEAST_RATE = 1000;
  private static final int MOST_RATE = 1_000_000;
  private static final int LEAST_OBJECTS = 10_000;
  private static final int MOST_OBJECTS = 4_000_000;
  private static final int MOST_SECONDS = 600;
  private static final long REPAINT_MILLIS = 100;

  @Spec private CommandSpec spec;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "12",
      description =
          "for each lane, usual is 12: A's troubles begin at each quarter of them. With 40 those"
              + " are 10, 20 and 30 s")
  private int seconds;

  @Option(
      names = "--rate",
      paramLabel = "N",
      defaultValue = "20000",
      description = "requests of tenant B per second; usual is 20000")
  private int rate;

  @Option(
      names = "--objects",
      paramLabel = "N",
      defaultValue = "1000000",
      description = "live objects of tenant A, of 256 bytes; usual is 1000000")
  private int objects;

  @Option(
      names = "--lanes",
      paramLabel = "LANE",
      split = ",",
      converter = LaneConverter.class,
      description = "which of ours, g1, zgc, arrow; usual is all")
  private List<Lane> lanes = List.of(Lane.values());

  @Option(names = "--svg", paramLabel = "FILE", description = "draw the picture there as SVG")
  private Path svg;

  @Option(names = "--json", paramLabel = "FILE", description = "write what was seen there")
  private Path json;

  /** Says what is accepted. */
  private static final class LaneConverter implements ITypeConverter<Lane> {
    @Override
    public Lane convert(String value) {
      return Stream.of(Lane.values())
          .filter(lane -> lane.toString().equals(value))
          .findFirst()
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "'%s' is no lane; accepted are %s"
                          .formatted(
                              value,
                              Arrays.stream(Lane.values())
                                  .map(Lane::toString)
                                  .collect(Collectors.joining(", ")))));
    }
  }

  @Override
  public Integer call() throws Exception {
    check("--seconds", seconds, 1, MOST_SECONDS);
    check("--rate", rate, LEAST_RATE, MOST_RATE);
    check("--objects", objects, LEAST_OBJECTS, MOST_OBJECTS);
    if (json != null) {
      JsonFile.check(json);
    }
    Plan plan = new Plan(seconds, rate, objects);
    if (svg != null) {
      SvgPicture.check(svg, plan);
    }
    PrintWriter out = spec.commandLine().getOut();
    TerminalPicture picture = new TerminalPicture(plan, spec.commandLine().getColorScheme().ansi());
    picture.head().forEach(out::println);
    List<Timeline> timelines = new ArrayList<>();
    for (Lane lane : lanes.stream().distinct().toList()) {
      Timeline timeline = run(plan, lane, picture, new Painter(out));
      if (timeline.leakedBytes() != 0) {
        throw new KmemException(
            "%s leaked %d bytes.".formatted(lane.title, timeline.leakedBytes()));
      }
      timelines.add(timeline);
    }
    out.println();
    out.println(TerminalPicture.table(timelines));
    out.flush();
    Demo demo = Demo.of(plan, timelines);
    if (json != null) {
      JsonFile.write(json, JsonFile.toJson(demo));
    }
    if (svg != null) {
      SvgPicture.write(svg, demo);
    }
    return 0;
  }

  private void check(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw new ParameterException(
          spec.commandLine(), "%s %d, accepted are %d to %d".formatted(option, value, least, most));
    }
  }

  /** Runs a lane, painting it meanwhile where somebody watches. */
  private static Timeline run(Plan plan, Lane lane, TerminalPicture picture, Painter painter)
      throws IOException, InterruptedException {
    Path live = null;
    Path log = null;
    try {
      live = Files.createTempFile("kmem-demo", ".jsonl");
      log = Files.createTempFile("kmem-demo", ".log");
      List<String> flags = new ArrayList<>(lane.flags(plan));
      flags.add(StopLog.flag(log));
      Fork fork =
          new Fork(
              "The JVM of lane " + lane,
              flags,
              Server.class,
              Server.arguments(plan, lane, live, log));
      FutureTask<Timeline> run =
          new FutureTask<>(() -> fork.run(Timeline.class, ProcessBuilder.Redirect.INHERIT));
      Thread.ofPlatform().daemon().name("lane").start(run);
      Timeline timeline = null;
      while (timeline == null) {
        painter.paintIfWatched(picture.running(lane, slices(live)));
        timeline = await(run);
      }
      painter.paint(picture.finished(timeline));
      return timeline;
    } finally {
      TemporaryFile.delete(live);
      TemporaryFile.delete(log);
    }
  }

  /** The lane's timeline, or null if it is still running. */
  private static Timeline await(FutureTask<Timeline> run) throws InterruptedException {
    try {
      return run.get(REPAINT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return null;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof KmemException told) {
        throw told;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  /** What the lane has told so far; the end of a line that is being written is left for later. */
  private static List<Timeline.Slice> slices(Path live) throws IOException {
    String text = Files.readString(live);
    ObjectMapper mapper = new ObjectMapper();
    List<Timeline.Slice> slices = new ArrayList<>();
    for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
      slices.add(mapper.readValue(line, Timeline.Slice.class));
    }
    return slices;
  }

  /** Prints a few lines over and over in the same place of a terminal. */
  private static final class Painter {
    private static final String UP_AND_CLEAR = "\033[%dA\033[J";

    private final PrintWriter out;
    private final boolean isWatched;
    private int painted;

    Painter(PrintWriter out) {
      this.out = out;
      Console console = System.console();
      isWatched = console != null && console.isTerminal();
    }

    void paintIfWatched(List<String> lines) {
      if (isWatched) {
        paint(lines);
      }
    }

    void paint(List<String> lines) {
      if (painted > 0) {
        out.print(UP_AND_CLEAR.formatted(painted));
      }
      lines.forEach(out::println);
      out.flush();
      painted = lines.size();
    }
  }
}
