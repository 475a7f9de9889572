package org.kmem4j.perf.replay;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Allocator;

/**
 * Replays a program against a contender, pass after pass; each pass ends with nothing live.
 *
 * <p>One worker is the calling thread. Several are threads of their own that live until {@link
 * #close}, so what an allocator keeps for a thread stays warm from pass to pass. A worker keeps its
 * own order; its free of an object that another allocates waits until that has happened. This
 * cannot lock up: of all operations not yet done the earliest in the file waits for nobody.
 *
 * <p>{@code addresses[cell]} is 0 until the alloc publishes it and from the free on.
 */
final class Replay implements AutoCloseable {
  /** Loops run in pieces: a method called often is compiled as a whole, not only its loop. */
  private static final int BATCH = 8192;

  private static final int WARM_UPS = 40;
  private static final int SPINS = 100;
  private static final int YIELDS = 1000;
  private static final long NAP_NANOS = 20_000;
  private static final VarHandle ADDRESS = MethodHandles.arrayElementVarHandle(long[].class);

  private final Program program;
  private final Allocator allocator;
  private final Content content;
  private final long[] addresses;
  private final LongAdder corrupt = new LongAdder();
  private final List<ExecutorService> workers = new ArrayList<>(); // Empty if there is but one.
  private volatile boolean failed;

  Replay(Program program, Allocator allocator, Content content) {
    this.program = program;
    this.allocator = allocator;
    this.content = content;
    this.addresses = new long[program.cells()];
    if (program.workers() > 1) {
      for (int worker = 0; worker < program.workers(); worker++) {
        String name = "replay-" + worker;
        ThreadFactory named =
            task -> {
              Thread thread = allocator.threads().newThread(task);
              thread.setName(name);
              thread.setDaemon(true);
              return thread;
            };
        workers.add(Executors.newSingleThreadExecutor(named));
      }
    }
  }

  /** Objects that did not hold what was written into them, over all passes until now. */
  long corruptObjects() {
    return corrupt.sum();
  }

  /** Does every operation of the program and returns how long that took. */
  long passNanos() {
    return run(program::operations);
  }

  /** Frees what the program leaves live. */
  void freeLeftovers() {
    run(program::leftovers);
  }

  /** Loads and compiles what a pass uses, with next to nothing live. */
  void warmUp() {
    for (int i = 0; i < WARM_UPS; i++) {
      run(program::warmUp);
    }
  }

  @Override
  public void close() {
    workers.forEach(ExecutorService::shutdownNow);
  }

  /** The operations of each worker. */
  private interface Share {
    long[] of(int worker);
  }

  private long run(Share share) {
    return workers.isEmpty() ? alone(share.of(0)) : together(share);
  }

  private long alone(long[] operations) {
    long start = System.nanoTime();
    for (int from = 0; from < operations.length; from += BATCH) {
      batchAlone(operations, from, Math.min(from + BATCH, operations.length));
    }
    return System.nanoTime() - start;
  }

  private void batchAlone(long[] operations, int from, int to) {
    Allocator allocator = this.allocator;
    Content content = this.content;
    long[] addresses = this.addresses;
    int corruptHere = 0;
    for (int i = from; i < to; i++) {
      long operation = operations[i];
      int cell = Program.cell(operation);
      long bytes = Program.bytes(operation);
      if (Program.isAlloc(operation)) {
        long address = allocator.alloc(cell, bytes);
        if (address == 0) {
          throw refused(bytes, i);
        }
        content.write(cell, address, bytes);
        addresses[cell] = address;
      } else {
        long address = addresses[cell];
        if (!content.isIntact(cell, address, bytes)) {
          corruptHere++;
        }
        allocator.free(cell, address, bytes);
      }
    }
    if (corruptHere > 0) {
      corrupt.add(corruptHere);
    }
  }

  private long together(Share share) {
    CountDownLatch ready = new CountDownLatch(workers.size());
    CountDownLatch go = new CountDownLatch(1);
    List<Future<?>> running = new ArrayList<>();
    for (int worker = 0; worker < workers.size(); worker++) {
      long[] operations = share.of(worker);
      running.add(
          workers
              .get(worker)
              .submit(
                  () -> {
                    ready.countDown();
                    go.await();
                    work(operations);
                    return null;
                  }));
    }
    try {
      ready.await();
      long start = System.nanoTime();
      go.countDown();
      Throwable failure = null;
      for (Future<?> one : running) {
        try {
          one.get();
        } catch (ExecutionException e) {
          if (failure == null || failure instanceof Stopped) {
            failure = e.getCause();
          }
        }
      }
      long nanos = System.nanoTime() - start;
      switch (failure) {
        case null -> {}
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        default -> throw new IllegalStateException(failure);
      }
      return nanos;
    } catch (InterruptedException e) {
      throw new KmemException("The replay was interrupted.", e);
    }
  }

  /** A worker gave up because another one failed. */
  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private void work(long[] operations) {
    boolean done = false;
    try {
      for (int from = 0; from < operations.length && !failed; from += BATCH) {
        batchTogether(operations, from, Math.min(from + BATCH, operations.length));
      }
      done = true;
    } finally {
      if (!done) {
        failed = true;
      }
    }
  }

  private void batchTogether(long[] operations, int from, int to) {
    Allocator allocator = this.allocator;
    Content content = this.content;
    long[] addresses = this.addresses;
    int corruptHere = 0;
    for (int i = from; i < to; i++) {
      long operation = operations[i];
      int cell = Program.cell(operation);
      long bytes = Program.bytes(operation);
      if (Program.isAlloc(operation)) {
        long address = allocator.alloc(cell, bytes);
        if (address == 0) {
          throw refused(bytes, i);
        }
        content.write(cell, address, bytes);
        ADDRESS.setRelease(addresses, cell, address); // Pairs with the acquire below.
      } else {
        long address = (long) ADDRESS.getAcquire(addresses, cell);
        if (address == 0) {
          address = await(cell);
        }
        addresses[cell] = 0; // For the next pass; nobody else looks at it in this one.
        if (!content.isIntact(cell, address, bytes)) {
          corruptHere++;
        }
        allocator.free(cell, address, bytes);
      }
    }
    if (corruptHere > 0) {
      corrupt.add(corruptHere);
    }
  }

  /** Waits for an alloc: spins shortly, then lets others have the core, then naps. */
  private long await(int cell) {
    for (int tries = 0; ; tries++) {
      long address = (long) ADDRESS.getAcquire(addresses, cell);
      if (address != 0) {
        return address;
      }
      if (tries < SPINS) {
        Thread.onSpinWait();
      } else if (failed) {
        throw new Stopped();
      } else if (tries < YIELDS) {
        Thread.yield();
      } else {
        LockSupport.parkNanos(NAP_NANOS);
      }
    }
  }

  private KmemException refused(long bytes, int operation) {
    return new KmemException(
        "The allocator refused %d bytes at operation %d of %s; a higher limit may help (slab:"
                .formatted(bytes, operation, Thread.currentThread().getName())
            + " -Dkmem4j.max, heap: KMEM_JAVA_OPTS=-Xmx).");
  }
}
