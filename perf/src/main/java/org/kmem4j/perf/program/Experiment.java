package org.kmem4j.perf.program;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.kmem4j.perf.Fork;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.ResidentMemory;
import org.kmem4j.perf.contender.Threads;

/**
 * What is done with one contender in a JVM of its own, whose main class it is. {@link Scenario}
 * lists all of them.
 *
 * <p>Every object is stamped with the number of its cell when it is taken, and the stamp is looked
 * for when it is given back: so memory that is handed out twice is noticed.
 */
abstract class Experiment {
  private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

  private final LongAdder corrupt = new LongAdder();
  private Allocator allocator;

  /** The end of every child: answers, or fails with a sentence. */
  static void main(Experiment experiment, String[] arguments) throws IOException {
    try {
      Fork.answer(experiment.run(Order.of(arguments)));
    } catch (KmemException e) {
      System.err.println("kmem: " + e.getMessage());
      System.exit(1);
    }
  }

  /** Runs with a contender that the order names, on a thread as it wants it. */
  final Answer run(Order order) {
    try (Allocator candidate =
        Candidates.open(order.contender(), objectBytes(), cells(order), manyThreads())) {
      AtomicReference<Answer> answer = new AtomicReference<>();
      Threads.run(candidate.threads(), List.of(() -> answer.set(run(order, candidate))), () -> {});
      return answer.get();
    } catch (IllegalArgumentException e) {
      throw new KmemException(order.contender() + " cannot be set up: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      throw new KmemException("The run was interrupted.", e);
    }
  }

  /** Runs with that contender, which holds nothing yet, and then looks for what is wrong. */
  final Answer run(Order order, Allocator candidate) throws InterruptedException {
    use(candidate);
    Answer answer = measure(order);
    List<String> findings = new ArrayList<>();
    if (corrupt.sum() != 0) {
      findings.add(corrupt.sum() + " objects did not hold what was written into them");
    }
    if (candidate.usedBytes() > 0) {
      findings.add(candidate.usedBytes() + " bytes are in use after everything was freed");
    }
    return answer.withFindings(findings);
  }

  /** Takes objects from that contender from now on. */
  final void use(Allocator candidate) {
    allocator = candidate;
  }

  /** Runs each work on a thread of its own. */
  final void runAll(List<Threads.Work> works, Runnable onFailure) throws InterruptedException {
    Threads.run(allocator.threads(), works, onFailure);
  }

  final Allocator allocator() {
    return allocator;
  }

  /** The one size that typed caches are made for. */
  abstract int objectBytes();

  /** The most objects at once. */
  abstract int cells(Order order);

  boolean manyThreads() {
    return false;
  }

  /** Does it, and leaves nothing alive. */
  abstract Answer measure(Order order) throws InterruptedException;

  /** What is resident before the contender is asked for anything that counts. */
  static long before(Order order, ResidentMemory.Gauge gauge) {
    System.gc();
    return Candidates.isHeap(order.contender()) ? gauge.bytesLessTouchedHeap() : gauge.bytes();
  }

  // ------------------------------------------------------------------ objects, of 8 bytes or more

  /** Takes an object and stamps it. */
  final long take(int cell, int bytes) {
    long address = allocator.alloc(cell, bytes);
    if (address == 0) {
      throw new KmemException("The allocator refused " + bytes + " bytes.");
    }
    allocator.putLong(cell, address, cell * GOLDEN + 1);
    return address;
  }

  /** Looks at its stamp and gives it back. */
  final void give(int cell, long address, int bytes) {
    if (allocator.getLong(cell, address) != cell * GOLDEN + 1) {
      corrupt.increment();
    }
    allocator.free(cell, address, bytes);
  }
}
