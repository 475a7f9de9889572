package org.kmem4j.perf.contender;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Queue;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;

/**
 * Arrays on the Java heap that are kept in a queue when they are free, and so are not zeroed. A
 * queue for many threads may seem empty or full for a moment: then an array is made, or forgotten.
 */
final class QueueContender extends HeapContender {
  private final Queue<byte[]> free;

  private QueueContender(Queue<byte[]> free, int bytes, int cells) {
    super(cells);
    this.free = free;
    for (int i = 0; i < cells; i++) {
      free.add(new byte[bytes]);
    }
  }

  static QueueContender arrayDeque(int bytes, int cells) {
    return new QueueContender(Collections.asLifoQueue(new ArrayDeque<>(cells)), bytes, cells);
  }

  static QueueContender agrona(int bytes, int cells) {
    return new QueueContender(
        new ManyToManyConcurrentArrayQueue<>(Math.max(cells, 2)), bytes, cells);
  }

  @Override
  public long alloc(int cell, long bytes) {
    byte[] array = free.poll();
    put(cell, array != null ? array : new byte[(int) bytes]);
    return ORIGIN;
  }

  @Override
  public void free(int cell, long address, long bytes) {
    boolean ignored = free.offer(take(cell));
  }

  @Override
  public String version() {
    return Contender.AGRONA_QUEUE.version();
  }
}
