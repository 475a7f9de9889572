package org.kmem4j.perf.bench;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** A bounded queue of longs that are not 0, from one thread to one other. */
final class LongRing {
  private static final VarHandle WORD = MethodHandles.arrayElementVarHandle(long[].class);

  // Each index lies beside its owner's copy of the other's, 128 bytes from all else.
  private static final int TAIL = 16; // Next to write; the producer's.
  private static final int HEAD_SEEN = TAIL + 1;
  private static final int HEAD = 32; // Next to read; the consumer's.
  private static final int TAIL_SEEN = HEAD + 1;

  private final long[] indices = new long[48];
  private final long[] values;

  /** The capacity is a power of two. */
  LongRing(int capacity) {
    values = new long[capacity];
  }

  /** How many values were appended; for the producer. */
  long given() {
    return indices[TAIL];
  }

  /** How many values were taken; for the consumer. */
  long taken() {
    return indices[HEAD];
  }

  /** Appends a value; false if the ring is full. */
  boolean offer(long value) {
    long tail = indices[TAIL];
    if (tail - indices[HEAD_SEEN] == values.length) {
      long head = (long) WORD.getAcquire(indices, HEAD); // Pairs with the release in poll.
      indices[HEAD_SEEN] = head;
      if (tail - head == values.length) {
        return false;
      }
    }
    values[(int) tail & (values.length - 1)] = value;
    WORD.setRelease(indices, TAIL, tail + 1); // Pairs with the acquire in poll.
    return true;
  }

  /** Takes the oldest value, or returns 0 if there is none. */
  long poll() {
    long head = indices[HEAD];
    if (head == indices[TAIL_SEEN]) {
      long tail = (long) WORD.getAcquire(indices, TAIL); // Pairs with the release in offer.
      indices[TAIL_SEEN] = tail;
      if (head == tail) {
        return 0;
      }
    }
    long value = values[(int) head & (values.length - 1)];
    WORD.setRelease(indices, HEAD, head + 1); // Pairs with the acquire in offer.
    return value;
  }
}
