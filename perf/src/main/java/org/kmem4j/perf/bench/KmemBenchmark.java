package org.kmem4j.perf.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.TimeUnit;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How every benchmark here is run. All contenders of a question are methods of one class and do the
 * same work; {@code kmem bench} runs them fork by fork in turns, and may shorten the times.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(
    value = 3,
    jvmArgs = {
      KmemBenchmark.NATIVE_ACCESS,
      KmemBenchmark.AGRONA_BUFFERS,
      KmemBenchmark.LEAST_HEAP,
      KmemBenchmark.MOST_HEAP,
      KmemBenchmark.TOUCHED_HEAP
    })
public abstract class KmemBenchmark {
  static final String NATIVE_ACCESS = "--enable-native-access=ALL-UNNAMED";
  static final String AGRONA_BUFFERS = "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED";

  // The heap as a contender is not to pay for growing, nor for its first page faults.
  static final String LEAST_HEAP = "-Xms1g";
  static final String MOST_HEAP = "-Xmx1g";
  static final String TOUCHED_HEAP = "-XX:+AlwaysPreTouch";

  /** More than any benchmark needs: none is to meet the ceiling. */
  static final long MAX_BYTES = 256L << 20;

  /** The object header and length of an array, which fill 16 bytes. */
  static final int ARRAY_HEADER_BYTES = 16;

  /** Of an array that fills so many bytes with its header, but has room for one word. */
  static int arrayLength(int bytes) {
    return Math.max(bytes - ARRAY_HEADER_BYTES, Long.BYTES);
  }

  /** Writes a word of an array. */
  static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());

  /** Takes an object, of which there is always one. */
  static long take(KmemCache cache) {
    long object = cache.tryAlloc();
    if (object == 0) {
      throw new IllegalStateException("refused");
    }
    return object;
  }

  /** Takes an object, writes its first word, and gives it back. */
  static long pair(KmemCache cache) {
    long object = take(cache);
    Memory.putLong(object, object);
    cache.free(object);
    return object;
  }

  /** For JMH's generated subclasses. */
  protected KmemBenchmark() {}
}
