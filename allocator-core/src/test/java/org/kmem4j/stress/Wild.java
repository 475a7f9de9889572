package org.kmem4j.stress;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Input that may be anything: numbers near the edges, and mutations of what is right. The same seed
 * gives the same input.
 *
 * <p>{@code -Dwild.seconds=60} tries for longer than a build does, {@code -Dwild.seed=4711} makes
 * one attempt again. What an attempt finds is repaired and kept as a file, which every build reads.
 */
public final class Wild {
  private static final double SECONDS = Double.parseDouble(System.getProperty("wild.seconds", "1"));
  private static final long LONGEST_NANOS = 10_000_000_000L;

  private static final long[] EDGES = {
    0,
    1,
    8,
    63,
    64,
    255,
    510,
    512,
    1024,
    4096,
    32 << 10,
    2 << 20,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 40,
    1L << 51,
    Long.MAX_VALUE,
    Long.MIN_VALUE
  };

  /** Characters that some reader or other treats as something special. */
  private static final String SPECIAL =
      "/.*:=,-+kmgKMG \t\n\r\f\\\"'#!%\0\u007f\u00e4\u0661\u2028\ud800";

  private final Random random;

  private Wild(long seed) {
    this.random = new Random(seed);
  }

  /** What went wrong once: the lines of a file, but for comments. */
  public static Stream<String> linesOf(Path corpus) throws IOException {
    return Files.readAllLines(corpus).stream().filter(line -> !line.startsWith("#"));
  }

  /** Makes attempts, each with a seed of its own, until the time is over; prints the first one. */
  public static void attempt(String what, Consumer<Wild> attempt) {
    Long only = Long.getLong("wild.seed");
    long first = only != null ? only : System.nanoTime() & 0xffff_ffff_ffffL;
    long start = System.nanoTime();
    long seed = first;
    do {
      long began = System.nanoTime();
      try {
        attempt.accept(new Wild(seed));
      } catch (Throwable e) {
        throw new AssertionError(what + ", -Dwild.seed=" + seed + ": " + e.getMessage(), e);
      }
      if (System.nanoTime() - began > LONGEST_NANOS) {
        throw new AssertionError(what + ", -Dwild.seed=" + seed + " took more than 10 s");
      }
      seed++;
    } while (only == null && System.nanoTime() - start < SECONDS * 1e9);
    System.out.printf("%s: %d attempts from seed %d%n", what, seed - first, first);
  }

  public int below(int bound) {
    return random.nextInt(bound);
  }

  public boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  public <T> T oneOf(List<T> some) {
    return some.get(random.nextInt(some.size()));
  }

  /** Any number, more often than not one near an edge. */
  public long number() {
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(100);
      case 1 -> EDGES[random.nextInt(EDGES.length)] + random.nextInt(3) - 1;
      case 2 -> -EDGES[random.nextInt(EDGES.length)];
      default -> random.nextLong() >> random.nextInt(64);
    };
  }

  /** One of some texts, with a few mutations or none. */
  public String mutated(List<String> texts) {
    StringBuilder text = new StringBuilder(oneOf(texts));
    for (int i = random.nextInt(4); i > 0; i--) {
      mutate(text, oneOf(texts));
    }
    return text.toString();
  }

  /** Some bytes with a few mutations or none. */
  public byte[] mutated(byte[] bytes) {
    return mutated(List.of(new String(bytes, StandardCharsets.ISO_8859_1)))
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private void mutate(StringBuilder text, String other) {
    int from = random.nextInt(text.length() + 1);
    int to = Math.min(text.length(), from + 1 + random.nextInt(8));
    switch (random.nextInt(8)) {
      case 0 -> text.delete(from, to);
      case 1 -> text.insert(from, text.substring(from, to).repeat(1 + random.nextInt(3)));
      case 2 -> text.insert(from, SPECIAL.charAt(random.nextInt(SPECIAL.length())));
      case 3 -> text.insert(from, number());
      case 4 -> text.insert(from, (char) random.nextInt(256));
      case 5 -> text.replace(from, to, other.substring(random.nextInt(other.length() + 1)));
      case 6 -> {
        if (from < text.length()) {
          text.setCharAt(from, (char) (text.charAt(from) ^ 1 << random.nextInt(8)));
        }
      }
      default -> text.setLength(from);
    }
  }
}
