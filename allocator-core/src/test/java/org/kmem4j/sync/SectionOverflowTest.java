package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.ChildJvm;
import org.kmem4j.stress.Crew;
import org.kmem4j.stress.ShallowStack;

/**
 * Without the {@code finally} in the sections a stack overflow left the word set in 400 of 400
 * tries: the next writer waited for a thread that had left long ago.
 */
class SectionOverflowTest {
  private static final int TRIES = 400;

  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);
  private final AtomicInteger overflows = new AtomicInteger();
  private final AtomicInteger leftSet = new AtomicInteger();

  /** Pops and pushes; looks at the word after each overflow. */
  private static final class PopAndPush implements ShallowStack.Attempt {
    private final Slot slot;
    private final Linked link;
    private int set;

    PopAndPush(Slot slot, Linked link) {
      this.slot = slot;
      this.link = link;
    }

    @Override
    public void run() {
      if (Front.pop(slot, link) != 0) {
        Front.push(slot, link, 8);
      }
    }

    @Override
    public void overflowed() {
      if (slot.word != 0) {
        set++;
        slot.word = 0;
      }
    }
  }

  @Test
  void aStackOverflowInASectionEndsIt() throws InterruptedException {
    Rcu.synchronize(); // every class is initialised
    var link = new Linked();
    for (int i = 0; i < TRIES; i++) {
      int offset = i;
      Thread thread =
          new Thread(
              null,
              crew.guarded(
                  () -> {
                    Slot slot = PerThread.find();
                    Front.detach(slot, link);
                    Sheaf sheaf = new Sheaf(2);
                    sheaf.push(8);
                    Front.attach(slot, link, sheaf, () -> true);
                    var attempt = new PopAndPush(slot, link);
                    overflows.addAndGet(ShallowStack.exhaust(offset, attempt));
                    leftSet.addAndGet(attempt.set);
                    Front.unlink(slot, link);
                    if (offset >= TRIES - 10) {
                      Crew.await(release); // alive, so that its word counts
                    }
                  }),
              "small stack",
              200 << 10);
      thread.setDaemon(true);
      crew.start(thread);
      if (offset < TRIES - 10) {
        crew.join();
      }
    }

    assertTrue(Rcu.synchronize(5_000_000_000L), "a grace period ends");
    release.countDown();
    crew.join();
    assertEquals(0, leftSet.get(), "words left set, of " + overflows + " overflows");
    PerThread.giveLink(link.endLink());
  }

  /** Where sections overflow most: compiled ones need no stack. */
  @Test
  void inTheInterpreterToo() throws Exception {
    var result =
        ChildJvm.run(
            SectionOverflowTest.class.getName() + "#aStackOverflowInASectionEndsIt",
            null,
            Duration.ofSeconds(30),
            "-Xint");

    assertTrue(result.passed(), result.output());
  }
}
