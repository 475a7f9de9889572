package org.kmem4j.perf.replay;

import java.util.concurrent.atomic.AtomicBoolean;
import org.kmem4j.perf.contender.Allocator;

/** Breaks a verify pass on purpose, once in each way, to see that it is noticed. */
final class Sabotage {
  private Sabotage() {}

  /** A ledger that passes over one free: one object leaks. */
  static Ledger skipOneFree(Allocator allocator, Findings findings) {
    return new Ledger(allocator, findings) {
      private final AtomicBoolean done = new AtomicBoolean();

      @Override
      public void free(int cell, long address, long bytes) {
        if (!done.compareAndSet(false, true)) {
          super.free(cell, address, bytes);
        }
      }
    };
  }

  /** Content of which one byte, in the middle of one live object, is flipped. */
  static Content flipOneByte(Content content, Allocator allocator) {
    return new Content() {
      private final AtomicBoolean done = new AtomicBoolean();

      @Override
      public void write(int cell, long address, long bytes) {
        content.write(cell, address, bytes);
      }

      @Override
      public boolean isIntact(int cell, long address, long bytes) {
        if (done.compareAndSet(false, true)) {
          long middle = address + bytes / 2;
          allocator.putByte(cell, middle, (byte) ~allocator.getByte(cell, middle));
        }
        return content.isIntact(cell, address, bytes);
      }
    };
  }
}
