package org.kmem4j.sync;

import java.util.List;

/**
 * A bounded stack of addresses of free objects. A sheaf has one owner at a time: the slot whose
 * front it is, or whoever removed it from there, or the barn's lock.
 *
 * <p>While it is a front, one object lies in a field, and 0 at the bottom of the array:
 *
 * <pre>
 *   elsewhere    objects: a b c d      first: 0
 *   as a front   objects: 0 b c a      first: d
 * </pre>
 *
 * <p>So what frees and allocates in turn changes that field and no count. A count is read, changed,
 * and read again as soon as it was written; its way through the store buffer, twice for each pair,
 * took longer than the hundred instructions around it.
 */
public final class Sheaf {
  /** In {@link #first}: nothing may lie there. Sealed addresses are below. */
  static final long NOTHING = -1;

  private static final int[] CAPACITIES = {2, 6, 14, 30, 62, 126, 254, 510};

  long first;
  int top; // index of the newest object in the array; -1 if there is none
  final long[] objects;

  /** In a front: the second sheaf or null. In a barn: the next sheaf. */
  private Sheaf spare;

  /** An empty sheaf. */
  public Sheaf(int capacity) {
    objects = new long[capacity];
    top = -1;
  }

  /** One of capacity 0, that is both empty and full to the fast path. */
  static Sheaf none() {
    Sheaf none = new Sheaf(0);
    none.first = NOTHING;
    none.top = 0;
    return none;
  }

  /** What its owner does before it becomes a front. */
  void lift() {
    if (top < 0) {
      top = 0;
    } else {
      first = objects[top];
      objects[top] = objects[0];
    }
    objects[0] = 0;
  }

  /**
   * Ends {@link #lift}. Whoever has unlinked it does this after the grace period, and may then use
   * all that follows.
   */
  public void settle() {
    if (hasFirst()) {
      objects[0] = first;
      first = 0;
    } else if (top > 0) {
      objects[0] = objects[top--];
    } else {
      top = -1;
    }
  }

  /** Whether one lies beside the array. */
  boolean hasFirst() {
    return first != 0 && first != NOTHING;
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
    return 32 + 16 + 8L * capacity;
  }

  public int count() {
    return top + 1;
  }

  public int capacity() {
    return objects.length;
  }

  public boolean isEmpty() {
    return top < 0;
  }

  public boolean isFull() {
    return count() == capacity();
  }

  /** The second sheaf of a front, or the next in a barn; null if none. */
  public Sheaf spare() {
    return spare;
  }

  public void setSpare(Sheaf sheaf) {
    spare = sheaf;
  }

  /** How many lie in a front, its spare included; racily read, it is a recent value. */
  int peekCount() {
    Sheaf second = spare;
    return top + (hasFirst() ? 1 : 0) + (second == null ? 0 : second.count());
  }

  /** A front's main sheaf and its spare, copied at rest. */
  List<Sheaf> copyFront() {
    Sheaf main = copy();
    main.settle();
    return spare == null ? List.of(main) : List.of(main, spare.copy());
  }

  private Sheaf copy() {
    Sheaf copy = new Sheaf(capacity());
    copy.first = first;
    copy.top = top;
    System.arraycopy(objects, 0, copy.objects, 0, objects.length);
    return copy;
  }

  /** Adds an address; the caller knows that there is room. */
  public void push(long object) {
    objects[++top] = object;
  }

  /** Removes the newest address; the caller knows that there is one. */
  public long pop() {
    return objects[top--];
  }

  public long get(int index) {
    return objects[index];
  }

  public void set(int index, long object) {
    objects[index] = object;
  }

  /** Makes the sheaf hold the first {@code value} of its entries. */
  public void setCount(int value) {
    top = value - 1;
  }

  /** Moves everything into a larger, empty sheaf, the spare too. */
  public void moveTo(Sheaf larger) {
    System.arraycopy(objects, 0, larger.objects, 0, count());
    larger.top = top;
    larger.spare = spare;
    top = -1;
    spare = null;
  }

  /** Sorts by address: insertion sort with a gap, for sheaves are short and half sorted. */
  public void sort() {
    int count = count();
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
