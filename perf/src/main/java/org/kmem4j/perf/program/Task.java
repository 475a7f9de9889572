package org.kmem4j.perf.program;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.contender.ContenderJvm;

/**
 * A scenario with one contender and its parameters.
 *
 * @param millis how long is measured, after as long a warm-up
 */
public record Task(Scenario scenario, String contender, Map<String, String> params, long millis) {
  private static final Duration START = Duration.ofMillis(400);
  private static final long OWN_BYTES = 128 << 20;
  private static final long LITTLE_LIVE_BYTES = 64 << 20;
  private static final int LEAST_OBJECT_BYTES = 64;

  /** A guess. */
  public Duration estimate() {
    Duration one = START.plusMillis(2 * millis);
    return scenario.hasTimeAndMemory() ? one.plus(START).plusMillis(millis) : one;
  }

  /**
   * Runs it in JVMs of its own.
   *
   * @throws org.kmem4j.perf.KmemException if one of them failed
   */
  public Answer run() {
    if (scenario.hasTimeAndMemory()) {
      return run(false).and(run(true));
    }
    return run(scenario.isOfMemory());
  }

  private Answer run(boolean forMemory) {
    Order order = new Order(contender, forMemory, millis, params);
    return new Fork(
            "The JVM of %s.%s".formatted(scenario, contender),
            flags(forMemory),
            scenario.main(),
            order.arguments())
        .run(Answer.class, ProcessBuilder.Redirect.INHERIT);
  }

  private List<String> flags(boolean forMemory) {
    Contender who = scenario == Scenario.COLD_START ? null : Candidates.contender(contender);
    if (forMemory) {
      boolean isLarge = scenario.isOfMemory();
      long live = isLarge ? PhaseChange.mostLiveBytes(millis) : LITTLE_LIVE_BYTES;
      long own = OWN_BYTES + (isLarge ? live / 2 : 0);
      return ContenderJvm.flags(who, true, own, live, live / LEAST_OBJECT_BYTES);
    }
    // As benchmarks by JMH are run; but a heap that is touched before is a contender of its own.
    List<String> flags = new ArrayList<>(List.of("-Xms1g", "-Xmx1g"));
    if (scenario == Scenario.COLD_START) {
      flags.addAll(ColdStart.flags(contender));
    } else {
      flags.addAll(who.flags());
      flags.add(ColdStart.TOUCHED);
    }
    ContenderJvm.chooseCollector(flags, "-XX:+UseG1GC");
    return flags;
  }
}
