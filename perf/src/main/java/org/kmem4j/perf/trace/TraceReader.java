package org.kmem4j.perf.trace;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Reads a trace in the format MTR1 and believes nothing in it.
 *
 * <p>Memory grows with what has been decoded, never with what the header promises, and the work is
 * bounded by the file's length: each event takes at least two decoded bytes.
 */
public final class TraceReader {
  /** More events than this are refused: the replay indexes them with an int and keeps them all. */
  static final int MAX_EVENTS = 1 << 27;

  static final int MAX_THREADS = 1 << 12;

  private static final byte[] MAGIC = {'M', 'T', 'R', '1'};
  private static final int VERSION = 1;
  private static final int FIRST_CAPACITY = 1 << 16;
  private static final int HEADER = -1;

  private final Path path;
  private final GzipMember in;
  private long numberAt; // Where the number being looked at starts in the decoded trace.
  private int event = HEADER;

  private int events;
  private int[] object;
  private char[] thread;
  private int[] bytes; // Complemented once the object is freed.

  private TraceReader(Path path, GzipMember in) {
    this.path = path;
    this.in = in;
  }

  /** Reads and checks a whole trace. */
  public static Trace read(Path path) {
    if (Files.isDirectory(path)) {
      throw new TraceException(path + " is a directory; a trace is a file NAME.mtr.gz.");
    }
    try (GzipMember in = new GzipMember(Files.newInputStream(path))) {
      return new TraceReader(path, in).read();
    } catch (GzipMember.Damage e) {
      throw new TraceException(path + " " + e.getMessage() + ".", e);
    } catch (NoSuchFileException e) {
      throw new TraceException(path + " does not exist; a trace is a file NAME.mtr.gz.", e);
    } catch (AccessDeniedException e) {
      throw new TraceException(path + " may not be read by this user.", e);
    } catch (IOException e) {
      throw new TraceException(path + " cannot be read: " + e.getMessage() + ".", e);
    } catch (OutOfMemoryError e) {
      throw new TraceException(
          path + " does not fit in the Java heap; KMEM_JAVA_OPTS=-Xmx8g gives it more.", e);
    }
  }

  private Trace read() throws IOException, GzipMember.Damage {
    checkMagicAndVersion();
    events = (int) number("the number of events", 1, MAX_EVENTS);
    int objects = (int) number("the number of objects", 0, events);
    int maxLiveObjects = (int) number("the most live objects", 0, objects);
    long maxLiveBytes = number("the most live bytes", 0, Long.MAX_VALUE);
    int threads = (int) number("the number of threads", 1, MAX_THREADS);

    object = new int[Math.min(events, FIRST_CAPACITY)];
    thread = new char[object.length];
    bytes = new int[Math.min(objects, FIRST_CAPACITY)];

    int allocated = 0;
    int seenThreads = 0;
    int live = 0;
    int mostLive = 0;
    long liveBytes = 0;
    long mostBytes = 0;
    for (event = 0; event < events; event++) {
      if (event == object.length) {
        object = Arrays.copyOf(object, grown(event, events));
        thread = Arrays.copyOf(thread, object.length);
      }
      long tag = number("an event's tag", 0, Long.MAX_VALUE);
      long who = tag >> 1;
      if (who > seenThreads) {
        throw fail("thread %d appears before thread %d", who, seenThreads);
      }
      if (who >= threads) {
        throw fail("thread %d, the header promises threads 0 to %d", who, threads - 1);
      }
      seenThreads = Math.max(seenThreads, (int) who + 1);
      thread[event] = (char) who;

      if ((tag & 1) == 0) {
        if (allocated == objects) {
          throw fail("one object more than the %d of the header", objects);
        }
        if (allocated == bytes.length) {
          bytes = Arrays.copyOf(bytes, grown(allocated, objects));
        }
        int size = (int) number("an object's size", 0, Integer.MAX_VALUE);
        bytes[allocated] = size;
        object[event] = allocated++;
        liveBytes += size;
        mostBytes = Math.max(mostBytes, liveBytes);
        mostLive = Math.max(mostLive, ++live);
      } else {
        if (allocated == 0) {
          throw fail("frees an object before any was allocated");
        }
        int freed = allocated - (int) number("a free's distance", 1, allocated);
        if (bytes[freed] < 0) {
          throw fail("frees object %d a second time", freed);
        }
        liveBytes -= bytes[freed];
        live--;
        bytes[freed] = ~bytes[freed];
        object[event] = ~freed;
      }
    }
    event = HEADER;
    agree("objects", objects, allocated);
    agree("most live objects", maxLiveObjects, mostLive);
    agree("most live bytes", maxLiveBytes, mostBytes);
    agree("threads", threads, seenThreads);
    if (in.read() >= 0) {
      numberAt = in.offset() - 1;
      throw fail("bytes follow the last of the %d events", events);
    }
    for (int i = 0; i < objects; i++) {
      bytes[i] = Math.max(bytes[i], ~bytes[i]);
    }
    Trace.Header header = new Trace.Header(events, objects, maxLiveObjects, maxLiveBytes, threads);
    return new Trace(path, header, object, thread, bytes);
  }

  private void checkMagicAndVersion() throws IOException, GzipMember.Damage {
    byte[] magic = new byte[MAGIC.length];
    for (int i = 0; i < magic.length; i++) {
      magic[i] = (byte) next("the magic");
    }
    if (!Arrays.equals(magic, MAGIC)) {
      numberAt = 0;
      throw fail(
          "the magic is %02x %02x %02x %02x, accepted is 4d 54 52 31 (\"MTR1\")",
          magic[0], magic[1], magic[2], magic[3]);
    }
    long version = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      version |= (long) next("the version") << shift;
    }
    if (version != VERSION) {
      numberAt = MAGIC.length;
      throw fail("the version is %d, accepted is %d", version, VERSION);
    }
  }

  /** Reads one varint and refuses what lies outside of least to most. */
  private long number(String what, long least, long most) throws IOException, GzipMember.Damage {
    numberAt = in.offset();
    long value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
      int part = in.read();
      if (part < 0) {
        throw fail("the trace ends inside or before %s", what);
      }
      value |= (long) (part & 127) << shift;
      if (part < 128) {
        if (value < least || value > most) {
          throw fail("%s is %d, accepted are %d to %d", what, value, least, most);
        }
        return value;
      }
    }
    throw fail("%s takes more than 9 bytes, accepted are values below 2^63", what);
  }

  private int next(String what) throws IOException, GzipMember.Damage {
    numberAt = in.offset();
    int value = in.read();
    if (value < 0) {
      throw fail("the trace ends inside or before %s", what);
    }
    return value;
  }

  private void agree(String what, long header, long found) {
    if (header != found) {
      throw new TraceException(
          "%s: the header says %s %d, the events make it %d.".formatted(path, what, header, found));
    }
  }

  private TraceException fail(String what, Object... values) {
    String place = event == HEADER ? "" : "event %d of %d, ".formatted(event, events);
    return new TraceException(
        "%s: %sbyte %d of the decoded trace: %s."
            .formatted(path, place, numberAt, what.formatted(values)));
  }

  private static int grown(int length, int most) {
    return (int) Math.min(2L * length, most);
  }
}
