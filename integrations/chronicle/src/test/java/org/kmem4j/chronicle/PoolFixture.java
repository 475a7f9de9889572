package org.kmem4j.chronicle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import net.openhft.chronicle.core.UnsafeMemory;
import net.openhft.chronicle.core.io.AbstractReferenceCounted;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.kmem4j.LiveReport;
import org.kmem4j.SlabAllocator;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.KmemCache;

/** An allocator per test; afterwards no object is alive and every reference is released. */
abstract class PoolFixture {
  static final int BYTES = 64;

  private static final byte GUARD = 0x5a;

  SlabAllocator allocator;
  private LiveReport left;

  @BeforeEach
  void open() {
    AbstractReferenceCounted.enableReferenceTracing();
    allocator = SlabAllocator.builder().max(64 << 20).onClose(report -> left = report).build();
  }

  @AfterEach
  void close() {
    allocator.close();
    assertTrue(left.isEmpty(), left::toString);
    AbstractReferenceCounted.assertReferencesReleased();
    AbstractReferenceCounted.disableReferenceTracing();
  }

  KmemCache cache() {
    return allocator.createCache("test", BYTES);
  }

  KmemCache debugCache() {
    return allocator.createCache(CacheOptions.of("test", BYTES).debug(Debug.ALL));
  }

  /** Fills a whole object with the guard byte. */
  static void guard(long address) {
    UnsafeMemory.INSTANCE.setMemory(address, BYTES, GUARD);
  }

  static void assertUntouched(long address) {
    for (int i = 0; i < BYTES; i++) {
      assertEquals(GUARD, UnsafeMemory.INSTANCE.readByte(address + i), "byte " + i);
    }
  }

  /** Java heap bytes per cycle in the steady state. */
  static long heapBytesPerCycle(Runnable cycle) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    for (int round = 0; round < 3; round++) { // the first warms up
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100_000; i++) {
        cycle.run();
      }
      least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
    }
    return least / 100_000;
  }
}
