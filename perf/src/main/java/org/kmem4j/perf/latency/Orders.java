package org.kmem4j.perf.latency;

import java.util.Arrays;

/**
 * The live orders of the server, each under an index: what a contender keeps them in.
 *
 * <p>All do the same. A new order is a message of its kind's size, copied into memory of its own
 * byte by byte, with its number written over it. An update reads the number and writes the
 * quantity; a deletion reads both and gives the memory back. What is found by an index is what each
 * would keep: a reference in an array of references, or an address in an array of longs. One thread
 * calls it.
 */
interface Orders extends AutoCloseable {
  /** Bytes by kind: between the size classes of most allocators, as orders are. */
  int[] SIZES = {64, 104, 144, 200, 264, 336, 424, 512};

  /** Of orders whose kinds are equally frequent. */
  int MEAN_BYTES = Arrays.stream(SIZES).sum() / SIZES.length;

  // Fields, by their offset; what follows is the rest of the message.
  int ID = 0;
  int QUANTITY = 8;

  /**
   * Makes an order at an index where there is none.
   *
   * @throws OutOfMemoryError if there is no room, as other contenders' exceptions for it do
   */
  void create(int index, int kind, long id);

  /** Adds to the quantity, and returns number and new quantity as one sum. */
  long update(int index, long quantity);

  /** Ends the order; returns number and quantity as one sum. */
  long delete(int index);

  /** The thread that is to do all this. */
  default Thread thread(Runnable server) {
    return new Thread(server, "server");
  }

  @Override
  void close();

  /** What arrives; an order of a kind takes as much of it as it is long. */
  static byte[] message() {
    byte[] message = new byte[SIZES[SIZES.length - 1]];
    for (int i = QUANTITY + Long.BYTES; i < message.length; i++) {
      message[i] = (byte) i;
    }
    return message;
  }
}
