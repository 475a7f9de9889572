package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Crew;
import org.kmem4j.stress.ShallowStack;

class StackProbeTest {
  private final Crew crew = new Crew();

  @Test
  void withStackLeftItReturns() {
    StackProbe.probe();
  }

  /** Compiled or not: where the probe returns, a chain of calls as long as a slow path fits. */
  @Test
  void whereItReturnsThereIsRoomForASlowPath() throws InterruptedException {
    for (int i = 0; i < 30_000; i++) {
      StackProbe.probe(); // compiled by now
    }
    var refused = new AtomicInteger();
    var overflowedAfterwards = new AtomicInteger();
    for (int i = 0; i < 20; i++) {
      int offset = i;
      Thread thread =
          new Thread(
              null,
              crew.guarded(
                  () -> {
                    boolean[] probed = new boolean[1];
                    int[] late = new int[1];
                    int overflows =
                        ShallowStack.exhaust(
                            offset,
                            new ShallowStack.Attempt() {
                              @Override
                              public void run() {
                                probed[0] = false;
                                StackProbe.probe();
                                probed[0] = true;
                                slowPath(25);
                              }

                              @Override
                              public void overflowed(StackOverflowError error) {
                                late[0] += probed[0] ? 1 : 0;
                              }
                            });
                    refused.addAndGet(overflows);
                    overflowedAfterwards.addAndGet(late[0]);
                  }),
              "small stack",
              200 << 10);
      thread.setDaemon(true);
      crew.start(thread);
      crew.join();
    }

    assertNotEquals(0, refused.get());
    assertEquals(0, overflowedAfterwards.get(), "of " + refused);
  }

  private static long slowPath(int depth) {
    return depth == 0 ? System.nanoTime() : slowPath(depth - 1) + depth;
  }
}
