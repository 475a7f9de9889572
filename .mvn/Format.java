import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import com.google.googlejavaformat.java.StringWrapper;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * Runs google-java-format over the Java files below the given folder. {@code check} names the files
 * that are not formatted and fails, {@code apply} rewrites them.
 *
 * <p>Maven may run on a JDK 17, whose parser knows no record patterns and no {@code _}, and
 * google-java-format uses the parser of the JDK it runs on. So the build starts this file with the
 * JDK it compiles with, instead of formatting inside Maven as the usual plugins do.
 */
void main(String[] args) throws IOException {
  boolean apply = args[0].equals("apply");
  List<Path> wrong = new ArrayList<>();
  for (Path file : javaFiles(Path.of(args[1]))) {
    String source = Files.readString(file);
    String formatted = format(file, source);
    if (!formatted.equals(source)) {
      wrong.add(file);
      if (apply) {
        Files.writeString(file, formatted);
      }
    }
  }
  wrong.forEach(file -> IO.println((apply ? "formatted " : "not formatted: ") + file));
  if (!apply && !wrong.isEmpty()) {
    IO.println("Run ./mvnw -Pformat to format them.");
    System.exit(1);
  }
}

List<Path> javaFiles(Path root) throws IOException {
  List<Path> found = new ArrayList<>();
  Files.walkFileTree(
      root,
      new SimpleFileVisitor<>() {
        @Override
        public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
          String name = folder.getFileName().toString();
          boolean ours = folder.equals(root) || !name.startsWith(".") && !name.equals("target");
          return ours ? FileVisitResult.CONTINUE : FileVisitResult.SKIP_SUBTREE;
        }

        @Override
        public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
          if (file.toString().endsWith(".java")) {
            found.add(file);
          }
          return FileVisitResult.CONTINUE;
        }
      });
  Collections.sort(found);
  return found;
}

String format(Path file, String source) {
  try {
    Formatter formatter = new Formatter();
    String ordered = ImportOrderer.reorderImports(source, Style.GOOGLE);
    String used = RemoveUnusedImports.removeUnusedImports(ordered);
    return StringWrapper.wrap(formatter.formatSource(used), formatter);
  } catch (FormatterException e) {
    IO.println(file + ": " + e.getMessage());
    System.exit(1);
    throw new AssertionError(e);
  }
}
