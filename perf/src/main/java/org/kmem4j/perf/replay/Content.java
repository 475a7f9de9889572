package org.kmem4j.perf.replay;

import org.kmem4j.perf.contender.Allocator;

/** What a pass writes into an object when it is allocated and looks for when it is freed. */
interface Content {
  void write(int cell, long address, long bytes);

  /** Whether the object still holds what was written. */
  boolean isIntact(int cell, long address, long bytes);

  /** The first word only, as a program that uses its object at once would: timed passes. */
  record FirstWord(Allocator allocator) implements Content {
    @Override
    public void write(int cell, long address, long bytes) {
      if (bytes >= Long.BYTES) {
        allocator.putLong(cell, address, word(cell));
      } else {
        allocator.putByte(cell, address, (byte) word(cell));
      }
    }

    @Override
    public boolean isIntact(int cell, long address, long bytes) {
      return bytes >= Long.BYTES
          ? allocator.getLong(cell, address) == word(cell)
          : allocator.getByte(cell, address) == (byte) word(cell);
    }

    private static long word(int cell) {
      return cell * 0x9e37_79b9_7f4a_7c15L + 1;
    }
  }

  /** One byte in each page, so that all of the object is resident: memory passes. */
  final class EveryPage implements Content {
    private static final int PAGE_BYTES = 4096;
    private static final int WRITES_PER_SAMPLE = 8192;

    private final Allocator allocator;
    private int writes; // Racy: a lost count delays a sample.
    private Footprint footprint; // Null if nobody wants to know, or several workers write.

    EveryPage(Allocator allocator) {
      this.allocator = allocator;
    }

    /** Tells of every object from now on, or no more if null. */
    void watch(Footprint footprint) {
      this.footprint = footprint;
    }

    @Override
    public void write(int cell, long address, long bytes) {
      if (footprint != null) {
        footprint.event(bytes);
      }
      for (long at = address; at < address + bytes; at += PAGE_BYTES) {
        allocator.putByte(cell, at, (byte) 1);
      }
      allocator.putByte(cell, address + bytes - 1, (byte) 1);
      if (++writes % WRITES_PER_SAMPLE == 0) {
        allocator.sampleMapped();
      }
    }

    @Override
    public boolean isIntact(int cell, long address, long bytes) {
      if (footprint != null) {
        footprint.event(-bytes); // It is freed next.
      }
      return allocator.getByte(cell, address) == 1;
    }
  }
}
