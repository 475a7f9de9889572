package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Operations while the Java heap is full. */
class FullHeapTest {
  @Test
  void whereverTheHeapEndsNothingIsLost() throws Exception {
    var result =
        ChildJvm.run(
            FullHeapOperations.class.getName(), null, Duration.ofSeconds(100), FullHeap.FLAGS);

    assertTrue(result.passed(), result.output());
  }
}
