package org.kmem4j.memcg.reclaim;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.memcg.counter.Protection;
import org.kmem4j.memcg.group.MemCgroup;

/**
 * What {@code min} and {@code low} of groups come to when room is made at a group above them. Asked
 * in the order of a walk it looks at each list of siblings once. The numbers may be a moment old;
 * the worst outcome is that a pass spares a little too much or too little.
 */
final class EffectiveProtection {
  private final MemCgroup top;

  /** From a child of the top down to the group that was asked for last. */
  private final List<Level> levels = new ArrayList<>();

  EffectiveProtection(MemCgroup top) {
    this.top = top;
  }

  /** Bytes that are spared always. Nothing is spared of the top itself, nor of a closed group. */
  long min(MemCgroup group) {
    return isSpared(group) ? level(group).min : 0;
  }

  /** Bytes that are spared as long as there is anything else; at least {@link #min}. */
  long low(MemCgroup group) {
    return isSpared(group) ? Math.max(level(group).min, level(group).low) : 0;
  }

  @SuppressWarnings("ReferenceEquality") // it is that very group or not
  private boolean isSpared(MemCgroup group) {
    return group != top && group.isOnline();
  }

  private Level level(MemCgroup group) {
    int depth = 0;
    for (MemCgroup at = group.parent(); !at.equals(top); at = at.parent()) {
      depth++;
    }
    return level(group, depth);
  }

  private Level level(MemCgroup group, int depth) {
    if (depth < levels.size() && levels.get(depth).group.equals(group)) {
      return levels.get(depth);
    }
    Level above = depth == 0 ? null : level(group.parent(), depth - 1);
    levels.subList(depth, levels.size()).clear();
    levels.add(new Level(group, above));
    return levels.get(depth);
  }

  private static final class Level {
    private final MemCgroup group;
    private final long usage;
    private final long min;
    private final long low;

    /** What the children claim; summed when it is needed first. */
    private boolean summed;

    private long minClaims;
    private long lowClaims;

    private Level(MemCgroup group, Level above) {
      this.group = group;
      this.usage = group.usage();
      if (above == null) {
        this.min = group.min();
        this.low = group.low();
        return;
      }
      long ownMin = group.min();
      long ownLow = group.low();
      if ((ownMin | ownLow | above.min | above.low) != 0) { // mostly nobody is protected
        above.sumClaims();
      }
      this.min = Protection.effective(ownMin, usage, above.min, above.usage, above.minClaims);
      this.low = Protection.effective(ownLow, usage, above.low, above.usage, above.lowClaims);
    }

    private void sumClaims() {
      if (summed) {
        return;
      }
      summed = true;
      MemCgroup child = group.childAfter(0);
      for (; child != null; child = group.childAfter(child.serial())) {
        if (child.isOnline()) {
          long usage = child.usage();
          minClaims += Protection.claim(child.min(), usage);
          lowClaims += Protection.claim(child.low(), usage);
        }
      }
    }
  }
}
