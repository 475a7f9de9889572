package org.kmem4j.perf.replay;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.kmem4j.perf.KmemException;

/** The traces in {@code perf/traces}, found by name. */
final class ShippedTraces {
  private static final String SUFFIX = ".mtr.gz";

  private final Path folder;

  ShippedTraces(Path folder) {
    this.folder = folder;
  }

  /** Those of this project: bin/kmem says where it lies, else these classes do. */
  static ShippedTraces ofThisProject() {
    String home = System.getProperty("kmem.home");
    if (home != null) {
      return new ShippedTraces(Path.of(home, "perf", "traces"));
    }
    try {
      Path classes =
          Path.of(ShippedTraces.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      return new ShippedTraces(classes.resolve("../../traces").normalize()); // perf/target/classes
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The smallest file first. */
  List<Path> all() {
    if (!Files.isDirectory(folder)) {
      throw new KmemException(
          "No traces are shipped in " + folder + "; name a file NAME.mtr.gz instead.");
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.toString().endsWith(SUFFIX))
          .sorted(Comparator.comparingLong(file -> file.toFile().length()))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A shipped trace by its bare name, else the path as given. */
  Path find(String nameOrPath) {
    Path shipped = folder.resolve(nameOrPath + SUFFIX);
    if (nameOrPath.matches("[\\w-]+") && Files.exists(shipped)) {
      return shipped;
    }
    Path path = Path.of(nameOrPath);
    if (Files.notExists(path)) {
      throw new KmemException(
          "There is no trace %s; shipped are %s, others are given by their path."
              .formatted(nameOrPath, String.join(", ", names())));
    }
    return path;
  }

  private List<String> names() {
    return all().stream().map(file -> file.getFileName().toString().replace(SUFFIX, "")).toList();
  }
}
