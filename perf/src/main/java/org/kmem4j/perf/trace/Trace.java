package org.kmem4j.perf.trace;

import java.nio.file.Path;

/**
 * A decoded trace: who allocated and freed what, in the order in which it happened.
 *
 * <p>Objects are numbered from 0 in the order of their allocation, threads in the order of their
 * first event. Immutable.
 */
public final class Trace {
  private final Path file;
  private final Header header;
  private final int[] events; // The object allocated, or the complement of the object freed.
  private final char[] threads; // By event.
  private final int[] bytes; // By object.

  /** What the head of the file says, every number of it checked against the events. */
  record Header(int events, int objects, int maxLiveObjects, long maxLiveBytes, int threads) {}

  Trace(Path file, Header header, int[] events, char[] threads, int[] bytes) {
    this.file = file;
    this.header = header;
    this.events = events;
    this.threads = threads;
    this.bytes = bytes;
  }

  /** The file's name less {@code .mtr.gz}. */
  public String name() {
    return name(file);
  }

  /** The name of the trace in a file. */
  public static String name(Path file) {
    return file.getFileName().toString().replaceFirst("(\\.mtr)?(\\.gz)?$", "");
  }

  public Path file() {
    return file;
  }

  public int events() {
    return header.events;
  }

  public int objects() {
    return header.objects;
  }

  public int threads() {
    return header.threads;
  }

  public int maxLiveObjects() {
    return header.maxLiveObjects;
  }

  /** The largest sum of the sizes of live objects. */
  public long maxLiveBytes() {
    return header.maxLiveBytes;
  }

  public boolean isAlloc(int event) {
    return events[event] >= 0;
  }

  /** The object that this event allocates or frees. */
  public int object(int event) {
    return Math.max(events[event], ~events[event]);
  }

  public int thread(int event) {
    return threads[event];
  }

  /** The size asked for, which may be 0. */
  public int bytes(int object) {
    return bytes[object];
  }
}
