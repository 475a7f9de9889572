package org.kmem4j.sync;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kmem4j.memory.Os;
import org.kmem4j.stress.Crew;

/**
 * The one thing that the Java memory model does not promise and {@link Rcu} rests on: a reader
 * stores its word and then loads what is published; a writer unpublishes and then loads the word;
 * with a {@code membarrier} between the writer's two steps, one of them sees the other.
 */
class RcuLitmusTest {
  private static final VarHandle PUBLISHED;

  static {
    try {
      PUBLISHED = MethodHandles.lookup().findVarHandle(RcuLitmusTest.class, "published", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Crew crew = new Crew();

  @SuppressWarnings("unused") // distance from what the threads poll
  private long unused1, unused2, unused3, unused4, unused5, unused6, unused7, unused8;

  private int published;

  @SuppressWarnings("unused")
  private long unused9, unused10, unused11, unused12, unused13, unused14, unused15, unused16;

  // The rounds.
  private volatile Slot slot;
  private volatile long startNanos;
  private volatile int round;
  private volatile int finishedRound;
  private boolean readerSawIt; // published by finishedRound

  private record Outcome(long rounds, long violations) {}

  /** Runs rounds of the store-buffering litmus; a violation is that neither saw the other. */
  private Outcome litmus(long nanos, long enough, Runnable barrier) throws InterruptedException {
    crew.start(this::read);
    while (slot == null) {
      Thread.onSpinWait();
    }
    var random = ThreadLocalRandom.current();
    long violations = 0;
    int rounds = 0;
    for (long end = System.nanoTime() + nanos;
        System.nanoTime() - end < 0 && violations < enough && crew.goesOn(); ) {
      PUBLISHED.setVolatile(this, 1);
      long start = System.nanoTime() + 400;
      startNanos = start;
      round = ++rounds;
      long mine = start + random.nextInt(100) - 50;
      while (System.nanoTime() - mine < 0) {
        // both begin together
      }

      PUBLISHED.setOpaque(this, 0);
      barrier.run();
      boolean writerSawIt = (long) SlotWords.WORD.getOpaque(slot) != 0;

      while (finishedRound != rounds && crew.goesOn()) {
        Thread.onSpinWait();
      }
      // The reader leaves its section only when it is told to, so a late look counts as seen.
      violations += readerSawIt && !writerSawIt ? 1 : 0;
      leave = rounds;
      while ((long) SlotWords.WORD.getOpaque(slot) != 0 && crew.goesOn()) {
        Thread.onSpinWait();
      }
    }
    round = -1;
    crew.join();
    return new Outcome(rounds, violations);
  }

  private volatile int leave;

  private void read() {
    Slot mine = PerThread.find();
    slot = mine;
    int last = 0;
    while (true) {
      int now = round;
      if (now < 0) {
        return;
      }
      if (now == last) {
        Thread.onSpinWait();
        continue;
      }
      last = now;
      long start = startNanos;
      while (System.nanoTime() - start < 0) {
        // both begin together
      }
      boolean sawIt;
      Rcu.enter(mine);
      try {
        sawIt = published != 0;
      } finally {
        // left below: the writer looks for the word
      }
      readerSawIt = sawIt;
      finishedRound = now;
      while (leave != now && round >= 0) {
        Thread.onSpinWait();
      }
      Rcu.exit(mine);
    }
  }

  @Test
  void withTheBarrierOneOfThemSeesTheOther() throws InterruptedException {
    Outcome outcome = litmus(SECONDS.toNanos(2), 1, Os::membarrier);

    assertEquals(0, outcome.violations, outcome.toString());
  }

  @Test
  @Tag("slow")
  void withTheBarrierOneOfThemSeesTheOtherForLong() throws InterruptedException {
    Outcome outcome = litmus(SECONDS.toNanos(120), 1, Os::membarrier);

    System.out.println("litmus with membarrier: " + outcome);
    assertEquals(0, outcome.violations, outcome.toString());
  }

  /** The control: the litmus is one. */
  @Test
  @Tag("slow")
  void withoutTheBarrierNeitherMaySeeTheOther() throws InterruptedException {
    assumeTrue(Runtime.getRuntime().availableProcessors() > 1);
    assumeTrue(Os.MEMBARRIER && !Boolean.getBoolean("kmem4j.rcu.fence"), "readers have no fence");

    Outcome outcome = litmus(SECONDS.toNanos(60), 1000, () -> {});

    System.out.println("litmus without membarrier: " + outcome);
    assertTrue(outcome.violations > 0, outcome.toString());
  }

  // ------------------------------------------------------------------ the same through Rcu

  private static final int GOOD = 1;
  private static final int REUSED = 2;

  private final int[] payload = new int[3 * 64];

  /**
   * A reader whose stores are slow to arrive uses what it found published for a while; a writer
   * unpublishes it, waits for a grace period, and reuses it.
   */
  @Test
  void nothingIsReusedWhileASectionUsesIt() throws InterruptedException {
    reuse(MILLISECONDS.toNanos(1500));
  }

  @Test
  @Tag("slow")
  void nothingIsReusedWhileASectionUsesItForLong() throws InterruptedException {
    reuse(SECONDS.toNanos(30));
  }

  private void reuse(long nanos) throws InterruptedException {
    payload[64] = GOOD;
    published = 1;
    crew.start(
        () -> {
          Slot mine = PerThread.find();
          int[] cold = new int[32 << 20];
          int[] where = ThreadLocalRandom.current().ints(1 << 20, 0, cold.length).toArray();
          for (int round = 0; crew.goesOn(); round++) {
            for (int i = 0; i < 100; i++) { // stores that miss: the word waits behind them
              cold[where[(round * 100 + i) & (where.length - 1)]] = round;
            }
            Rcu.enter(mine);
            try {
              int found = (int) PUBLISHED.getOpaque(this);
              for (int i = 0; i < 2000; i++) {
                if (payloadAt(found) != GOOD) {
                  throw new AssertionError("it was reused, look " + i);
                }
              }
            } finally {
              Rcu.exit(mine);
            }
          }
        });
    long end = System.nanoTime() + nanos;

    while (System.nanoTime() - end < 0 && crew.goesOn()) {
      int old = published;
      int next = 3 - old;
      setPayload(next, GOOD);
      VarHandle.releaseFence();
      PUBLISHED.setOpaque(this, next);
      if (Rcu.synchronize(SECONDS.toNanos(5))) {
        setPayload(old, REUSED);
      }
      for (int i = 0; i < ThreadLocalRandom.current().nextInt(2000); i++) {
        Thread.onSpinWait();
      }
    }

    crew.stop();
    crew.join();
  }

  private static final VarHandle ELEMENT = MethodHandles.arrayElementVarHandle(int[].class);

  private int payloadAt(int which) {
    return (int) ELEMENT.getOpaque(payload, 64 * which);
  }

  private void setPayload(int which, int value) {
    ELEMENT.setOpaque(payload, 64 * which, value);
  }
}
