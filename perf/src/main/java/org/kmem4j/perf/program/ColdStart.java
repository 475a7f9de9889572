package org.kmem4j.perf.program;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.contender.Allocator;

/**
 * What a JVM that has just started pays: for the first allocation, which loads, links and
 * initialises classes and sets up the allocator; for ten thousand more, most of them interpreted;
 * and for the first touch of memory. Every object is written to once.
 *
 * <p>Netty runs on the main thread here, for which it keeps no free buffers; none is freed.
 *
 * <p>The clock starts in the main method; that the JVM itself was started is not counted.
 */
final class ColdStart {
  static final String PRE_TOUCH = "slabPreTouch";
  static final String HUGE_PAGES = "slabHugePages";
  static final String BOTH = "slabPreTouchHugePages";
  static final String HEAP_PRE_TOUCH = "heapPreTouch";

  static final String TOUCHED = "-XX:+AlwaysPreTouch";

  static final int OBJECTS = 10_000;
  static final int OBJECT_BYTES = 64;

  /** Each is a quarter of a page; the JIT knows the loop by then. */
  static final int LARGER_BYTES = 1024;

  private static final int PAGE_BYTES = 4096;
  private static final long LARGER_PER_MILLI = 120;
  private static final long MAX_BYTES = 512L << 20;
  private static final Path STAT = Path.of("/proc/self/stat");
  private static final int MINOR_FAULTS = 9 - 2; // of the fields behind the command's name

  private ColdStart() {}

  /** Who is there twice or more, with the settings that cold starts are about. */
  static List<String> candidates() {
    List<String> names = new ArrayList<>(Candidates.ofAnySize());
    names.addAll(1, List.of(PRE_TOUCH, HUGE_PAGES, BOTH)); // beside slab
    names.add(names.indexOf(Candidates.HEAP) + 1, HEAP_PRE_TOUCH);
    return names;
  }

  /** Those of the contender; a heap that is touched before is a contender of its own. */
  static List<String> flags(String name) {
    if (name.equals(HEAP_PRE_TOUCH)) {
      return List.of(TOUCHED);
    }
    return isOurs(name) ? List.of() : Candidates.contender(name).flags();
  }

  private static boolean isOurs(String name) {
    return name.startsWith("slab");
  }

  private static boolean isHeap(String name) {
    return name.startsWith("heap");
  }

  /** Takes objects, writes a byte to each, and keeps them. */
  private interface Taker {
    void take(int number, int bytes);
  }

  public static void main(String[] arguments) throws IOException {
    Order order = Order.of(arguments);
    Fork.answer(measure(order));
  }

  static Answer measure(Order order) throws IOException {
    int larger = (int) (order.millis() * LARGER_PER_MILLI);
    byte[][] arrays = isHeap(order.contender()) ? new byte[1 + OBJECTS + larger][] : null;

    long start = System.nanoTime();
    Taker taker = open(order.contender(), 1 + OBJECTS + larger, arrays);
    taker.take(0, OBJECT_BYTES);
    long first = System.nanoTime();
    for (int i = 1; i <= OBJECTS; i++) {
      taker.take(i, OBJECT_BYTES);
    }
    long tenThousand = System.nanoTime();

    long[] nanos = new long[larger];
    long faults = minorFaults();
    long touching = System.nanoTime();
    long last = touching;
    for (int i = 0; i < larger; i++) {
      taker.take(1 + OBJECTS + i, LARGER_BYTES);
      long now = System.nanoTime();
      nanos[i] = now - last;
      last = now;
    }
    faults = minorFaults() - faults;

    double pages = (double) larger * LARGER_BYTES / PAGE_BYTES;
    Arrays.sort(nanos);
    return Answer.of(
        List.of(
            Answer.Figure.score("µs", (first - start) / 1e3),
            new Answer.Figure("next10000", "µs", (tenThousand - first) / 1e3),
            new Answer.Figure("firstTouch", "ns/page", (last - touching) / pages),
            new Answer.Figure("firstTouch.p50", "ns", nanos[larger / 2]),
            new Answer.Figure("firstTouch.p99", "ns", nanos[larger * 99 / 100]),
            new Answer.Figure("firstTouch.max", "ns", nanos[larger - 1]),
            new Answer.Figure("faults", "per page", faults / pages)),
        List.of());
  }

  /** No lambdas: what they load would be paid by whoever comes first. */
  private static Taker open(String name, int cells, byte[][] arrays) {
    if (isOurs(name)) {
      return new OfSlab(name);
    }
    if (isHeap(name)) {
      return new OfHeap(arrays);
    }
    return new OfOther(Candidates.open(name, OBJECT_BYTES, cells, false));
  }

  private static final class OfSlab implements Taker {
    private final SlabAllocator allocator;

    OfSlab(String name) {
      SlabAllocator.Builder builder = SlabAllocator.builder().max(MAX_BYTES);
      if (name.equals(PRE_TOUCH) || name.equals(BOTH)) {
        builder.preTouch();
      }
      if (name.equals(HUGE_PAGES) || name.equals(BOTH)) {
        builder.hugePages();
      }
      allocator = builder.build();
    }

    @Override
    public void take(int number, int bytes) {
      Memory.putByte(allocator.alloc(bytes), (byte) 1);
    }
  }

  private static final class OfHeap implements Taker {
    private final byte[][] arrays;

    OfHeap(byte[][] arrays) {
      this.arrays = arrays;
    }

    @Override
    public void take(int number, int bytes) {
      byte[] array = new byte[bytes];
      array[0] = 1;
      arrays[number] = array;
    }
  }

  private static final class OfOther implements Taker {
    private final Allocator allocator;

    OfOther(Allocator allocator) {
      this.allocator = allocator;
    }

    @Override
    public void take(int number, int bytes) {
      allocator.putByte(number, allocator.alloc(number, bytes), (byte) 1);
    }
  }

  /** How often this process has touched memory that the system had to give it first. */
  private static long minorFaults() throws IOException {
    String stat = Files.readString(STAT);
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[MINOR_FAULTS]);
  }
}
