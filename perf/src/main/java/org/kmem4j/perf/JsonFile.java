package org.kmem4j.perf;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The file that {@code --json} names: tried before a run of minutes, written after it. */
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

  private static KmemException notWritable(Path file, IOException e) {
    String why =
        e instanceof NoSuchFileException
            ? "its folder does not exist"
            : e instanceof AccessDeniedException ? "this user may not write it" : e.getMessage();
    return new KmemException(
        "--json %s cannot be written: %s; accepted is a file in a folder that exists."
            .formatted(file, why),
        e);
  }
}
