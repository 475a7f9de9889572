package org.kmem4j.perf.bench;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** The threads that JMH measures Netty on, as Netty's own benchmarks have them. */
public final class FastThreads extends ThreadPoolExecutor {
  /** JMH calls this one, by reflection. */
  public FastThreads(int threads, String prefix) {
    super(
        threads,
        threads,
        0,
        TimeUnit.SECONDS,
        new LinkedBlockingQueue<>(),
        new DefaultThreadFactory(prefix, true));
  }

  /** The flags with which JMH takes them. */
  static String[] flags() {
    return new String[] {
      "-Djmh.executor=CUSTOM", "-Djmh.executor.class=" + FastThreads.class.getName()
    };
  }
}
