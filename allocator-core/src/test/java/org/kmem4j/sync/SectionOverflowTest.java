package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.stress.ChildJvm;
import org.kmem4j.stress.Crew;
import org.kmem4j.stress.ShallowStack;

/**
 * Wherever the stack ends in a section, the section ends, and the pop or push has happened or it
 * has not. Without it a stack overflow left the word set in 400 of 400 tries: the next writer
 * waited for a thread that had left long ago.
 */
class SectionOverflowTest {
  private static final int TRIES = 400;

  private final Crew crew = new Crew();
  private final CountDownLatch release = new CountDownLatch(1);
  private final AtomicInteger inFront = new AtomicInteger();
  private final AtomicInteger leftSet = new AtomicInteger();

  @AfterEach
  void letAllGo() throws InterruptedException {
    release.countDown();
    crew.join();
  }

  /** Pops and pushes one object in turn; looks at the word after each overflow. */
  private static final class PopAndPush implements ShallowStack.Attempt {
    private final Slot slot;
    private final Linked link;
    private final StackOverflowError[] errors = new StackOverflowError[100];
    private long hand;
    private int overflows;
    private int set;

    PopAndPush(Slot slot, Linked link) {
      this.slot = slot;
      this.link = link;
    }

    @Override
    public void run() {
      if (hand == 0) {
        hand = Front.pop(slot, link);
      } else if (Front.push(slot, link, hand)) {
        hand = 0;
      }
    }

    @Override
    public void overflowed(StackOverflowError error) {
      errors[overflows++ % errors.length] = error;
      if (slot.word != 0) {
        set++;
        slot.word = 0;
      }
    }

    /** Of the overflows those that came while a section began, ran or ended. */
    int inFront() {
      int count = 0;
      for (int i = 0; i < Math.min(overflows, errors.length); i++) {
        count += cameInFront(errors[i]) ? 1 : 0;
      }
      return count;
    }

    private static boolean cameInFront(StackOverflowError error) {
      return Arrays.stream(error.getStackTrace())
          .limit(8) // the deepest; what follows is the recursion that has used up the stack
          .anyMatch(frame -> frame.getClassName().equals(Front.class.getName()));
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
              crew.guarded(() -> overflow(link, offset, offset >= TRIES - 10)),
              "small stack",
              200 << 10);
      thread.setDaemon(true);
      crew.start(thread);
      if (offset < TRIES - 10) {
        crew.join();
      }
    }

    boolean ended = Rcu.synchronize(5_000_000_000L);
    release.countDown();
    crew.join();

    assertEquals(0, leftSet.get(), "words left set, of " + inFront + " overflows in sections");
    assertTrue(ended, "a grace period ends");
    int enough = Integer.getInteger("test.enoughOverflows", 0);
    assertTrue(inFront.get() >= enough, inFront + " overflows in sections prove nothing");
    PerThread.giveLink(link.endLink());
  }

  private void overflow(Linked link, int offset, boolean lives) throws InterruptedException {
    Slot slot = PerThread.find();
    Front.detach(slot, link);
    Sheaf sheaf = new Sheaf(2);
    sheaf.push(8);
    Front.attach(slot, link, sheaf, () -> true);
    var attempt = new PopAndPush(slot, link);
    ShallowStack.exhaust(offset, attempt);
    leftSet.addAndGet(attempt.set);
    inFront.addAndGet(attempt.inFront());
    assertEquals(1, Front.peekCount(slot, link) + (attempt.hand != 0 ? 1 : 0), "objects");
    Front.unlink(slot, link);
    if (lives) {
      Crew.await(release); // so that its word counts
    }
  }

  /**
   * How often the stack ends in a section depends on what is compiled by then: where all is, as it
   * may be here, never. The last one has what begins a section compiled and what ends it
   * interpreted, as it happens for a moment in every program.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "-Xint",
        "-XX:TieredStopAtLevel=1",
        "-XX:-TieredCompilation",
        "-XX:-TieredCompilation -XX:CompileCommand=exclude,org.kmem4j.sync.Rcu::exit"
      })
  void andSoItDoesWhereOverflowsInSectionsAreMany(String flags) throws Exception {
    var result =
        ChildJvm.run(
            SectionOverflowTest.class.getName() + "#aStackOverflowInASectionEndsIt",
            null,
            Duration.ofSeconds(30),
            (flags + " -Dtest.enoughOverflows=" + TRIES).split(" "));

    assertTrue(result.passed(), result.output());
  }
}
