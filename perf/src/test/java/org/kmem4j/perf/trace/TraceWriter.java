package org.kmem4j.perf.trace;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.zip.GZIPOutputStream;

/** Writes small traces for tests; counts are those of the events unless a test sets others. */
public final class TraceWriter {
  private final ByteArrayOutputStream events = new ByteArrayOutputStream();
  private final List<Long> sizes = new ArrayList<>();
  private final Set<Integer> threadsSeen = new HashSet<>();
  private long live;
  private long liveBytes;

  /** The five numbers of the header, for a test to falsify. */
  public long eventCount;

  public long objectCount;
  public long maxLive;
  public long maxBytes;
  public long threads;
  public int version = 1;

  public TraceWriter alloc(int thread, long bytes) {
    event(thread, 0, bytes);
    sizes.add(bytes);
    objectCount++;
    maxLive = Math.max(maxLive, ++live);
    liveBytes += bytes;
    maxBytes = Math.max(maxBytes, liveBytes);
    return this;
  }

  public TraceWriter free(int thread, int object) {
    freeAt(thread, sizes.size() - object);
    live--;
    liveBytes -= sizes.get(object);
    return this;
  }

  /** A free with any distance, right or wrong. */
  public TraceWriter freeAt(int thread, long distance) {
    event(thread, 1, distance);
    return this;
  }

  /** Any bytes after the events until now; the counts do not notice. */
  public TraceWriter raw(int... bytes) {
    for (int one : bytes) {
      events.write(one);
    }
    return this;
  }

  /** Random events of valid form: objects of 0 to 3000 bytes, freed by any thread. */
  public static TraceWriter random(long seed, int count, int threads) {
    Random random = new Random(seed);
    TraceWriter writer = new TraceWriter();
    for (int thread = 0; thread < threads; thread++) {
      writer.alloc(thread, 8);
    }
    List<Integer> alive = new ArrayList<>();
    while (writer.eventCount < count) {
      int thread = random.nextInt(threads);
      if (alive.size() < 5 || alive.size() < 200 && random.nextBoolean()) {
        alive.add(writer.sizes.size());
        writer.alloc(thread, random.nextInt(10) == 0 ? random.nextInt(3000) : random.nextInt(64));
      } else {
        int last = alive.size() - 1;
        int index = random.nextInt(alive.size());
        int object = alive.get(index);
        alive.set(index, alive.get(last));
        alive.remove(last);
        writer.free(thread, object);
      }
    }
    return writer;
  }

  /** Decoded, as the format describes it. */
  public byte[] decoded() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {'M', 'T', 'R', '1', (byte) version, 0, 0, 0});
    for (long number : new long[] {eventCount, objectCount, maxLive, maxBytes, threads}) {
      varint(out, number);
    }
    out.writeBytes(events.toByteArray());
    return out.toByteArray();
  }

  public Path write(Path file) {
    return gzip(decoded(), file);
  }

  public static Path gzip(byte[] decoded, Path file) {
    try (GZIPOutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(decoded);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  private void event(int thread, int operation, long operand) {
    varint(events, (long) thread << 1 | operation);
    varint(events, operand);
    eventCount++;
    threadsSeen.add(thread);
    threads = threadsSeen.size();
  }

  private static void varint(ByteArrayOutputStream out, long value) {
    while (value >>> 7 != 0) {
      out.write((int) (value & 127 | 128));
      value >>>= 7;
    }
    out.write((int) value);
  }
}
