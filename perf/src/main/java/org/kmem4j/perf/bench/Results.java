package org.kmem4j.perf.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.kmem4j.perf.bench.Reading.Key;

/** The readings of all rounds, in the order in which they were first seen. */
final class Results {
  private final Map<Key, TreeMap<Integer, Reading>> byKey = new LinkedHashMap<>();

  private final Map<CurveKey, Curve> curves = new LinkedHashMap<>();

  private record CurveKey(
      Question question, String contender, Map<String, String> params, String name) {
    static CurveKey of(Curve curve) {
      return new CurveKey(curve.question(), curve.contender(), curve.params(), curve.name());
    }
  }

  void add(int round, Trial.Outcome outcome) {
    outcome.readings().forEach(reading -> add(round, reading));
    outcome.curves().forEach(curve -> curves.put(CurveKey.of(curve), curve));
  }

  /** Those of the last round, in the order in which they were first seen. */
  List<Curve> curves() {
    return List.copyOf(curves.values());
  }

  void add(int round, Reading reading) {
    byKey.computeIfAbsent(reading.key(), key -> new TreeMap<>()).put(round, reading);
  }

  List<Key> keys(Question question) {
    return byKey.keySet().stream().filter(key -> key.question() == question).toList();
  }

  /** The score of a contender; a parameter that either side does not name is any. */
  Optional<Key> find(Question question, String contender, Map<String, String> params) {
    return byKey.keySet().stream()
        .filter(key -> key.question() == question && key.contender().equals(contender))
        .filter(
            key ->
                key.params().entrySet().stream()
                    .allMatch(
                        param ->
                            params
                                .getOrDefault(param.getKey(), param.getValue())
                                .equals(param.getValue())))
        .findFirst();
  }

  /** All values of a key, round by round; rounds that yielded none are left out. */
  double[] values(Key key) {
    return byKey.get(key).values().stream().mapToDouble(Reading::value).toArray();
  }

  /** The values of a key by round, the first at index 0; null where a round yielded none. */
  List<Double> rounds(Key key, int rounds) {
    Map<Integer, Reading> readings = byKey.get(key);
    List<Double> values = new ArrayList<>();
    for (int round = 1; round <= rounds; round++) {
      Reading reading = readings.get(round);
      values.add(reading == null ? null : reading.value());
    }
    return values;
  }

  /** The garbage of all rounds, empty where it was not measured. */
  double[] bytesPerOp(Key key) {
    return byKey.get(key).values().stream()
        .filter(reading -> reading.bytesPerOp() != null)
        .mapToDouble(Reading::bytesPerOp)
        .toArray();
  }

  /** Value ÷ value, for every round that has both; NaN stands for what did not happen. */
  double[] ratios(Key over, Key under) {
    Map<Integer, Reading> divisors = byKey.get(under);
    List<Double> ratios = new ArrayList<>();
    byKey
        .get(over)
        .forEach(
            (round, reading) -> {
              Reading divisor = divisors.get(round);
              if (divisor != null && !Double.isNaN(reading.value() / divisor.value())) {
                ratios.add(reading.value() / divisor.value());
              }
            });
    return ratios.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
