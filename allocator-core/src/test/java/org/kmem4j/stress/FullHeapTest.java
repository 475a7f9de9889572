package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Operations while the Java heap is full. */
class FullHeapTest {
  @Test
  void whereverTheHeapEndsNothingIsLost() throws Exception {
    run(Duration.ofSeconds(100), FullHeap.FLAGS);
  }

  @Test
  @Tag("slow")
  void withEveryAmountOfHeap() throws Exception {
    run(Duration.ofMinutes(5), FullHeap.FLAGS_FOR_ALL);
  }

  private static void run(Duration limit, String[] flags) throws Exception {
    var result = ChildJvm.run(FullHeapOperations.class.getName(), null, limit, flags);

    assertTrue(result.passed(), result.output());
  }
}
