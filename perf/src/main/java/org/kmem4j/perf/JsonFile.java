package org.kmem4j.perf;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * The file that {@code --json} names: tried before a run of minutes, written after it, read again.
 */
public final class JsonFile {
  private JsonFile() {}

  /** Throws a sentence if the file cannot be written; leaves it as it was. */
  public static void check(Path file) {
    boolean existed = Files.exists(file);
    try {
      Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE).close();
      if (!existed) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw notWritable(file, e);
    }
  }

  /** What the reports of all commands look like. */
  public static String toJson(Object report) {
    try {
      return new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .writeValueAsString(report);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void write(Path file, String json) {
    try {
      Files.writeString(file, json + System.lineSeparator());
    } catch (IOException e) {
      throw notWritable(file, e);
    }
  }

  /**
   * Reads a file that a command wrote.
   *
   * @param what it is to hold, such as {@code "a result of kmem bench"}
   * @throws KmemException if it cannot be read or holds something else
   */
  public static <T> T read(Path file, Class<T> type, String what) {
    try {
      T read = new ObjectMapper().readValue(file.toFile(), type);
      if (read == null) {
        throw new KmemException("%s is not %s: it holds null.".formatted(file, what));
      }
      return read;
    } catch (JsonProcessingException e) {
      // What a record says of its values stands behind Jackson's own exception.
      String why = e.getCause() == null ? e.getOriginalMessage() : e.getCause().getMessage();
      throw new KmemException(
          "%s is not %s: %s.".formatted(file, what, why.lines().findFirst().orElse("")), e);
    } catch (FileNotFoundException | NoSuchFileException e) {
      String why = Files.exists(file) ? "it is no file that this user may read" : "no such file";
      throw new KmemException("%s cannot be read: %s.".formatted(file, why), e);
    } catch (IOException e) {
      throw new KmemException("%s cannot be read: %s.".formatted(file, e.getMessage()), e);
    }
  }

  private static KmemException notWritable(Path file, IOException e) {
    boolean isNameless = file.toString().isEmpty();
    return new KmemException(
        "--json %s cannot be written: %s; accepted is a file in a folder that exists."
            .formatted(isNameless ? "''" : file, isNameless ? "the name is empty" : why(file, e)),
        e);
  }

  private static String why(Path file, IOException e) {
    if (Files.isDirectory(file)) {
      return "it is a folder";
    }
    Path folder = file.toAbsolutePath().getParent();
    return switch (e) {
      case NoSuchFileException _ when Files.isDirectory(folder) -> "no file can be made there";
      case NoSuchFileException _ -> "its folder does not exist";
      case AccessDeniedException _ -> "this user may not write it";
      default -> e.getMessage();
    };
  }
}
