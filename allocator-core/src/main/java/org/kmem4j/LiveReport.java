package org.kmem4j;

import java.util.Map;
import org.kmem4j.slab.LeakReport;

/**
 * What an allocator's users have not freed.
 *
 * @param objects live objects by cache, in the order of the names; caches without any are left out
 * @param largeBlocks live blocks above the largest size class
 * @param bytes all of it: what objects were made to hold, and blocks' pages
 * @param leaks where the objects come from, as far as they are tracked
 */
public record LiveReport(
    Map<String, Long> objects, long largeBlocks, long bytes, LeakReport leaks) {
  public boolean isEmpty() {
    return objects.isEmpty() && largeBlocks == 0;
  }

  @Override
  public String toString() {
    if (isEmpty()) {
      return "nothing is alive";
    }
    StringBuilder text = new StringBuilder(bytes + " bytes are alive:");
    objects.forEach(
        (cache, count) ->
            text.append(' ').append(count).append(" of \"").append(cache).append("\","));
    if (largeBlocks > 0) {
      text.append(' ').append(largeBlocks).append(" large blocks,");
    }
    text.setLength(text.length() - 1);
    return leaks.isEmpty() ? text.toString() : text.append('\n').append(leaks).toString();
  }
}
