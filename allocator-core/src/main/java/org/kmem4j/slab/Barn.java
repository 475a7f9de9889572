package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.SpinLock;

/**
 * The depot where the fronts of one cache leave full sheaves for each other, and empty ones to go
 * with them. Whole sheaves change hands under one short lock.
 *
 * <p>It is small at first, and grows when that was too small: when somebody finds it empty after a
 * full sheaf had found no room. So it gets as large as the number of objects that are under way
 * between threads swings. {@link #unneeded} makes it smaller again.
 */
final class Barn {
  private final SpinLock lock = new SpinLock();
  private final int least;
  private final int most;
  private int max; // full sheaves that may lie here; guarded by the lock
  private boolean overflowed; // one found no room since it last grew; as above

  // Lists linked by the sheaves' spare. Guarded by the lock.
  private Sheaf full;
  private int fullCount;
  private int fewest; // full sheaves at any time since unneeded() was asked
  private int mostFull; // as above
  private long objects;
  private Sheaf empty;
  private int emptyCount;
  private int fewestEmpty; // at any time since unneededEmpty() was asked

  /**
   * @param least full sheaves that may lie here at first
   * @param most full sheaves that may ever lie here
   */
  Barn(int least, int most) {
    this.least = least;
    this.most = most;
    this.max = least;
  }

  /** From here on nothing has room. */
  void close() {
    lock.lock();
    try {
      max = 0;
      overflowed = false;
    } finally {
      lock.unlock();
    }
  }

  /** Makes the room as small as it was at first, unless it is closed. */
  void shrink() {
    lock.lock();
    try {
      max = Math.min(max, least);
      overflowed = false;
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is no full sheaf; a recent answer. */
  boolean hasNone() {
    return full == null;
  }

  /** A full sheaf, or null. */
  Sheaf takeFull() {
    if (full == null) { // racy: an empty barn costs no lock
      return null;
    }
    lock.lock();
    try {
      Sheaf sheaf = full;
      if (sheaf != null) {
        full = sheaf.spare();
        sheaf.setSpare(null);
        fullCount--;
        fewest = Math.min(fewest, fullCount);
        objects -= sheaf.count();
      }
      return sheaf;
    } finally {
      lock.unlock();
    }
  }

  /** Whether a full sheaf found no room since this last grew; a recent answer. */
  boolean hasOverflowed() {
    return overflowed;
  }

  /** Doubles the room, if a full sheaf found none since this was last done. */
  void grow() {
    lock.lock();
    try {
      max = overflowed ? Math.min(most, 2 * max) : max;
      overflowed = false;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives up room that nobody has needed since the last call: half of it, for a pause is not the
   * end.
   *
   * @return how many full sheaves to take out
   */
  int unneeded() {
    lock.lock();
    try {
      int unneeded = halfAbove(least, fewest);
      fewest = fullCount - unneeded;
      max -= halfAbove(Math.max(least, mostFull - unneeded), max);
      mostFull = fewest;
      return unneeded;
    } finally {
      lock.unlock();
    }
  }

  /** As {@link #unneeded}, how many empty sheaves to take out. */
  int unneededEmpty() {
    lock.lock();
    try {
      int unneeded = halfAbove(least, fewestEmpty);
      fewestEmpty = emptyCount - unneeded;
      return unneeded;
    } finally {
      lock.unlock();
    }
  }

  private static int halfAbove(int least, int count) {
    return (Math.max(0, count - least) + 1) / 2;
  }

  /** Leaves a full sheaf; false if there is no room. */
  boolean putFull(Sheaf sheaf) {
    lock.lock();
    try {
      if (fullCount >= max) {
        overflowed = max > 0; // else it is closed
        return false;
      }
      sheaf.setSpare(full);
      full = sheaf;
      fullCount++;
      mostFull = Math.max(mostFull, fullCount);
      objects += sheaf.count();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** An empty sheaf, or null. */
  Sheaf takeEmpty() {
    lock.lock();
    try {
      Sheaf sheaf = empty;
      if (sheaf != null) {
        empty = sheaf.spare();
        emptyCount--;
        fewestEmpty = Math.min(fewestEmpty, emptyCount);
        sheaf.setSpare(null);
      }
      return sheaf;
    } finally {
      lock.unlock();
    }
  }

  /** Leaves an empty sheaf; false if there is no room. */
  boolean putEmpty(Sheaf sheaf) {
    lock.lock();
    try {
      if (emptyCount >= max) {
        return false;
      }
      sheaf.setSpare(empty);
      empty = sheaf;
      emptyCount++;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Objects that lie here. */
  long objects() {
    lock.lock();
    try {
      return objects;
    } finally {
      lock.unlock();
    }
  }

  /** Every sheaf that lies here. */
  List<Sheaf> sheaves() {
    lock.lock();
    try {
      List<Sheaf> sheaves = new ArrayList<>();
      for (Sheaf sheaf = full; sheaf != null; sheaf = sheaf.spare()) {
        sheaves.add(sheaf);
      }
      for (Sheaf sheaf = empty; sheaf != null; sheaf = sheaf.spare()) {
        sheaves.add(sheaf);
      }
      return sheaves;
    } finally {
      lock.unlock();
    }
  }
}
