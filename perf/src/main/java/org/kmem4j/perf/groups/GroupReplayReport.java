package org.kmem4j.perf.groups;

import java.io.PrintWriter;
import java.util.List;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.groups.GroupReplay.GroupRow;
import org.kmem4j.perf.trace.Trace;

/**
 * What a replay with tenants found, as JSON names it.
 *
 * @param trace name of the trace
 * @param events of the trace
 * @param groups how many there were at a time
 * @param closedGroups closed with their objects alive
 * @param leftObjects objects that were alive when their group was closed, inherited ones again
 * @param leftBytes what they took
 * @param refused requests that a limit refused
 * @param dyingGroups closed and not released after the last free; must be 0
 * @param leakedObjects must be 0
 * @param corruptObjects must be 0
 * @param tree the groups when the trace had ended, with what it leaves alive
 */
public record GroupReplayReport(
    String trace,
    long events,
    int groups,
    long closedGroups,
    long leftObjects,
    long leftBytes,
    long refused,
    int dyingGroups,
    long leakedObjects,
    long corruptObjects,
    List<GroupRow> tree) {

  /** Replays a trace with so many tenants, one of which is replaced every so many events. */
  public static GroupReplayReport of(Trace trace, int groups, int rotate) {
    GroupReplay replay;
    try {
      replay = new GroupReplay(groups, rotate);
    } catch (IllegalArgumentException e) {
      throw new KmemException("The allocator cannot be set up: " + e.getMessage() + ".", e);
    }
    try (replay) {
      replay.run(trace);
      GroupTable.save(replay.rows());
      return new GroupReplayReport(
          trace.name(),
          trace.events(),
          groups,
          replay.closed(),
          replay.leftObjects(),
          replay.leftBytes(),
          replay.refused(),
          replay.dyingAtTheEnd(),
          replay.leaked(),
          replay.corrupt(),
          replay.rows());
    }
  }

  /** Whether nothing was lost, and no group stayed. */
  public boolean isClean() {
    return dyingGroups == 0 && leakedObjects == 0 && corruptObjects == 0;
  }

  /** Prints the table and one line. */
  public void print(PrintWriter out) {
    out.printf("%s: %,d events, %d groups at a time%n", trace, events, groups);
    out.println(GroupTable.of(tree));
    out.printf(
        "%d groups closed alive, which left %,d objects of %.1f MiB; %,d requests refused;"
            + " dying groups after the last free: %d; leaked %d, corrupt %d%n",
        closedGroups,
        leftObjects,
        leftBytes / 1048576.0,
        refused,
        dyingGroups,
        leakedObjects,
        corruptObjects);
    out.flush();
  }
}
