package org.kmem4j.slab;

import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.kmem4j.memory.Bits;
import org.kmem4j.memory.Memory;
import org.kmem4j.memory.Struct;

/**
 * Who allocated and freed the objects of caches that track: an object keeps two words for each,
 * which lead to the stacks and names here. Equal ones are kept once, so this grows with the
 * program's call sites and not with its objects; it is bounded nevertheless, and what comes when it
 * is full has no stack, or no name.
 */
final class Tracks {
  private static final Struct TRACK =
      Struct.named("track", "Who allocated, or who freed, an object of a cache that tracks.");

  private static final long WHEN = TRACK.word("when", "`System.nanoTime`");
  private static final long WHO = TRACK.word("who", "caller and thread; 0 for nobody yet");
  private static final Bits STACK = TRACK.bits("stack", 17, "number of the stack, or 0");
  private static final Bits NAME = TRACK.bits("name", 16, "number of the thread's name, or 0");
  private static final Bits THREAD = TRACK.bits("thread", 31, "the thread's id");
  static final long BYTES = TRACK.end(8);
  static final String LAYOUT = TRACK.toMarkdown();

  /**
   * Whose frames are left out: those of the allocator itself, by where they came from and by their
   * package. A jar may hold a program and all that it uses, under other names too; a module on top
   * of this has packages like ours.
   */
  private static final ProtectionDomain HERE = Tracks.class.getProtectionDomain();

  private static final String PACKAGES = packages(Tracks.class.getPackageName());

  /** Frames of a stack that are kept. */
  private static final int DEPTH = 16;

  private static final StackWalker WALKER =
      StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

  /**
   * What tells a frame from others and is had cheaply: descriptors and lines cost several times as
   * much. One call site cannot lead to two methods of one name in one class.
   */
  private record Frame(String type, String method, int bytecode) {
    Frame(StackWalker.StackFrame frame) {
      this(frame.getClassName(), frame.getMethodName(), frame.getByteCodeIndex());
    }
  }

  private final Numbered<List<Frame>, List<StackTraceElement>> stacks =
      new Numbered<>(STACK.mask());
  private final Numbered<String, String> names = new Numbered<>(NAME.mask());

  /**
   * Who is calling now, as {@link #put} stores it. It needs stack and heap, and comes before
   * anything is changed.
   *
   * @throws StackOverflowError if there is too little stack
   */
  long caller() {
    try {
      return callerTold();
    } catch (OutOfMemoryError e) {
      return 0; // nobody: who frees when the Java heap is full must not need any of it
    }
  }

  private long callerTold() {
    List<StackWalker.StackFrame> frames = frames();
    int stack =
        stacks.numberOf(
            frames.stream().map(Frame::new).toList(),
            () -> frames.stream().map(StackWalker.StackFrame::toStackTraceElement).toList());
    Thread thread = Thread.currentThread();
    int name = names.numberOf(thread.getName(), thread::getName);
    int id = (int) thread.threadId() & THREAD.mask();
    return THREAD.set(NAME.set(STACK.set(0, stack), name), id);
  }

  /** Takes far more stack than what follows, which changes a table that all share. */
  private static List<StackWalker.StackFrame> frames() {
    try {
      return WALKER.walk(frames -> frames.dropWhile(Tracks::isOurs).limit(DEPTH).toList());
    } catch (InternalError e) { // how a walker tells, sometimes, that the stack is used up
      throw (StackOverflowError) new StackOverflowError(e.getMessage()).initCause(e);
    }
  }

  private static boolean isOurs(StackWalker.StackFrame frame) {
    return frame.getClassName().startsWith(PACKAGES)
        && frame.getDeclaringClass().getProtectionDomain().equals(HERE);
  }

  /** How the names of all of our classes begin, by the package of this one. */
  private static String packages(String mine) {
    return mine.substring(0, mine.lastIndexOf('.') + 1);
  }

  /** Stores who called, and that it was now. */
  static void put(long track, long caller) {
    Memory.putLong(track + WHEN, System.nanoTime());
    Memory.putLong(track + WHO, caller);
  }

  /** Who is told of, or null: nobody yet. */
  Track get(long track) {
    if (!isKnown(track)) {
      return null;
    }
    long who = Memory.getLong(track + WHO);
    String name = names.value(NAME.get(who));
    return new Track(
        site(siteNumber(track)),
        "thread " + (name == null ? "" : '"' + name + "\" ") + "#" + THREAD.get(who),
        nanoTime(track));
  }

  // The parts of it, without garbage.

  static boolean isKnown(long track) {
    return Memory.getLong(track + WHO) != 0;
  }

  static int siteNumber(long track) {
    return STACK.get(Memory.getLong(track + WHO));
  }

  static long nanoTime(long track) {
    return Memory.getLong(track + WHEN);
  }

  /** The stack of a number, which may be any; empty if there is none. */
  List<StackTraceElement> site(int number) {
    List<StackTraceElement> site = stacks.value(number);
    return site == null ? List.of() : site;
  }

  /** Numbers for values, from 1 on. */
  private static final class Numbered<K, V> {
    private final int max;
    private final ConcurrentHashMap<K, Integer> numbers = new ConcurrentHashMap<>();

    /** Guarded by itself. */
    private final List<V> values = new ArrayList<>();

    Numbered(int max) {
      this.max = max;
    }

    /** The number of a value, or 0 if there are too many others. */
    int numberOf(K key, Supplier<V> value) {
      Integer number = numbers.get(key);
      return number != null ? number : add(key, value);
    }

    private int add(K key, Supplier<V> value) {
      V fresh = value.get();
      synchronized (values) {
        Integer number = numbers.get(key);
        if (number != null) {
          return number;
        }
        if (values.size() == max) {
          return 0;
        }
        values.add(fresh);
        numbers.put(key, values.size());
        return values.size();
      }
    }

    /** The value of a number that may be any: a program may have overwritten it. */
    V value(int number) {
      synchronized (values) {
        return number < 1 || number > values.size() ? null : values.get(number - 1);
      }
    }
  }
}
