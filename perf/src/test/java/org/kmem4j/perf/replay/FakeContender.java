package org.kmem4j.perf.replay;

import java.util.HashMap;
import java.util.Map;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.MallocContender;

/**
 * Hands out malloc's memory and can be made to misbehave: each override breaks one thing a verify
 * pass must find.
 */
class FakeContender implements Allocator {
  final MallocContender malloc = new MallocContender();
  private final Map<Long, Long> live = new HashMap<>(); // Address to bytes; guarded by this.

  @Override
  public synchronized long alloc(int cell, long bytes) {
    long address = malloc.alloc(cell, bytes);
    live.put(address, bytes);
    return address;
  }

  @Override
  public synchronized void free(int cell, long address, long bytes) {
    if (!live.remove(address, bytes)) {
      throw new AssertionError("free of %d bytes at 0x%x, not live".formatted(bytes, address));
    }
    malloc.free(cell, address, bytes);
  }

  synchronized int liveObjects() {
    return live.size();
  }

  @Override
  public String version() {
    return "fake";
  }

  @Override
  public long peakMappedBytes() {
    return -1;
  }
}
