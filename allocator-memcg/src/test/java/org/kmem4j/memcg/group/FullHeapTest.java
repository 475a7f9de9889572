package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.ChildJvm;
import org.kmem4j.stress.FullHeap;

/** Groups while the Java heap is full. */
class FullHeapTest {
  @Test
  void whereverTheHeapEndsNothingIsLost() throws Exception {
    run(false);
  }

  @Test
  @Tag("slow")
  void withEveryAmountOfHeap() throws Exception {
    run(true);
  }

  private static void run(boolean everyAmount) throws Exception {
    String[] flags = Arrays.copyOf(FullHeap.FLAGS, FullHeap.FLAGS.length + 1);
    flags[FullHeap.FLAGS.length] = "-Dtest.everyAmount=" + everyAmount;
    var result =
        ChildJvm.run(FullHeapOperations.class.getName(), null, Duration.ofSeconds(100), flags);

    assertTrue(result.passed(), result.output());
  }
}
