package org.kmem4j.perf.groups;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.kmem4j.memory.Os;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.JsonFile;
import org.kmem4j.perf.Kmem;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Progress;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.groups.ReparentExperiment.Row;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code kmem reparent}: closes groups of ever more pages and shows that the time depends on the
 * number of caches alone. Each row runs in a JVM of its own. Exit status 1: a page was touched
 * where none may be, or the old way was not caught.
 */
@Command(
    name = "reparent",
    mixinStandardHelpOptions = true,
    description = {
      "Closes groups of ever more charged pages, with all objects alive.",
      "The time must depend on the number of caches alone."
    })
public final class ReparentCommand implements Callable<Integer> {
  private static final long MAX_PAGES = 1L << 28;
  private static final int TIMES = 9;

  @Spec private CommandSpec spec;

  @Option(
      names = "--pages",
      split = ",",
      paramLabel = "N",
      defaultValue = "1,1000,100000,1000000",
      description = "how many pages the group has; usual are ${DEFAULT-VALUE}")
  private List<Long> pages;

  @Option(
      names = "--protect",
      description = "make all pages of all slabs and large blocks inaccessible meanwhile")
  private boolean protect;

  @Option(
      names = "--walk",
      description = "do it the old way, page by page: with --protect it must die of it")
  private boolean walk;

  @Option(names = "--json", paramLabel = "FILE", description = "write the results there")
  private Path json;

  @Option(names = "--child-result", hidden = true)
  private Path childResult;

  @Override
  public Integer call() throws Exception {
    for (long number : pages) {
      if (number < 1 || number > MAX_PAGES) {
        throw new ParameterException(
            spec.commandLine(), "--pages %d, accepted are 1 to %d".formatted(number, MAX_PAGES));
      }
    }
    if (childResult != null) {
      return runHere();
    }
    if (json != null) {
      JsonFile.check(json);
    }
    List<Row> rows = new ArrayList<>();
    boolean fine = true;
    try (Progress progress = new Progress("reparent", pages.size())) {
      for (long number : pages) {
        progress.now(number + " pages");
        fine &= runRow(number, rows);
        progress.step(1);
      }
    }
    print(rows);
    if (json != null) {
      JsonFile.write(json, JsonFile.toJson(Map.of("rows", rows)));
    }
    return fine ? 0 : 1;
  }

  private int runHere() throws Exception {
    try (var experiment = new ReparentExperiment(pages.get(0))) {
      int times = protect || walk ? 1 : TIMES;
      var row = experiment.run(times, protect, walk);
      new ObjectMapper().writeValue(childResult.toFile(), row);
    }
    return 0;
  }

  /** Runs one row in a JVM of its own; returns whether it went as it must. */
  private boolean runRow(long number, List<Row> rows) throws Exception {
    long needed = (number + number / 4) * Os.PAGE_BYTES;
    long free = availableBytes();
    if (needed > free) {
      err(
          "%d pages are left out: they take %d MiB, and %d MiB are free."
              .formatted(number, needed >> 20, free >> 20));
      return true;
    }
    Path result = Files.createTempFile("kmem-reparent", ".json");
    try {
      int status = child(number, result);
      boolean killed = status > 128;
      if (walk && protect) {
        err(
            killed
                ? "%d pages: the walk was killed at the first page, as it must (exit status %d)."
                    .formatted(number, status)
                : "%d pages: the walk was not killed (exit status %d): the protection does not hold."
                    .formatted(number, status));
        return killed;
      }
      if (status != 0) {
        err("%d pages: the JVM ended with exit status %d.".formatted(number, status));
        return false;
      }
      rows.add(new ObjectMapper().readValue(result.toFile(), Row.class));
      return true;
    } finally {
      Files.deleteIfExists(result);
    }
  }

  private int child(long number, Path result) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    // No core file, however many are wanted: one row is killed on purpose.
    command.addAll(List.of("/bin/sh", "-c", "ulimit -c 0; exec \"$@\"", "sh"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(Fork.inherited());
    command.addAll(
        List.of(
            "-XX:+SuppressFatalErrorMessage",
            "-cp",
            System.getProperty("java.class.path"),
            Kmem.class.getName(),
            "reparent",
            "--pages=" + number,
            "--child-result=" + result));
    if (protect) {
      command.add("--protect");
    }
    if (walk) {
      command.add("--walk");
    }
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      if (!process.waitFor(10, TimeUnit.MINUTES)) {
        throw new KmemException("%d pages were not done within ten minutes.".formatted(number));
      }
      return process.exitValue();
    } finally {
      process.destroyForcibly();
    }
  }

  /** What the system could give without swapping; all there is where it does not say. */
  private static long availableBytes() {
    try {
      return Files.readAllLines(Path.of("/proc/meminfo")).stream()
          .filter(line -> line.startsWith("MemAvailable:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElse(Long.MAX_VALUE);
    } catch (IOException e) {
      return Long.MAX_VALUE;
    }
  }

  private void print(List<Row> rows) {
    if (rows.isEmpty()) {
      return;
    }
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        Table.of(
            rows,
            List.of(
                Table.number("pages", row -> Long.toString(row.pages())),
                Table.number("caches", row -> Integer.toString(row.caches())),
                Table.number("owner stores", row -> Integer.toString(row.ownerStores())),
                Table.number("offline µs", row -> micros(row.nanos())),
                Table.number("draining µs", row -> micros(row.drainNanos())),
                Table.number("pages drained", row -> Long.toString(row.drainPages())),
                Table.number("protected", row -> Boolean.toString(row.isProtected())))));
    out.flush();
  }

  private static String micros(long nanos) {
    return String.format(Locale.ROOT, "%.1f", nanos / 1e3);
  }

  private void err(String sentence) {
    spec.commandLine().getErr().println("kmem: " + sentence);
    spec.commandLine().getErr().flush();
  }
}
