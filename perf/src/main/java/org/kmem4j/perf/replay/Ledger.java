package org.kmem4j.perf.replay;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import org.kmem4j.perf.contender.Allocator;

/**
 * Stands before a contender, counts what it hands out and takes back, and finds live objects that
 * overlap: verify passes.
 *
 * <p>One bit stands for each 8 bytes of memory in a live object. The bits lie in chunks, each
 * guarded by its entry of the map and dropped when it is empty. An address that is not a multiple
 * of 8 counts as an overlap too: the object shares 8 bytes with whatever lies before it.
 */
class Ledger implements Allocator {
  private static final int GRANULE_SHIFT = 3;
  private static final int CHUNK_GRANULES = 1 << 17; // 1 MiB of memory.

  private final Allocator allocator;
  private final Findings findings;
  private final ConcurrentHashMap<Long, Chunk> chunks = new ConcurrentHashMap<>();
  private final LongAdder live = new LongAdder();
  private final LongAdder overlaps = new LongAdder();

  Ledger(Allocator allocator, Findings findings) {
    this.allocator = allocator;
    this.findings = findings;
  }

  /** Objects handed out and not taken back. */
  long liveObjects() {
    return live.sum();
  }

  /** Objects that lay on a live one when they were handed out. */
  long overlaps() {
    return overlaps.sum();
  }

  @Override
  public long alloc(int cell, long bytes) {
    long address = allocator.alloc(cell, bytes);
    if (address == 0) {
      return 0;
    }
    live.increment();
    if (allocator.hasAddresses()) {
      boolean wasFree = mark(address, bytes, true);
      boolean aligned = (address & (1 << GRANULE_SHIFT) - 1) == 0;
      if (!wasFree || !aligned) {
        overlaps.increment();
        findings.add(
            "%d bytes were handed out at 0x%x, %s",
            bytes, address, wasFree ? "which no multiple of 8 is" : "on an object still live");
      }
    }
    return address;
  }

  @Override
  public void free(int cell, long address, long bytes) {
    // The marks go first: once freed, the memory may be another thread's next object.
    if (allocator.hasAddresses()) {
      mark(address, bytes, false);
    }
    live.decrement();
    allocator.free(cell, address, bytes);
  }

  /** Sets or clears the bits of a range; returns whether all of them were clear before. */
  private boolean mark(long address, long bytes, boolean used) {
    long from = address >>> GRANULE_SHIFT;
    long to = (address + bytes + (1 << GRANULE_SHIFT) - 1) >>> GRANULE_SHIFT;
    boolean[] wereClear = {true};
    for (long at = from; at < to; ) {
      long chunk = at / CHUNK_GRANULES;
      int first = (int) (at % CHUNK_GRANULES);
      int end = (int) Math.min(to - chunk * CHUNK_GRANULES, CHUNK_GRANULES);
      chunks.compute(
          chunk,
          (key, present) -> {
            Chunk bits = present != null ? present : new Chunk();
            wereClear[0] &= bits.set(first, end, used);
            return bits.count == 0 ? null : bits;
          });
      at += end - first;
    }
    return wereClear[0];
  }

  private static final class Chunk {
    final long[] words = new long[CHUNK_GRANULES / Long.SIZE];
    int count; // Bits set.

    boolean set(int first, int end, boolean used) {
      boolean wereClear = true;
      for (int at = first; at < end; ) {
        int word = at / Long.SIZE;
        int stop = Math.min(end, (word + 1) * Long.SIZE);
        long mask = -1L >>> Long.SIZE - (stop - at) << at; // Shifts count modulo 64.
        long before = words[word];
        words[word] = used ? before | mask : before & ~mask;
        count += Long.bitCount(words[word]) - Long.bitCount(before);
        wereClear &= (before & mask) == 0;
        at = stop;
      }
      return wereClear;
    }
  }

  @Override
  public String version() {
    return allocator.version();
  }

  @Override
  public long peakMappedBytes() {
    return allocator.peakMappedBytes();
  }

  @Override
  public long usedBytes() {
    return allocator.usedBytes();
  }

  @Override
  public boolean hasAddresses() {
    return allocator.hasAddresses();
  }

  @Override
  public long getLong(int cell, long at) {
    return allocator.getLong(cell, at);
  }

  @Override
  public void putLong(int cell, long at, long value) {
    allocator.putLong(cell, at, value);
  }

  @Override
  public byte getByte(int cell, long at) {
    return allocator.getByte(cell, at);
  }

  @Override
  public void putByte(int cell, long at, byte value) {
    allocator.putByte(cell, at, value);
  }

  @Override
  public void close() {
    allocator.close();
  }
}
