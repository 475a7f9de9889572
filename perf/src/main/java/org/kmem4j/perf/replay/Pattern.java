package org.kmem4j.perf.replay;

import java.util.concurrent.atomic.AtomicInteger;
import org.kmem4j.perf.contender.Allocator;

/**
 * Fills every byte of an object with a pattern that is its id's own, and finds it again: verify
 * passes. Word k of an object holds its seed plus k, so that bytes of a neighbour, of an earlier
 * object or of another place in the same one are told apart.
 */
final class Pattern implements Content {
  private final Allocator allocator;
  private final Findings findings;
  private final boolean cellIsObject;
  private final int[] objectOf; // By cell.
  private final AtomicInteger allocated = new AtomicInteger();

  Pattern(Allocator allocator, Program program, Findings findings) {
    this.allocator = allocator;
    this.findings = findings;
    this.cellIsObject = program.cellIsObject();
    this.objectOf = new int[program.cells()];
  }

  @Override
  public void write(int cell, long address, long bytes) {
    objectOf[cell] = cellIsObject ? cell : allocated.getAndIncrement();
    long seed = seed(cell);
    long words = bytes / Long.BYTES;
    for (long word = 0; word < words; word++) {
      allocator.putLong(cell, address + word * Long.BYTES, seed + word);
    }
    for (long at = words * Long.BYTES; at < bytes; at++) {
      allocator.putByte(cell, address + at, (byte) (seed >> at % Long.BYTES));
    }
  }

  @Override
  public boolean isIntact(int cell, long address, long bytes) {
    long seed = seed(cell);
    long words = bytes / Long.BYTES;
    long wrongAt = -1;
    for (long word = 0; word < words; word++) {
      if (allocator.getLong(cell, address + word * Long.BYTES) != seed + word) {
        wrongAt = word * Long.BYTES;
        break;
      }
    }
    for (long at = words * Long.BYTES; at < bytes && wrongAt < 0; at++) {
      if (allocator.getByte(cell, address + at) != (byte) (seed >> at % Long.BYTES)) {
        wrongAt = at;
      }
    }
    if (wrongAt >= 0) {
      findings.add(
          "object %d, %d bytes at 0x%x, was changed at or after byte %d while it was live",
          objectOf[cell], bytes, address, wrongAt);
    }
    return wrongAt < 0;
  }

  private long seed(int cell) {
    return (objectOf[cell] + 1) * 0x9e37_79b9_7f4a_7c15L;
  }
}
