package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.kmem4j.perf.clib.CLibrary;
import org.kmem4j.perf.contender.Contender;
import org.kmem4j.perf.groups.Interference.Neighbour;
import org.kmem4j.perf.latency.Store;
import org.kmem4j.perf.program.Scenario;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** What the bench command asks, and whom; contenders stand in the order of the tables. */
enum Question {
  PAIR(
      "take one object, write to it and give it back, by size; heap and arena are zeroed",
      PairBenchmark.class,
      "kmemCache",
      "kmemCacheZeroed",
      "kmemCacheHardened",
      "kmemCachePinned",
      "kmemCacheInGroup",
      "flyweight",
      "newFlyweight",
      "bySize",
      "heap",
      "heapZgc",
      "heapConstant48",
      "handWritten",
      "arrayDeque",
      "agronaQueue",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc",
      "arena",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "chronicle"),
  HARDENING(
      "take one object, or many, write to each and give them back, by what is switched on",
      HardeningBenchmark.class,
      "off",
      "hardened",
      "doubleFree",
      "headers",
      "randomOrder",
      "initOnAlloc",
      "initOnFree",
      "leaks"),
  POOL(
      "acquire a pooled object, write and read a field, release it",
      PoolBenchmark.class,
      "objectPool",
      "objectPoolPinned",
      "handWritten",
      "arrayDeque",
      "agronaQueue",
      "stormpot"),
  REPLACEMENT(
      "replace a random one of many live objects of 64 bytes",
      ReplacementBenchmark.class,
      "kmemCache",
      "kmemCacheInGroup",
      "bySize",
      "heap",
      "heapZgc",
      "handWritten",
      "arrayDeque",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc",
      "arena",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "chronicle"),
  BURST(
      "one of 10 000 objects of 64 bytes, all taken, then all given back in some order",
      BurstBenchmark.class,
      "kmemCache",
      "kmemCacheInGroup",
      "bySize",
      "heap",
      "heapZgc",
      "handWritten",
      "arrayDeque",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "chronicle"),
  MIXED(
      "replace a random one of 4096 live objects with the sizes of a real program",
      MixedBenchmark.class,
      "bySize",
      "heap",
      "heapZgc",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "chronicle"),
  THREADS(
      "replace one of a thread's own 1024 objects of 64 bytes, all threads at once",
      ThreadsBenchmark.class,
      "kmemCache",
      "kmemCacheInGroup",
      "bySize",
      "heap",
      "heapZgc",
      "agronaQueue",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "chronicle"),
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
      "kmemCacheInGroup",
      "bySize",
      "heap",
      "heapZgc",
      "agronaQueue",
      "malloc",
      "jemalloc",
      "mimalloc",
      "tcmalloc",
      "nettyPooled",
      "nettyAdaptive",
      "arrow",
      "chronicle"),
  VIRTUAL_THREAD(
      "a pair of 64 bytes on a virtual thread", VirtualThreadBenchmark.class, "kmemCache", "heap"),
  CHARGE(
      "charge a page to a group, by its depth",
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
  MANY_GROUPS(
      "a pair of 64 bytes that another group pays for each time",
      ManyGroupsBenchmark.class,
      "handle",
      "nobody",
      "arrow"),
  REFUSAL("a refusal at a group's limit", RefusalBenchmark.class, "tryAlloc"),
  GROUP_LIFE("create, close and release an empty group", GroupLifeBenchmark.class, "empty"),
  GIVE_BACK(
      "free 512 MiB and wait: how much stays resident",
      settings -> List.of(new GiveBack(settings.decay())),
      "agent"),
  INTERFERENCE(
      "p99.9 of tenant B's pair of 64 bytes, by what its neighbour does",
      InterferenceTrial::all,
      Neighbour.names()),
  LATENCY(
      "p99.9 of a server with many live orders, by what it keeps them in",
      LatencyTrial::all,
      Arrays.stream(Store.values()).map(Store::toString).toArray(String[]::new)),
  LARSON(Scenario.LARSON),
  XMALLOC_TEST(Scenario.XMALLOC_TEST),
  CACHE_SCRATCH(Scenario.CACHE_SCRATCH),
  MLEAK(Scenario.MLEAK),
  SINGLE_OPERATION(Scenario.SINGLE_OPERATION),
  COLD_START(Scenario.COLD_START),
  PHASE_CHANGE(Scenario.PHASE_CHANGE),
  REPLAY(
      "an event of the traces, as a geometric mean",
      settings -> ReplayTrial.all(settings, false),
      ReplayTrial.CONTENDERS),
  TRACE_MEMORY(
      "peak resident ÷ peak live of the traces, as a geometric mean",
      settings -> ReplayTrial.all(settings, true),
      ReplayTrial.MEMORY_CONTENDERS),
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

  Question(Scenario scenario) {
    this(
        scenario.title(),
        settings -> ProgramTrial.all(scenario, settings),
        scenario.contenders().toArray(String[]::new));
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

  /**
   * The parameters' values that a run asks for unless it is a full one, by question and parameter;
   * of those not named, all.
   */
  static Map<String, List<String>> usualParams() {
    return Map.of(
        PAIR + ".size", List.of("64", "1024"),
        HARDENING + ".size", List.of("64"),
        REPLACEMENT + ".live", List.of("4096", "262144"),
        BURST + ".order", List.of("same", "shuffled"),
        THREADS + ".threads", List.of("1", "2"),
        MIXED + ".trace", List.of("gcc"),
        CHARGE + ".depth", List.of("1", "4"),
        MANY_GROUPS + ".groups", List.of("1", "1000"));
  }

  /**
   * All trials of all questions. Who lacks a library, or room for its objects, is told and left
   * out.
   */
  static List<Trial> trials(Settings settings, Consumer<String> missing) {
    List<Trial> trials = new ArrayList<>();
    for (Question question : values()) {
      if (question.isJmh()) {
        question.addTrials(settings, trials, missing);
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

  /** Parameters by parameters, so that a table shows together what is compared. */
  private void addTrials(Settings settings, List<Trial> trials, Consumer<String> missing) {
    Map<String, BenchmarkListEntry> entries = entries();
    Map<String, List<Map<String, String>>> paramsOf = new LinkedHashMap<>();
    for (String contender : contenders) {
      paramsOf.put(contender, params(entry(entries, contender), settings));
    }
    Set<Map<String, String>> all = new LinkedHashSet<>();
    paramsOf.values().forEach(all::addAll);
    for (Map<String, String> params : all) {
      List<String> tooMany = new ArrayList<>();
      for (String contender : contenders) {
        if (!paramsOf.get(contender).contains(params)) {
          continue;
        }
        if (canBear(contender, params)) {
          String benchmark = entry(entries, contender).getUsername();
          trials.add(new JmhTrial(this, contender, params, benchmark, settings));
        } else {
          tooMany.add(contender);
        }
      }
      if (!tooMany.isEmpty()) {
        missing.accept(
            "%s(%s) of %s would fill the Java heap with an object for each of theirs"
                .formatted(this, Reading.text(params), String.join(", ", tooMany)));
      }
    }
  }

  /**
   * Ten million objects of those who need a Java object for each would fill the heap, and then the
   * collector were measured. What the heap itself needs it is given.
   */
  private static boolean canBear(String contender, Map<String, String> params) {
    boolean isWrapped =
        Contender.named(contender)
            .filter(who -> who.hasBufferObjects() || who == Contender.ARENA)
            .isPresent();
    return !isWrapped || Integer.parseInt(params.getOrDefault("live", "0")) <= 1_000_000;
  }

  /** The benchmark of a contender: of its name, or the one that can be asked of any contender. */
  static BenchmarkListEntry entry(Map<String, BenchmarkListEntry> entries, String contender) {
    String ofName = contender.equals(Contender.HEAP_ZGC.toString()) ? "heap" : contender;
    if (entries.containsKey(ofName)) {
      return entries.get(ofName);
    }
    return entries.values().stream()
        .filter(Question::isOfAnyContender)
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no benchmark of " + contender));
  }

  /** Whether the contender is a parameter of the benchmark. */
  static boolean isOfAnyContender(BenchmarkListEntry entry) {
    return entry.getParams().orElse(Map.of()).containsKey(JmhTrial.CONTENDER);
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

  /** Every combination of the values of its parameters, less the contender. */
  private List<Map<String, String>> params(BenchmarkListEntry entry, Settings settings) {
    List<Map<String, String>> combinations = List.of(Map.of());
    for (var param : new TreeMap<>(entry.getParams().orElse(Map.of())).entrySet()) {
      String name = param.getKey();
      if (!name.equals(JmhTrial.CONTENDER)) {
        List<String> values = settings.values(this, name, List.of(param.getValue()));
        combinations =
            combinations.stream()
                .flatMap(some -> values.stream().map(value -> with(some, name, value)))
                .toList();
      }
    }
    return combinations;
  }

  private static Map<String, String> with(Map<String, String> some, String name, String value) {
    Map<String, String> more = new TreeMap<>(some);
    more.put(name, value);
    return more;
  }
}
