package org.kmem4j.perf.groups;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.perf.KmemException;
import org.kmem4j.slab.KmemCache;

/** Threads that fill sheaves of a group and then wait: alive, and of no help. */
final class SheafHolders implements AutoCloseable {
  private static final int OBJECTS = 8;

  private final List<ExecutorService> threads = new ArrayList<>();

  SheafHolders(int count) {
    for (int i = 0; i < count; i++) {
      threads.add(
          Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("holder").factory()));
    }
  }

  /** Each thread allocates some objects of each cache on behalf of the group, and frees them. */
  void fill(MemCgroup group, KmemCache[] caches) throws InterruptedException {
    List<Future<?>> filling = new ArrayList<>();
    for (ExecutorService thread : threads) {
      filling.add(thread.submit(() -> fillOnThisThread(group, caches)));
    }
    for (Future<?> one : filling) {
      try {
        one.get();
      } catch (ExecutionException e) {
        throw new KmemException("A thread could not fill its sheaves: " + e.getMessage() + ".", e);
      }
    }
  }

  private static void fillOnThisThread(MemCgroup group, KmemCache[] caches) {
    long[] objects = new long[OBJECTS];
    for (KmemCache cache : caches) {
      KmemCache mine = cache.in(group);
      mine.allocBulk(objects, 0, OBJECTS);
      mine.freeBulk(objects, 0, OBJECTS);
    }
  }

  @Override
  public void close() {
    threads.forEach(ExecutorService::shutdownNow);
  }
}
