package org.kmem4j.perf.program;

import java.util.List;
import java.util.Map;

/** All experiments, and with whom and with which parameters each is done. */
public enum Scenario {
  LARSON(
      "a server whose threads die and leave their objects to new ones (after larson)",
      Larson.class,
      Candidates.ofAnySize(),
      allThreads()),
  XMALLOC_TEST(
      "objects that some threads allocate and others free (after xmalloc-test)",
      XmallocTest.class,
      Candidates.ofOneSize(),
      allThreads()),
  CACHE_SCRATCH(
      "a write to an object, whose neighbours other threads were given (after cache-scratch)",
      CacheScratch.class,
      Candidates.ofOneSize(),
      oneAndAllThreads()),
  MLEAK(
      "the life of a thread that allocates an object and frees another's (after mleak)",
      Mleak.class,
      Candidates.ofOneSize(),
      List.of(Map.of())),
  SINGLE_OPERATION(
      "one allocation or free of 64 bytes, each timed by itself",
      SingleOperation.class,
      Candidates.ofOneSize(),
      List.of(Map.of("pattern", SingleOperation.CYCLE), Map.of("pattern", SingleOperation.GROWTH))),
  COLD_START(
      "the first allocation of a JVM, the next ten thousand, and the first touch of memory",
      ColdStart.class,
      ColdStart.candidates(),
      List.of(Map.of())),
  PHASE_CHANGE(
      "fill with one size, free nine of ten at random, fill with another size",
      PhaseChange.class,
      Candidates.ofAnySize(),
      List.of(Map.of("from", "64", "to", "256"), Map.of("from", "1024", "to", "64")));

  private final String title;
  private final Class<?> main;
  private final List<String> contenders;
  private final List<Map<String, String>> params;

  Scenario(String title, Class<?> main, List<String> contenders, List<Map<String, String>> params) {
    this.title = title;
    this.main = main;
    this.contenders = contenders;
    this.params = params;
  }

  private static List<Map<String, String>> allThreads() {
    return List.of(threads(Runtime.getRuntime().availableProcessors()));
  }

  private static List<Map<String, String>> oneAndAllThreads() {
    int all = Runtime.getRuntime().availableProcessors();
    return all == 1 ? List.of(threads(1)) : List.of(threads(1), threads(all));
  }

  private static Map<String, String> threads(int count) {
    return Map.of("threads", Integer.toString(count));
  }

  public String title() {
    return title;
  }

  /** Their names, in the order of the tables. */
  public List<String> contenders() {
    return contenders;
  }

  /** Each is asked of all contenders. */
  public List<Map<String, String>> params() {
    return params;
  }

  Class<?> main() {
    return main;
  }

  /** Whether one JVM measures time and another one memory. */
  boolean hasTimeAndMemory() {
    return Classic.class.isAssignableFrom(main);
  }

  /** Whether memory is all that is measured. */
  boolean isOfMemory() {
    return this == PHASE_CHANGE;
  }
}
