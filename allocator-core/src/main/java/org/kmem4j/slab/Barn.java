package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.List;
import org.kmem4j.sync.Sheaf;
import org.kmem4j.sync.SpinLock;

/**
 * The depot where the fronts of one cache leave full sheaves for each other, and empty ones to go
 * with them. Bounded; whole sheaves change hands under one short lock.
 */
final class Barn {
  private final SpinLock lock = new SpinLock();
  private int max; // guarded by the lock

  // Lists linked by the sheaves' spare. Guarded by the lock.
  private Sheaf full;
  private int fullCount;
  private Sheaf empty;
  private int emptyCount;

  /**
   * @param max full sheaves that may lie here
   */
  Barn(int max) {
    this.max = max;
  }

  /** From here on nothing has room. */
  void close() {
    lock.lock();
    try {
      max = 0;
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
        fullCount--;
        sheaf.setSpare(null);
      }
      return sheaf;
    } finally {
      lock.unlock();
    }
  }

  /** Leaves a full sheaf; false if there is no room. */
  boolean putFull(Sheaf sheaf) {
    lock.lock();
    try {
      if (fullCount >= max) {
        return false;
      }
      sheaf.setSpare(full);
      full = sheaf;
      fullCount++;
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
      long objects = 0;
      for (Sheaf sheaf = full; sheaf != null; sheaf = sheaf.spare()) {
        objects += sheaf.count();
      }
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
