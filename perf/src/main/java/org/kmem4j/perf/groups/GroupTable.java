package org.kmem4j.perf.groups;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.github.freva.asciitable.ColumnData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.Table;
import org.kmem4j.perf.groups.GroupReplay.GroupRow;

/** The groups of the latest run, as a table; kept in a file between commands. */
final class GroupTable {
  private static final int MOST_ROWS = 60;

  private GroupTable() {}

  private static Path file() {
    return Path.of(System.getProperty("kmem.home", "."), "perf", "target", "kmem-tree.json");
  }

  static void save(List<GroupRow> rows) {
    try {
      if (Files.isDirectory(file().getParent())) {
        new ObjectMapper().writeValue(file().toFile(), rows);
      }
    } catch (IOException e) {
      throw new KmemException(file() + " cannot be written: " + e.getMessage() + ".", e);
    }
  }

  static List<GroupRow> load() {
    if (!Files.exists(file())) {
      throw new KmemException(
          "There was no run with groups yet; bin/kmem replay --groups 4 makes one.");
    }
    try {
      return new ObjectMapper().readValue(file().toFile(), new TypeReference<List<GroupRow>>() {});
    } catch (IOException e) {
      throw new KmemException(file() + " cannot be read: " + e.getMessage() + ".", e);
    }
  }

  static String of(List<GroupRow> rows) {
    List<GroupRow> shown = rows.size() > MOST_ROWS ? rows.subList(0, MOST_ROWS) : rows;
    List<ColumnData<GroupRow>> columns =
        List.of(
            Table.text("group", row -> row.path() + (row.online() ? "" : " (dying)")),
            Table.number("current", row -> bytes(row.currentBytes())),
            Table.number("peak", row -> bytes(row.peakBytes())),
            Table.number("high", row -> bytes(row.highBytes())),
            Table.number("max", row -> bytes(row.maxBytes())),
            Table.number("dying below", row -> Integer.toString(row.dying())),
            Table.number("refused", row -> Long.toString(row.refusals())));
    String table = Table.of(shown, columns);
    return shown.size() == rows.size()
        ? table
        : table + System.lineSeparator() + (rows.size() - shown.size()) + " more groups";
  }

  private static String bytes(long bytes) {
    return bytes == Long.MAX_VALUE
        ? "max"
        : String.format(Locale.ROOT, "%.2f MiB", bytes / 1048576.0);
  }
}
