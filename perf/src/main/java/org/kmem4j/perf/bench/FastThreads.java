package org.kmem4j.perf.bench;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.kmem4j.perf.contender.Contender;

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
        Contender.NETTY_POOLED.threads());
  }

  /** The flags with which JMH takes them. */
  static String[] flags() {
    return new String[] {
      "-Djmh.executor=CUSTOM", "-Djmh.executor.class=" + FastThreads.class.getName()
    };
  }
}
