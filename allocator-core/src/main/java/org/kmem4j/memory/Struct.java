package org.kmem4j.memory;

import java.util.ArrayList;
import java.util.List;

/**
 * A native struct, described once. Declaring a field yields its offset and its row in {@code
 * native-layout.md}; nobody else knows offsets.
 *
 * <p>Built in static initialisers and immutable after {@link #end}.
 */
public final class Struct {
  private record Field(long offset, int bit, int width, String name, String meaning) {}

  private final String name;
  private final String meaning;
  private final List<Field> fields = new ArrayList<>();
  private long offset;
  private long word;
  private int bit;

  private Struct(String name, String meaning) {
    this.name = name;
    this.meaning = meaning;
  }

  /** Begins a struct. */
  public static Struct named(String name, String meaning) {
    return new Struct(name, meaning);
  }

  /** Adds eight bytes and returns their offset. */
  public long word(String field, String about) {
    return add(field, about, 8);
  }

  /** Adds four bytes and returns their offset. */
  public long half(String field, String about) {
    return add(field, about, 4);
  }

  /** Adds one byte and returns its offset. */
  public long octet(String field, String about) {
    return add(field, about, 1);
  }

  /** Adds a whole struct, which is described elsewhere, and returns its offset. */
  public long struct(String field, String about, String type, long bytes) {
    return add(field, about + ": a `" + type + '`', 8, bytes);
  }

  /** Names the next {@code width} bits of the field just added, from the lowest upwards. */
  public Bits bits(String field, int width, String about) {
    fields.add(new Field(word, bit, width, field, about));
    Bits bits = new Bits(bit, width);
    bit += width;
    return bits;
  }

  /** Leaves the rest of the present cache line free, so that the next field starts a new one. */
  public void nextLine() {
    offset = (offset + 63) & -64;
  }

  /** Ends the struct and returns its size, a multiple of {@code align} bytes. */
  public long end(long align) {
    offset = (offset + align - 1) & -align;
    return offset;
  }

  private long add(String field, String about, int bytes) {
    return add(field, about, bytes, bytes);
  }

  private long add(String field, String about, int align, long bytes) {
    offset = (offset + align - 1) & -align;
    fields.add(new Field(offset, -1, (int) bytes, field, about));
    word = offset;
    bit = 0;
    offset += bytes;
    return word;
  }

  /** Prints the struct as a section of {@code native-layout.md}. */
  public String toMarkdown() {
    StringBuilder page = new StringBuilder();
    page.append("## `").append(name).append("` (").append(offset).append(" bytes)\n\n");
    page.append(meaning).append("\n\n");
    page.append("| offset | size | field | meaning |\n|---:|---:|---|---|\n");
    for (Field field : fields) {
      page.append("| ").append(field.offset);
      if (field.bit >= 0) {
        int last = field.bit + field.width - 1;
        page.append(" bit ").append(field.bit);
        page.append(last == field.bit ? "" : "–" + last).append(" | ");
        page.append(field.width).append(" bit | ↳ `");
      } else {
        page.append(" | ").append(field.width).append(" | `");
      }
      page.append(field.name).append("` | ").append(field.meaning).append(" |\n");
    }
    return page.toString();
  }
}
