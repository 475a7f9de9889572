package org.kmem4j.sync;

import java.util.List;

/**
 * A bounded stack of addresses of free objects. A sheaf has one owner at a time: the slot whose
 * front it is, or whoever removed it from there, or the barn's lock.
 */
public final class Sheaf {
  private static final int[] CAPACITIES = {2, 6, 14, 30, 62, 126, 254, 510};

  int count;
  final long[] objects;

  /** In a front: the second sheaf or null. In a barn: the next sheaf. */
  private Sheaf spare;

  public Sheaf(int capacity) {
    objects = new long[capacity];
  }

  /** The largest capacity that is not above {@code wanted}, but at least the smallest there is. */
  public static int capacityUpTo(int wanted) {
    int best = CAPACITIES[0];
    for (int capacity : CAPACITIES) {
      best = capacity <= wanted ? capacity : best;
    }
    return best;
  }

  /** The next larger capacity, at most {@code max}. */
  public int grownCapacity(int max) {
    return Math.min(max, capacity() * 2 + 2);
  }

  /** Heap bytes of a sheaf: two object headers and the addresses. */
  public static long heapBytes(int capacity) {
    return 24 + 16 + 8L * capacity;
  }

  public int count() {
    return count;
  }

  public int capacity() {
    return objects.length;
  }

  public boolean isEmpty() {
    return count == 0;
  }

  public boolean isFull() {
    return count == objects.length;
  }

  /** The second sheaf of a front, or the next in a barn; null if none. */
  public Sheaf spare() {
    return spare;
  }

  public void setSpare(Sheaf sheaf) {
    spare = sheaf;
  }

  /** A front: the sheaf and its spare, if it has one. */
  List<Sheaf> withSpare() {
    Sheaf second = spare;
    return second == null ? List.of(this) : List.of(this, second);
  }

  /** Addresses in {@link #withSpare}; racily read, it is a recent value. */
  int countWithSpare() {
    Sheaf second = spare;
    return count + (second == null ? 0 : second.count);
  }

  /** Adds an address; the caller knows that there is room. */
  public void push(long object) {
    objects[count++] = object;
  }

  /** Removes the newest address; the caller knows that there is one. */
  public long pop() {
    return objects[--count];
  }

  public long get(int index) {
    return objects[index];
  }

  public void set(int index, long object) {
    objects[index] = object;
  }

  /** Makes the sheaf hold the first {@code value} of its entries. */
  public void setCount(int value) {
    count = value;
  }

  /** Moves everything into a larger, empty sheaf, the spare too. */
  public void moveTo(Sheaf larger) {
    System.arraycopy(objects, 0, larger.objects, 0, count);
    larger.count = count;
    larger.spare = spare;
    count = 0;
    spare = null;
  }

  /** Sorts by address: insertion sort with a gap, for sheaves are short and half sorted. */
  public void sort() {
    for (int gap = count > 16 ? 7 : 1; gap > 0; gap = gap == 7 ? 1 : 0) {
      for (int i = gap; i < count; i++) {
        long object = objects[i];
        int j = i;
        for (; j >= gap && objects[j - gap] > object; j -= gap) {
          objects[j] = objects[j - gap];
        }
        objects[j] = object;
      }
    }
  }
}
