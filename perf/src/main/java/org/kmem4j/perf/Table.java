package org.kmem4j.perf;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.ColumnData;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.List;
import java.util.function.Function;

/** Tables as all commands print them: words to the left, numbers to the right. */
public final class Table {
  private Table() {}

  /** A table with a line for each row. */
  public static <T> String of(List<T> rows, List<ColumnData<T>> columns) {
    return AsciiTable.getTable(AsciiTable.FANCY_ASCII, rows, columns);
  }

  public static <T> ColumnData<T> text(String header, Function<T, String> value) {
    return column(header, HorizontalAlign.LEFT, value);
  }

  public static <T> ColumnData<T> number(String header, Function<T, String> value) {
    return column(header, HorizontalAlign.RIGHT, value);
  }

  private static <T> ColumnData<T> column(
      String header, HorizontalAlign align, Function<T, String> value) {
    return new Column().header(header).headerAlign(align).dataAlign(align).with(value);
  }
}
