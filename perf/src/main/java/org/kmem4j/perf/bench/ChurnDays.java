package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.groups.Churn;

/**
 * The published experiment in one of its two schemes, with the published run beside it. Its score,
 * the groups that are closed but not released on the last day, comes from the seed and not from the
 * machine.
 */
enum ChurnDays implements Trial {
  REPARENTING(Churn.PUBLISHED_REPARENTING),
  ORIGINAL(Churn.PUBLISHED_ORIGINAL);

  /** What {@code kmem churn} runs, as long as the published run. */
  private static final int DAYS = 7;

  private static final double SHARING_PERCENT = 0.5;
  private static final long SEED = 42;

  private final List<Integer> published;

  ChurnDays(List<Integer> published) {
    this.published = published;
  }

  @Override
  public Question question() {
    return Question.CHURN;
  }

  @Override
  public String contender() {
    return name().toLowerCase(Locale.ROOT);
  }

  @Override
  public Map<String, String> params() {
    return Map.of();
  }

  @Override
  public Duration estimate() {
    return Duration.ofSeconds(3);
  }

  @Override
  public Outcome run(PrintStream log) {
    double[] dying = days().stream().mapToDouble(Churn.Day::dying).toArray();
    Reading.Key key = new Reading.Key(question(), contender(), params(), "groups");
    return new Outcome(
        List.of(new Reading(key, dying[DAYS], null)),
        List.of(
            curve(contender(), dying),
            curve(
                contender() + ", published",
                published.stream().mapToDouble(Integer::doubleValue).toArray())));
  }

  /** A bad {@code kmem4j.} property is found here. */
  private List<Churn.Day> days() {
    Churn churn = new Churn(DAYS, SHARING_PERCENT, SEED);
    try {
      return switch (this) {
        case REPARENTING -> churn.reparenting(day -> {});
        case ORIGINAL -> churn.original(day -> {});
      };
    } catch (IllegalArgumentException e) {
      throw new KmemException("%s failed: %s".formatted(id(), e.getMessage()), e);
    }
  }

  private Curve curve(String name, double[] groups) {
    double[] days = IntStream.range(0, groups.length).asDoubleStream().toArray();
    return new Curve(
        question(), name, params(), "dying groups by day", "day", "groups", days, groups);
  }
}
