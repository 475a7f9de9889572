package org.kmem4j.perf.program;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a child is told to do.
 *
 * @param contender a name, as {@link Candidates} has it
 * @param forMemory whether this JVM measures memory instead of time
 * @param millis how long it may take, about; what it measures by size is in proportion to this
 */
record Order(String contender, boolean forMemory, long millis, Map<String, String> params) {
  /** As it is handed over on a command line. */
  List<String> arguments() {
    List<String> arguments = new ArrayList<>();
    arguments.add(contender);
    arguments.add(forMemory ? "memory" : "time");
    arguments.add(Long.toString(millis));
    params.forEach(
        (name, value) -> {
          arguments.add(name);
          arguments.add(value);
        });
    return arguments;
  }

  /** Back again. Loads next to nothing: a child may be there to measure what loading costs. */
  static Order of(String[] arguments) {
    Map<String, String> params = new TreeMap<>();
    for (int i = 3; i < arguments.length; i += 2) {
      params.put(arguments[i], arguments[i + 1]);
    }
    return new Order(
        arguments[0], arguments[1].equals("memory"), Long.parseLong(arguments[2]), params);
  }

  int number(String param) {
    return Integer.parseInt(params.get(param));
  }
}
