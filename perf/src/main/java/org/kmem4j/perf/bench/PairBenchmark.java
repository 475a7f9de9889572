package org.kmem4j.perf.bench;

import java.util.concurrent.TimeUnit;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.Pin;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What does taking one object and giving it back at once cost, by size? */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(
    value = 3,
    jvmArgs = {
      "--enable-native-access=ALL-UNNAMED",
      "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
      "-Xms1g",
      "-Xmx1g",
      "-XX:+AlwaysPreTouch"
    })
public class PairBenchmark {
  @Param({"64", "256", "1024", "4096"})
  public int size;

  /** Size of an array that fills {@code size} bytes of heap with its header: not a constant. */
  private int length;

  private SlabAllocator allocator;
  private KmemCache cache;
  private Pin pin;

  @Setup(Level.Trial)
  public void open() {
    length = size - 16;
    allocator = SlabAllocator.builder().max(256 << 20).build();
    cache = allocator.createCache("pair", size);
  }

  @TearDown(Level.Trial)
  public void close() {
    if (pin != null) {
      pin.close();
    }
    allocator.close();
  }

  @Benchmark
  public long kmemCache() {
    long object = cache.tryAlloc();
    cache.free(object);
    return object;
  }

  @Benchmark
  public long kmemCachePinned() {
    if (pin == null) {
      pin = allocator.pin();
    }
    long object = cache.tryAlloc(pin);
    cache.free(pin, object);
    return object;
  }

  @Benchmark
  public long bySize() {
    long object = allocator.tryAlloc(size);
    allocator.free(object);
    return object;
  }

  @Benchmark
  public byte[] heap() {
    return new byte[length];
  }

  @Benchmark
  public byte[] heapConstant48() {
    return new byte[48];
  }
}
