package org.kmem4j;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.kmem4j.slab.Debug;

/**
 * Which caches check what: the value of {@code kmem4j.debug}. As in Linux's {@code slab_debug}
 * letters come first and names after them, and rules are parted by semicolons. Of those that name a
 * cache the first counts; where none does, the last of those without names.
 */
record DebugRules(List<Rule> rules) {
  /**
   * One rule.
   *
   * @param names of caches, each may end in {@code *}; none for all caches
   */
  record Rule(Set<Debug> checks, List<String> names) {
    private boolean isFor(String cache) {
      return names.stream()
          .anyMatch(
              name ->
                  name.endsWith("*")
                      ? cache.startsWith(name.substring(0, name.length() - 1))
                      : cache.equals(name));
    }

    @Override
    public String toString() {
      String letters = checks.isEmpty() ? "-" : letters(checks);
      return names.isEmpty() ? letters : letters + ',' + String.join(",", names);
    }
  }

  private static String letters(Set<Debug> checks) {
    return checks.stream().map(check -> "" + check.letter()).collect(Collectors.joining());
  }

  private static final String ALL_LETTERS = letters(Debug.ALL);

  private static final String ACCEPTED =
      "letters "
          + String.join(", ", ALL_LETTERS.split(""))
          + " or - for none, and names of caches that may end in *, comma between, as in"
          + " FZ,order,size-*; true for "
          + ALL_LETTERS
          + "; false for none; several such, semicolon between";

  /** Words that mean something in other programs' settings: not taken for names of caches. */
  private static final Set<String> SWITCHES =
      Set.of("true", "false", "on", "off", "yes", "no", "none", "all");

  /**
   * Reads rules.
   *
   * @throws IllegalArgumentException with what is accepted
   */
  static DebugRules parse(String value) {
    List<Rule> rules = new ArrayList<>();
    for (String rule : value.split(";", -1)) {
      rules.add(parseRule(rule));
    }
    return new DebugRules(List.copyOf(rules));
  }

  private static Rule parseRule(String text) {
    List<String> words = List.of(text.split(",", -1));
    String first = words.getFirst();
    Set<Debug> checks =
        switch (first) {
          case "true" -> Debug.ALL;
          case "false", "-" -> Debug.NONE;
          default -> areLetters(first) ? Debug.of(first) : null;
        };
    if (checks == null && looksLikeLetters(first)) {
      throw new IllegalArgumentException(
          ACCEPTED + "; for a cache of that name " + ALL_LETTERS + ',' + first);
    }
    List<String> names = checks == null ? words : words.subList(1, words.size());
    for (String name : names) {
      if (name.isEmpty() || !name.matches("[\\x21-\\x29\\x2b-\\x7e]*\\*?")) {
        throw new IllegalArgumentException(ACCEPTED);
      }
      if (areLetters(name)) {
        throw new IllegalArgumentException(
            ACCEPTED + "; letters stand together; for a cache of that name " + name + '*');
      }
    }
    return new Rule(checks == null ? Debug.ALL : checks, List.copyOf(names));
  }

  private static boolean areLetters(String word) {
    return word.matches('[' + ALL_LETTERS + "]+");
  }

  /** Whether a word is more likely a switch or letters gone wrong than the name of a cache. */
  private static boolean looksLikeLetters(String word) {
    return SWITCHES.contains(word.toLowerCase(Locale.ROOT))
        || word.matches("(?i:[-" + ALL_LETTERS + "])+")
        || word.matches("[-" + ALL_LETTERS + "AO]+") // A and O are Linux's
        || word.matches("[A-Z]{1,5}");
  }

  /** What a cache of this name checks. */
  Set<Debug> of(String cache) {
    Set<Debug> forAll = Debug.NONE;
    for (Rule rule : rules) {
      if (rule.isFor(cache)) {
        return rule.checks;
      }
      if (rule.names.isEmpty()) {
        forAll = rule.checks;
      }
    }
    return forAll;
  }

  /** What it checks that asks for some of it already. */
  Set<Debug> with(Set<Debug> own, String cache) {
    EnumSet<Debug> all = EnumSet.noneOf(Debug.class);
    all.addAll(own);
    all.addAll(of(cache));
    return all;
  }

  @Override
  public String toString() {
    return rules.stream().map(Rule::toString).collect(Collectors.joining(";"));
  }
}
