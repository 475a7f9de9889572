package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.kmem4j.perf.clib.CLibrary;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** What the bench command asks, and whom; contenders stand in the order of the tables. */
enum Question {
  PAIR(
      "take one object and give it back, by size",
      PairBenchmark.class,
      "kmemCache",
      "kmemCachePinned",
      "bySize",
      "heap",
      "heapConstant48",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc"),
  POOL(
      "acquire a pooled object, write and read a field, release it",
      PoolBenchmark.class,
      "objectPool",
      "objectPoolPinned",
      "handWritten"),
  REPLACEMENT(
      "replace a random one of many live objects of 64 bytes",
      ReplacementBenchmark.class,
      "kmemCache",
      "bySize",
      "heap",
      "malloc",
      "jemalloc",
      "mimalloc"),
  THREAD_START(
      "a new platform thread with its first pair",
      ThreadStartBenchmark.class,
      "fresh",
      "afterVirtualThreads"),
  BULK("one of 64 objects, together or one by one", BulkBenchmark.class, "bulk", "singles"),
  CROSS_THREAD(
      "take an object on one thread, give it back on another",
      CrossThreadBenchmark.class,
      "kmemCache",
      "malloc",
      "mimalloc"),
  VIRTUAL_THREAD(
      "a pair of 64 bytes on a virtual thread", VirtualThreadBenchmark.class, "kmemCache", "heap"),
  CHARGE(
      "charge a page to a group with three ancestors",
      ChargeBenchmark.class,
      "stock",
      "stockPair",
      "noStock",
      "kernelStock",
      "kernelNoStock"),
  GROUP_PAIR(
      "a pair of 64 bytes that somebody pays for",
      GroupPairBenchmark.class,
      "handle",
      "bound",
      "nobody"),
  GROUP_CYCLE(
      "an object of 64 bytes whose page is charged, with 10 000 others",
      GroupCycleBenchmark.class,
      "handle",
      "nobody"),
  REFUSAL("a refusal at a group's limit", RefusalBenchmark.class, "tryAlloc"),
  GROUP_LIFE("create, close and release an empty group", GroupLifeBenchmark.class, "empty"),
  GIVE_BACK(
      "free 512 MiB and wait: how much stays resident",
      settings -> List.of(new GiveBack(settings.decay())),
      "agent"),
  CHURN(
      "days of short-lived workloads that share objects: closed groups that do not go away",
      settings -> List.of(ChurnDays.REPARENTING, ChurnDays.ORIGINAL),
      "reparenting",
      "original");

  final String title;
  final List<String> contenders;
  private final Class<?> benchmark; // Null for what is not measured by JMH.
  private final Function<Settings, List<Trial>> others; // Null for what is.

  Question(String title, Class<?> benchmark, String... contenders) {
    this.title = title;
    this.benchmark = benchmark;
    this.others = null;
    this.contenders = List.of(contenders);
  }

  Question(String title, Function<Settings, List<Trial>> others, String... contenders) {
    this.title = title;
    this.benchmark = null;
    this.others = others;
    this.contenders = List.of(contenders);
  }

  /** In camel case, as on the command line and in JSON. */
  @Override
  public String toString() {
    String[] words = name().toLowerCase(Locale.ROOT).split("_");
    StringBuilder camel = new StringBuilder(words[0]);
    for (int i = 1; i < words.length; i++) {
      camel.append(words[i].substring(0, 1).toUpperCase(Locale.ROOT)).append(words[i].substring(1));
    }
    return camel.toString();
  }

  /** All trials of all questions. A contender whose library is missing is told and left out. */
  static List<Trial> trials(Settings settings, Consumer<String> missing) {
    List<Trial> trials = new ArrayList<>();
    for (Question question : values()) {
      if (question.isJmh()) {
        question.addTrials(settings, trials);
      } else {
        trials.addAll(question.others.apply(settings));
      }
    }
    for (CLibrary library : CLibrary.values()) {
      if (!library.isInstalled()) {
        missing.accept(library.whatIsMissing());
        trials.removeIf(trial -> trial.contender().equals(library.toString()));
      }
    }
    return trials;
  }

  /** Value by value of the parameter, so that a table shows together what is compared. */
  private void addTrials(Settings settings, List<Trial> trials) {
    Map<String, BenchmarkListEntry> entries = entries();
    SortedSet<Map<String, String>> all = new TreeSet<>(Question::compare);
    entries.values().forEach(entry -> all.addAll(params(entry, settings)));
    for (Map<String, String> params : all) {
      for (String contender : contenders) {
        BenchmarkListEntry entry = entries.get(contender);
        if (params(entry, settings).contains(params)) {
          trials.add(new JmhTrial(this, contender, params, entry.getUsername(), settings));
        }
      }
    }
  }

  /** What JMH knows of this question, by contender. */
  Map<String, BenchmarkListEntry> entries() {
    Map<String, BenchmarkListEntry> entries = new TreeMap<>();
    String prefix = benchmark.getName() + ".";
    for (BenchmarkListEntry entry :
        BenchmarkList.defaultList()
            .find(
                OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT),
                List.of("^" + Pattern.quote(prefix)),
                List.of())) {
      entries.put(entry.getUsername().substring(prefix.length()), entry);
    }
    return entries;
  }

  boolean isJmh() {
    return benchmark != null;
  }

  /** Every value of its one parameter, or no parameter. */
  private static List<Map<String, String>> params(BenchmarkListEntry entry, Settings settings) {
    Map<String, String[]> known = entry.getParams().orElse(Map.of());
    if (known.isEmpty()) {
      return List.of(Map.of());
    }
    if (known.size() > 1) {
      throw new IllegalStateException(entry.getUsername() + " has several parameters");
    }
    List<Map<String, String>> params = new ArrayList<>();
    known.forEach(
        (name, values) -> {
          for (String value : settings.params().getOrDefault(name, List.of(values))) {
            params.add(Map.of(name, value));
          }
        });
    return params;
  }

  private static int compare(Map<String, String> one, Map<String, String> other) {
    if (one.isEmpty() || other.isEmpty()) {
      return Integer.compare(one.size(), other.size());
    }
    return Long.compare(
        Long.parseLong(one.values().iterator().next()),
        Long.parseLong(other.values().iterator().next()));
  }
}
