package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** One contender of a question with its parameters; it can be run again and again. */
interface Trial {
  Question question();

  String contender();

  Map<String, String> params();

  /** A guess, until it has been run. */
  Duration estimate();

  /**
   * Runs it once, anew.
   *
   * @param log for what a reader may want if it fails
   * @throws org.kmem4j.perf.KmemException if it failed, with the reason and no full stop
   */
  Outcome run(PrintStream log);

  /** What a run found. The first reading is the score; others are told besides. */
  record Outcome(List<Reading> readings, List<Curve> curves) {}

  /** For example {@code pair.kmemCache(size=64)}: what {@code --only} is matched against. */
  default String id() {
    String params = Reading.text(params());
    return question() + "." + contender() + (params.isEmpty() ? "" : "(" + params + ")");
  }
}
