package org.kmem4j.perf.bench;

import io.netty.buffer.AdaptiveByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.PooledByteBufAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import net.openhft.chronicle.bytes.BytesStore;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.RootAllocator;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.clib.CAllocator.Jemalloc;
import org.kmem4j.perf.clib.CAllocator.Malloc;
import org.kmem4j.perf.clib.CAllocator.Mimalloc;
import org.kmem4j.perf.clib.CAllocator.Tcmalloc;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.Pin;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to take one object, to write its first word, and to give it back at once, by
 * size? The heap's arrays fill the size with their header, but for 16 bytes, which are 24. They and
 * an arena's memory are zeroed, as Java has it; nobody else zeroes but {@code kmemCacheZeroed}. The
 * figures of Netty, Arrow and Chronicle are with their object: {@code flyweight} and {@code
 * newFlyweight} are ours with a view, the caller's own or a new one each time.
 */
public class PairBenchmark extends KmemBenchmark {
  /** As many objects as a pool made by hand is filled with. */
  private static final int CELLS = 64;

  /** The size, read from a field: not a constant to the JIT. */
  @State(Scope.Thread)
  public static class Size {
    @Param({"16", "64", "256", "1024", "4096", "32768"})
    public int size;

    int length;

    @Setup(Level.Trial)
    public void computeLength() {
      length = arrayLength(size);
    }
  }

  /** One of our caches, and the door for allocation by size. */
  public static class Kmem extends Size {
    SlabAllocator allocator;
    KmemCache cache;
    ObjectPool<Flyweight> pool;
    Flyweight view;

    @Setup(Level.Trial)
    public void open() {
      allocator = settings().build();
      cache = allocator.createCache("pair", size);
      pool = new ObjectPool<>(cache);
      view = new Flyweight();
    }

    SlabAllocator.Builder settings() {
      return SlabAllocator.builder().max(MAX_BYTES);
    }

    @TearDown(Level.Trial)
    public void close() {
      allocator.close();
    }
  }

  /** The same, hardened. */
  public static class Hardened extends Kmem {
    @Override
    SlabAllocator.Builder settings() {
      return super.settings().hardened(true);
    }
  }

  /** The same paid by a group. */
  public static class Paid extends Kmem {
    private MemCgroups groups;

    @Override
    public void open() {
      super.open();
      groups = MemCgroups.on(allocator);
      cache = cache.in(groups.create("/a/b/c").max(MAX_BYTES / 2));
    }

    @Override
    public void close() {
      groups.close();
      super.close();
    }
  }

  /** The same on a thread that is pinned throughout; JMH sets it up on that thread. */
  public static class Pinned extends Kmem {
    Pin pin;

    @Override
    public void open() {
      super.open();
      pin = allocator.pin();
    }

    @Override
    public void close() {
      pin.close();
      super.close();
    }
  }

  /** Netty's two allocators of direct buffers. */
  public static class Netty extends Size {
    final ByteBufAllocator pooled = new PooledByteBufAllocator(true);
    final ByteBufAllocator adaptive = new AdaptiveByteBufAllocator(true);
  }

  /** Arrow's accounting over malloc. */
  public static class Arrow extends Size {
    final RootAllocator root = new RootAllocator(Long.MAX_VALUE);

    @TearDown(Level.Trial)
    public void close() {
      root.close();
    }
  }

  /** Those that hand out objects of one size only. */
  public static class Cell extends LiveObjects {
    @Param({"16", "64", "256", "1024", "4096", "32768"})
    public int size;

    @Setup(Level.Trial)
    public void open() {
      open(size, CELLS, false);
    }
  }

  @Benchmark
  public long kmemCache(Kmem kmem) {
    long object = kmem.cache.tryAlloc();
    Memory.putLong(object, object);
    kmem.cache.free(object);
    return object;
  }

  @Benchmark
  public long kmemCacheZeroed(Kmem kmem) {
    long object = kmem.cache.tryAlloc();
    Memory.fill(object, kmem.size, (byte) 0);
    Memory.putLong(object, object);
    kmem.cache.free(object);
    return object;
  }

  @Benchmark
  public long kmemCacheHardened(Hardened kmem) {
    long object = kmem.cache.tryAlloc();
    Memory.putLong(object, object);
    kmem.cache.free(object);
    return object;
  }

  @Benchmark
  public long kmemCachePinned(Pinned kmem) {
    long object = kmem.cache.tryAlloc(kmem.pin);
    Memory.putLong(object, object);
    kmem.cache.free(kmem.pin, object);
    return object;
  }

  @Benchmark
  public long kmemCacheInGroup(Paid kmem) {
    long object = kmem.cache.tryAlloc();
    Memory.putLong(object, object);
    kmem.cache.free(object);
    return object;
  }

  /** A view that the caller owns and reuses. */
  @Benchmark
  public long flyweight(Kmem kmem) {
    kmem.pool.acquire(kmem.view);
    kmem.view.putLong(0, kmem.size);
    long object = kmem.view.address();
    kmem.pool.release(kmem.view);
    return object;
  }

  /** A view made for the one object, which escapes as a buffer would. */
  @Benchmark
  public Flyweight newFlyweight(Kmem kmem) {
    Flyweight view = new Flyweight();
    kmem.pool.acquire(view);
    view.putLong(0, kmem.size);
    kmem.pool.release(view);
    return view;
  }

  @Benchmark
  public long bySize(Kmem kmem) {
    long object = kmem.allocator.tryAlloc(kmem.size);
    Memory.putLong(object, object);
    kmem.allocator.free(object);
    return object;
  }

  @Benchmark
  public byte[] heap(Size size) {
    byte[] object = new byte[size.length];
    LONG.set(object, 0, (long) size.size);
    return object;
  }

  /** The JIT unrolls the zeroing of a size that it knows. */
  @Benchmark
  public byte[] heapConstant48() {
    byte[] object = new byte[48];
    LONG.set(object, 0, 48L);
    return object;
  }

  @Benchmark
  public long malloc(Size size) {
    long object = Malloc.IT.malloc(size.size);
    Memory.putLong(object, object);
    Malloc.IT.free(object);
    return object;
  }

  @Benchmark
  public long jemalloc(Size size) {
    long object = Jemalloc.IT.malloc(size.size);
    Memory.putLong(object, object);
    Jemalloc.IT.free(object);
    return object;
  }

  @Benchmark
  public long mimalloc(Size size) {
    long object = Mimalloc.IT.malloc(size.size);
    Memory.putLong(object, object);
    Mimalloc.IT.free(object);
    return object;
  }

  @Benchmark
  public long tcmalloc(Size size) {
    long object = Tcmalloc.IT.malloc(size.size);
    Memory.putLong(object, object);
    Tcmalloc.IT.free(object);
    return object;
  }

  /** A confined one for each object, closed to free it. */
  @Benchmark
  public MemorySegment arena(Size size) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment object = arena.allocate(size.size, Long.BYTES);
      object.set(ValueLayout.JAVA_LONG, 0, size.size);
      return object;
    }
  }

  @Benchmark
  public ByteBuf nettyPooled(Netty netty) {
    ByteBuf object = netty.pooled.directBuffer(netty.size, netty.size);
    object.setLongLE(0, netty.size);
    object.release();
    return object;
  }

  @Benchmark
  public ByteBuf nettyAdaptive(Netty netty) {
    ByteBuf object = netty.adaptive.directBuffer(netty.size, netty.size);
    object.setLongLE(0, netty.size);
    object.release();
    return object;
  }

  @Benchmark
  public ArrowBuf arrow(Arrow arrow) {
    ArrowBuf object = arrow.root.buffer(arrow.size);
    object.setLong(0, arrow.size);
    object.close();
    return object;
  }

  @Benchmark
  public BytesStore<?, Void> chronicle(Size size) {
    BytesStore<?, Void> object = BytesStore.lazyNativeBytesStoreWithFixedCapacity(size.size);
    object.writeLong(0, size.size);
    object.releaseLast();
    return object;
  }

  @Benchmark
  public long pair(Cell cell) {
    long object = cell.take(0, cell.bytes);
    cell.free(0, object, cell.bytes);
    return object;
  }
}
