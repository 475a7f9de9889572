package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;

/** Things that end in steps. */
final class GraceQueueTest {
  private final GraceQueue queue = new GraceQueue();
  private final List<String> log = new ArrayList<>();

  private final class Steps extends GraceQueue.Task {
    private final String name;
    private int left;

    Steps(String name, int left) {
      this.name = name;
      this.left = left;
    }

    @Override
    protected void step() {
      log.add(name);
      if (name.equals("bad")) {
        throw new IllegalStateException("bad");
      }
      if (--left > 0) {
        queue.addAfterGracePeriod(this);
      }
    }

    @Override
    protected void abandoned() {
      log.add(name + " abandoned");
    }
  }

  @Test
  void aStepWaitsForTheSectionsThatRanBefore() throws InterruptedException {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Crew crew = new Crew();
    crew.start(
        () -> {
          Slot mine = PerThread.find();
          Rcu.enter(mine);
          try {
            entered.countDown();
            Crew.await(leave);
          } finally {
            Rcu.exit(mine);
          }
        });
    Crew.await(entered);
    queue.addAfterGracePeriod(new Steps("a", 1));

    assertEquals(0, queue.advance(3_000_000));
    assertEquals(1, queue.size());
    leave.countDown();
    crew.join();

    assertEquals(1, queue.advance(Long.MAX_VALUE));
    assertEquals(0, queue.size());
  }

  @Test
  void tasksShareTheirGracePeriods() {
    for (int i = 0; i < 1000; i++) {
      queue.addAfterGracePeriod(new Steps("s", 3));
    }
    long before = Rcu.gracePeriods();

    int made = 0;
    while (queue.size() > 0) {
      made += queue.advance(Long.MAX_VALUE);
    }

    assertEquals(3000, made);
    assertTrue(Rcu.gracePeriods() - before < 20);
  }

  @Test
  void aStepThatThrowsDoesNotHoldUpTheOthers() {
    queue.add(new Steps("bad", 1));
    queue.add(new Steps("good", 1));

    assertThrows(IllegalStateException.class, queue::advance);

    assertEquals(List.of("bad", "good"), log);
    assertEquals(0, queue.size());
    assertEquals(0, queue.advance());
  }

  @Test
  void onceStoppedItMakesNoStepAndForgetsItsTasks() {
    queue.stop();
    queue.add(new Steps("late", 1));

    assertEquals(0, queue.advance());
    assertTrue(queue.isStopped());
    queue.abandon();

    assertEquals(List.of("late abandoned"), log);
    assertEquals(0, queue.size());
  }
}
