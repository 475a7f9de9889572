package org.kmem4j.memcg;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.agrona.SystemUtil;
import org.kmem4j.PropertyNames;
import org.kmem4j.memcg.group.Limit;
import org.kmem4j.memcg.group.MemCgroup;

/**
 * Limits by pattern of paths, as properties give them: {@code kmem4j.memcg.<path>.<limit>}. What
 * follows the last dot is the limit, for a group may be called {@code acme.com}. Immutable.
 *
 * <p>Of the rules that match a path, those of the latest writer count; of these the one with the
 * most exact names; of these the one whose first {@code *} comes last.
 */
final class LimitRules {
  static final String PREFIX = "kmem4j.memcg.";
  static final LimitRules NONE = new LimitRules(List.of(), 0);

  private static final Set<String> LIMITS =
      Stream.of(Limit.values()).map(Limit::key).collect(Collectors.toCollection(TreeSet::new));

  /** One property. The pattern is the key without prefix and limit. */
  private record Rule(
      List<String> pattern, Limit limit, long bytes, int writer, String property, String value) {

    private static final Comparator<Rule> BY_RANK =
        Comparator.comparingInt(Rule::writer).thenComparing(Rule::exactness);

    boolean matches(List<String> names) {
      if (names.size() != pattern.size()) {
        return false;
      }
      for (int i = 0; i < names.size(); i++) {
        if (!pattern.get(i).equals(GroupPath.ANY) && !pattern.get(i).equals(names.get(i))) {
          return false;
        }
      }
      return true;
    }

    /** Grows with the number of names, then with how early they stand. */
    String exactness() {
      String names =
          pattern.stream()
              .map(name -> name.equals(GroupPath.ANY) ? "0" : "1")
              .collect(Collectors.joining());
      return String.format(Locale.ROOT, "%06d%s", names.replace("0", "").length(), names);
    }

    boolean isExact() {
      return !pattern.contains(GroupPath.ANY);
    }

    @Override
    public String toString() {
      return property + '=' + value;
    }
  }

  private final List<Rule> rules;
  private final int writer;

  /** Those without a {@code *}, by path: there may be some for each of thousands of groups. */
  private final Map<List<String>, List<Rule>> exact;

  private final List<Rule> others;

  private LimitRules(List<Rule> rules, int writer) {
    this.rules = rules;
    this.writer = writer;
    this.exact = rules.stream().filter(Rule::isExact).collect(Collectors.groupingBy(Rule::pattern));
    this.others = rules.stream().filter(rule -> !rule.isExact()).toList();
  }

  /** The rules for a limit that match names or a pattern. */
  private Stream<Rule> matching(Limit limit, List<String> names) {
    return Stream.concat(
            exact.getOrDefault(names, List.of()).stream(),
            others.stream().filter(rule -> rule.matches(names)))
        .filter(rule -> rule.limit == limit);
  }

  // ------------------------------------------------------------------ reading

  /** What a process begins with: a file, and the system properties, which beat it name by name. */
  static LimitRules atStart(Properties file, Properties system) {
    NONE.with(file); // throws if it is bad by itself
    Properties both = new Properties();
    both.putAll(file);
    for (String name : system.stringPropertyNames()) {
      if (isOurs(name) && !isSwitch(name)) {
        both.setProperty(name, system.getProperty(name));
      }
    }
    return NONE.with(both);
  }

  /**
   * These rules and those of a later writer, who beats them.
   *
   * @throws IllegalArgumentException if a property is none of ours, or its value no size, or a
   *     {@code min} above a {@code max}
   */
  LimitRules with(Properties later) {
    LimitRules fresh =
        new LimitRules(
            later.stringPropertyNames().stream()
                .filter(name -> name.startsWith("kmem4j."))
                .sorted()
                .map(name -> parse(name, later.getProperty(name), writer + 1))
                .toList(),
            writer + 1);
    List<Rule> all = new ArrayList<>(rules);
    all.removeIf(old -> fresh.matching(old.limit, old.pattern).findAny().isPresent());
    all.addAll(fresh.rules);
    LimitRules result = new LimitRules(List.copyOf(all), writer + 1);
    result.checkPairs();
    return result;
  }

  private static boolean isOurs(String name) {
    return name.startsWith(PREFIX);
  }

  /** Whether a name is that of another setting of this module. */
  private static boolean isSwitch(String name) {
    return name.equals(MemcgPropertyNames.STRICT);
  }

  private static Rule parse(String name, String value, int writer) {
    if (!isOurs(name) || isSwitch(name)) {
      throw new IllegalArgumentException(
          name + " cannot be set here; accepted: " + PREFIX + "<path>.<limit>=<size>");
    }
    String rest = name.substring(PREFIX.length());
    int dot = rest.lastIndexOf('.');
    String key = rest.substring(dot + 1);
    if (!rest.startsWith("/")) {
      throw unknown(
          name, dot > 0 && LIMITS.contains(key) ? PREFIX + '/' + rest : MemcgPropertyNames.STRICT);
    }
    if (dot < 0 || key.contains("/")) {
      throw unknown(name, name + ".max");
    }
    if (!LIMITS.contains(key)) {
      throw unknown(name, PREFIX + rest.substring(0, dot + 1) + PropertyNames.nearest(key, LIMITS));
    }
    List<String> pattern;
    try {
      pattern = GroupPath.pattern(rest.substring(0, dot));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + " names no group: " + e.getMessage(), e);
    }
    Limit limit = Limit.valueOf(key.toUpperCase(Locale.ROOT));
    return new Rule(pattern, limit, size(name, value), writer, name, value);
  }

  private static IllegalArgumentException unknown(String name, String near) {
    return new IllegalArgumentException(
        name
            + " is unknown; the nearest name is "
            + near
            + "; accepted: "
            + PREFIX
            + "<path>.<limit> with a path such as /tenants/acme or /tenants/*, and behind the last"
            + " dot one of "
            + String.join(", ", LIMITS)
            + " (in a file a : within a name is written \\:)");
  }

  /** Bytes of a size such as {@code 64m}; {@link Long#MAX_VALUE} for {@code max}. */
  static long size(String name, String value) {
    if (value.equals("max")) {
      return Long.MAX_VALUE;
    }
    try {
      long bytes = value.isEmpty() ? -1 : SystemUtil.parseSize(name, value);
      if (bytes >= 0) {
        return bytes;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        name
            + '='
            + value
            + " is not understood; accepted: a number of bytes, with k, m or g behind it, or max"
            + " for no limit");
  }

  /**
   * No group may get a {@code min} above its {@code max}. Two rules that can meet do so at the
   * pattern that is as exact as both together, and whoever beats one of them there beats it at
   * every path below: so it is enough to look at these patterns.
   */
  private void checkPairs() {
    List<Rule> maxes = rules.stream().filter(rule -> rule.limit == Limit.MAX).toList();
    for (Rule min : rules) {
      if (min.limit != Limit.MIN) {
        continue;
      }
      for (Rule max : min.isExact() ? matching(Limit.MAX, min.pattern).toList() : maxes) {
        List<String> both = min.bytes > max.bytes ? together(min.pattern, max.pattern) : null;
        if (both != null
            && min.equals(best(Limit.MIN, both))
            && max.equals(best(Limit.MAX, both))) {
          throw new IllegalArgumentException(
              min + " is above " + max + ": both hold for /" + String.join("/", both));
        }
      }
    }
  }

  /** The most general pattern that both match, or null. */
  private static List<String> together(List<String> one, List<String> other) {
    if (one.size() != other.size()) {
      return null;
    }
    List<String> both = new ArrayList<>();
    for (int i = 0; i < one.size(); i++) {
      boolean any = one.get(i).equals(GroupPath.ANY);
      if (!any && !other.get(i).equals(GroupPath.ANY) && !one.get(i).equals(other.get(i))) {
        return null;
      }
      both.add(any ? other.get(i) : one.get(i));
    }
    return both;
  }

  // ------------------------------------------------------------------ asking

  private Rule best(Limit limit, List<String> names) {
    return matching(limit, names).max(Rule.BY_RANK).orElse(null);
  }

  /** The limits that hold for a group. */
  Map<Limit, Long> of(MemCgroup group) {
    return of(group, 0);
  }

  /** Of these, what the latest writer says. */
  Map<Limit, Long> latestOf(MemCgroup group) {
    return of(group, writer);
  }

  private Map<Limit, Long> of(MemCgroup group, int fromWriter) {
    Map<Limit, Long> limits = new EnumMap<>(Limit.class);
    if (!rules.isEmpty()) {
      List<String> names = GroupPath.names(group.path());
      for (Limit limit : Limit.values()) {
        Rule best = best(limit, names);
        if (best != null && best.writer >= fromWriter) {
          limits.put(limit, best.bytes);
        }
      }
    }
    return limits;
  }
}
