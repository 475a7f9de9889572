package org.kmem4j.memcg.group;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.ChildJvm;
import org.kmem4j.stress.FullHeap;

/** Groups while the Java heap is full. */
class FullHeapTest {
  @Test
  void whereverTheHeapEndsNothingIsLost() throws Exception {
    run(FullHeap.FLAGS);
  }

  @Test
  @Tag("slow")
  void withEveryAmountOfHeap() throws Exception {
    run(FullHeap.FLAGS_FOR_ALL);
  }

  private static void run(String[] flags) throws Exception {
    var result =
        ChildJvm.run(FullHeapOperations.class.getName(), null, Duration.ofSeconds(100), flags);

    assertTrue(result.passed(), result.output());
  }
}
