package org.kmem4j.perf.bench;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.program.Answer;
import org.kmem4j.perf.program.Scenario;
import org.kmem4j.perf.program.Task;

/** A program that a contender runs in JVMs of its own. */
record ProgramTrial(Question question, Task task) implements Trial {
  /** All of a scenario; what is compared stands together. */
  static List<Trial> all(Scenario scenario, Settings settings) {
    List<Trial> trials = new ArrayList<>();
    Question question = Question.valueOf(scenario.name());
    long millis = settings.iteration().toMillis();
    for (Map<String, String> params : scenario.params()) {
      for (String contender : scenario.contenders()) {
        trials.add(new ProgramTrial(question, new Task(scenario, contender, params, millis)));
      }
    }
    return trials;
  }

  @Override
  public String contender() {
    return task.contender();
  }

  @Override
  public Map<String, String> params() {
    return task.params();
  }

  @Override
  public Duration estimate() {
    return task.estimate();
  }

  @Override
  public Outcome run(PrintStream log) {
    Answer answer = task.run();
    if (!answer.findings().isEmpty()) {
      throw new KmemException(id() + " failed: " + String.join("; ", answer.findings()));
    }
    return new Outcome(
        answer.figures().stream()
            .map(
                figure ->
                    new Reading(
                        new Reading.Key(question, named(figure.name()), params(), figure.unit()),
                        figure.value(),
                        null))
            .toList(),
        answer.lines().stream()
            .map(
                line ->
                    new Curve(
                        question,
                        named(line.name()),
                        params(),
                        line.plot(),
                        line.xUnit(),
                        line.yUnit(),
                        line.x(),
                        line.y()))
            .toList());
  }

  private String named(String what) {
    return what.isEmpty() ? contender() : contender() + "." + what;
  }
}
