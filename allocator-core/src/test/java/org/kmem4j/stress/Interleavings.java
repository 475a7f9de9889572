package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import javax.tools.ToolProvider;

/**
 * Runs a few threads in every order of their steps that takes at most some preemptions. One thread
 * runs at a time; the order is chosen, not left to chance, and each run takes another.
 *
 * <p>Where a step begins is said in copies of the sources, into which a call of {@link #step} is
 * written before each access of what threads share; the tests run with these copies in a JVM of
 * their own. So the classes are the real ones, but for that call. What comes out is that of a
 * machine that executes one step after another: weaker orders are for jcstress.
 */
public final class Interleavings {
  /** A switch away from a thread that could go on; {@code -Dpreemptions=3} for more orders. */
  private static final int PREEMPTIONS = Integer.getInteger("preemptions", 2);

  private static final int MOST_STEPS = 10_000;

  /** Some threads and what must hold when they have ended: made anew for each run. */
  public record Scene(Runnable afterwards, List<Runnable> threads) {
    public static Scene of(Runnable afterwards, Runnable... threads) {
      return new Scene(afterwards, List.of(threads));
    }
  }

  /** A point where one of several threads goes on, and which of them did. */
  private static final class Choice {
    final List<Actor> options;
    int taken;

    Choice(List<Actor> options) {
      this.options = options;
    }
  }

  /** A thread that lasts for all runs of a scene. */
  private static final class Actor extends Thread {
    private final Interleavings all;
    final Semaphore turn = new Semaphore(0);
    Runnable work;
    BooleanSupplier condition;
    boolean paused;

    Actor(Interleavings all, int number) {
      super("actor " + number);
      this.all = all;
      setDaemon(true);
    }

    @Override
    public void run() {
      while (true) {
        turn.acquireUninterruptibly();
        try {
          work.run();
        } catch (Throwable e) {
          all.failure = all.failure == null ? e : all.failure;
        }
        work = null;
        all.goOn(this);
      }
    }

    boolean isAble() {
      return work != null && !paused && (condition == null || condition.getAsBoolean());
    }
  }

  private final List<Actor> actors = new ArrayList<>();
  private final Semaphore ended = new Semaphore(0);

  // Of whoever's turn it is.
  private final List<Choice> choices = new ArrayList<>();
  private int at;
  private int preemptions;
  private int steps;
  private Throwable failure;

  private Interleavings() {}

  /** Runs a scene in all orders; fails if it fails in one. */
  public static void explore(Supplier<Scene> maker) {
    new Interleavings().exploreAll(maker);
  }

  private void exploreAll(Supplier<Scene> maker) {
    run(maker.get()); // the first one does more: it makes slots, for instance
    choices.clear();
    long start = System.nanoTime();
    long runs = 0;
    do {
      runs++;
      run(maker.get());
      choices.subList(at, choices.size()).clear();
    } while (hasNext());
    System.out.printf(
        "%d interleavings, at most %d preemptions, %.1f s%n",
        runs, PREEMPTIONS, (System.nanoTime() - start) / 1e9);
  }

  private void run(Scene scene) {
    while (actors.size() < scene.threads.size()) {
      Actor actor = new Actor(this, actors.size());
      actors.add(actor);
      actor.start();
    }
    for (int i = 0; i < scene.threads.size(); i++) {
      actors.get(i).work = scene.threads.get(i);
    }
    at = 0;
    preemptions = 0;
    steps = 0;
    goOn(null);
    ended.acquireUninterruptibly();
    if (failure == null) {
      scene.afterwards.run();
    } else {
      throw new AssertionError("in order " + order(), failure);
    }
  }

  private String order() {
    StringBuilder order = new StringBuilder();
    for (Choice choice : choices) {
      order.append(choice.options.get(choice.taken).getName().substring(6));
    }
    return order.toString();
  }

  /** Takes the next option of the last point that has one left. */
  private boolean hasNext() {
    while (!choices.isEmpty()) {
      Choice last = choices.getLast();
      if (++last.taken < last.options.size()) {
        return true;
      }
      choices.removeLast();
    }
    return false;
  }

  /** Begins a step: another thread may go first. */
  public static void step() {
    if (Thread.currentThread() instanceof Actor actor) {
      actor.all.goOn(actor);
    }
  }

  /** As {@link #step}, of a thread that can do nothing until others have made steps. */
  public static void pause() {
    if (Thread.currentThread() instanceof Actor actor) {
      actor.paused = true;
      actor.all.goOn(actor);
    }
  }

  /** Waits for others; the condition makes no steps. */
  public static void await(BooleanSupplier condition) {
    Actor actor = (Actor) Thread.currentThread();
    actor.condition = condition;
    actor.all.goOn(actor);
    actor.condition = null;
  }

  /** Chooses who goes on after a step of {@code current}, which may have been its last. */
  private void goOn(Actor current) {
    boolean goesOnLater = current != null && current.work != null;
    Actor next = choose(current);
    if (next == null) {
      ended.release();
    } else if (next != current) {
      next.turn.release();
      if (goesOnLater) { // asked before, for by now it may be the next run
        current.turn.acquireUninterruptibly();
      }
    }
  }

  private Actor choose(Actor current) {
    if (++steps > MOST_STEPS) {
      failure = new AssertionError("more than " + MOST_STEPS + " steps: it does not end");
      return null;
    }
    boolean stays = current != null && current.isAble();
    for (Actor actor : actors) {
      actor.paused &= actor == current;
    }
    List<Actor> options = new ArrayList<>();
    if (stays) {
      options.add(current);
    }
    for (Actor actor : actors) {
      if (actor != current && actor.isAble() && (!stays || preemptions < PREEMPTIONS)) {
        options.add(actor);
      }
    }
    if (options.isEmpty() && current != null && current.paused) {
      current.paused = false; // it waits for nobody of the scene: for time, perhaps
      options.add(current);
    }
    if (options.isEmpty()) {
      if (actors.stream().anyMatch(actor -> actor.work != null)) {
        failure = failure == null ? new AssertionError("all wait for each other") : failure;
      }
      return null;
    }
    if (at < choices.size() && !choices.get(at).options.equals(options)) {
      choices.subList(at, choices.size()).clear(); // something took another way than before
    }
    if (at == choices.size()) {
      choices.add(new Choice(options));
    }
    Choice choice = choices.get(at++);
    Actor next = choice.options.get(choice.taken);
    if (stays && next != current) {
      preemptions++;
    }
    return next;
  }

  // ------------------------------------------------------------------ copies of the sources

  /**
   * Texts before which a call is written.
   *
   * @param file below {@code org/kmem4j}, of this module or of the core
   * @param call {@link #step} or {@link #pause}
   * @param before beginnings of statements
   */
  public record Steps(String file, String call, List<String> before) {
    /** Texts before which a step begins. */
    public static Steps of(String file, String... before) {
      return new Steps(file, "step", List.of(before));
    }

    private String apply(String source) {
      String stepped = source;
      for (String text : before) {
        assertTrue(source.contains(text), () -> file + " has no " + text);
        stepped = stepped.replace(text, Interleavings.class.getName() + '.' + call + "(); " + text);
      }
      return stepped;
    }
  }

  /** Who waits for another thread. */
  public static final Steps WAITING =
      new Steps("sync/SpinLock.java", "pause", List.of("if (round < 64) {"));

  /** What threads do to native memory. */
  public static final Steps MEMORY =
      Steps.of(
          "memory/Memory.java",
          "return (long) LONG.",
          "return LONG.",
          "LONG.setOpaque",
          "LONG.setRelease",
          "LONG.setVolatile");

  /** Every order was right; says how many there were. */
  public static void assertRight(ChildJvm.Result result) {
    result
        .output()
        .lines()
        .filter(line -> line.contains("interleavings"))
        .forEach(System.out::println);
    assertTrue(result.passed(), result::output);
  }

  /** Some order was wrong without a rule; says what was seen. */
  public static void assertWrong(ChildJvm.Result result, Mutant mutant) {
    System.out.printf("%s: %s%n", mutant.rule(), result.summary());
    assertFalse(result.passed(), mutant.rule());
  }

  /**
   * Runs the tests of a class in a JVM of their own.
   *
   * @param tests a class, or class and method with # between, below {@code org.kmem4j}
   * @param mutant the rule that is taken out before, or null
   * @param folder for the copies
   */
  public static ChildJvm.Result run(String tests, Mutant mutant, Path folder, List<Steps> copies)
      throws IOException, InterruptedException {
    List<Path> files = new ArrayList<>();
    for (Steps copy : copies) {
      Path here = Path.of("src/main/java/org/kmem4j").resolve(copy.file);
      Path core = Path.of("../allocator-core").resolve(here);
      String source = copy.apply(Files.readString(Files.exists(here) ? here : core));
      if (mutant != null && mutant.file().equals(copy.file)) {
        source = mutant.apply(source);
      }
      Path file = Files.createDirectories(folder.resolve("source")).resolve(here.getFileName());
      files.add(Files.writeString(file, source));
    }
    compile(files, folder);
    return ChildJvm.run(
        "org.kmem4j." + tests,
        folder,
        Duration.ofMinutes(10),
        "-Dpreemptions=" + PREEMPTIONS,
        "-Dkmem4j.rcu.maxPerSecond=1000000",
        "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
  }

  private static void compile(List<Path> files, Path folder) {
    List<String> arguments = new ArrayList<>(List.of("-proc:none", "-nowarn", "-g", "-d"));
    arguments.add(folder.toString());
    arguments.add("-cp");
    arguments.add(System.getProperty("java.class.path"));
    files.forEach(file -> arguments.add(file.toString()));
    var messages = new ByteArrayOutputStream();
    int failed =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, messages, arguments.toArray(String[]::new));
    assertEquals(0, failed, messages::toString);
  }
}
