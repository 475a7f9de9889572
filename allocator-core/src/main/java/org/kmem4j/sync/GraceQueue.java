package org.kmem4j.sync;

/**
 * Things that end in steps, each of which must wait for a grace period after the one before. The
 * queue is linked through its tasks, so it cannot fill, and entering it allocates nothing: any
 * thread may, in any state but inside a section. The steps are made by one thread at a time, mostly
 * that of the background work; none of them waits, and all tasks that wait at the same time share
 * their grace periods.
 */
public final class GraceQueue {
  /** A state machine on grace-period numbers. In the queue once, or not at all. */
  public abstract static class Task {
    private Task next; // guarded by the queue's lock
    private long snapshot; // the same

    /** Makes a task that is in no queue. */
    protected Task() {}

    /**
     * Takes one step; the grace period that the task waited for has ended. Enters the queue again
     * if more steps follow.
     */
    protected abstract void step();

    /** The queue was stopped, and a grace period has passed: no step follows. */
    protected void abandoned() {}
  }

  private final SpinLock lock = new SpinLock(); // leaf code only

  // Guarded by the lock.
  private Task head;
  private Task tail;
  private int size;
  private int stepping; // tasks that were taken out and may come back

  /** Held by the thread that makes the steps. */
  private final SpinLock steps = new SpinLock();

  private volatile boolean stopped;

  /** Makes an empty queue. */
  public GraceQueue() {}

  /** Enters a task whose next step waits for a grace period that begins after this call. */
  public void addAfterGracePeriod(Task task) {
    add(task, Rcu.snapshot());
  }

  /** Enters a task whose next step waits for nothing. */
  public void add(Task task) {
    add(task, 0);
  }

  private void add(Task task, long snapshot) {
    lock.lock();
    try {
      assert task.next == null : "a task is in the queue once";
      task.snapshot = snapshot;
      if (tail == null) {
        head = task;
      } else {
        tail.next = task;
      }
      tail = task;
      size++;
    } finally {
      lock.unlock();
    }
  }

  /** Tasks that wait, or make a step; a recent number. */
  public int size() {
    lock.lock();
    try {
      return size + stepping;
    } finally {
      lock.unlock();
    }
  }

  private void stepped() {
    lock.lock();
    try {
      stepping--;
    } finally {
      lock.unlock();
    }
  }

  private Task poll() {
    lock.lock();
    try {
      Task task = head;
      if (task != null) {
        head = task.next;
        tail = head == null ? null : tail;
        task.next = null;
        size--;
        stepping++;
      }
      return task;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Makes each step that can be made now, unless another thread is at it. Never waits.
   *
   * @return how many steps were made
   * @throws RuntimeException what one of the steps threw, when all were made
   */
  public int advance() {
    if (size == 0 || !steps.tryLock()) {
      return 0;
    }
    try {
      int made = 0;
      RuntimeException failure = null;
      for (int left = size; left > 0; left--) {
        Task task = poll();
        if (task == null) {
          break;
        }
        try {
          if (Rcu.hasElapsed(task.snapshot)) {
            made++;
            task.step();
          } else {
            add(task, task.snapshot);
          }
        } catch (RuntimeException e) { // no reason for the others to wait
          failure = e;
        } finally {
          stepped();
        }
      }
      if (failure != null) {
        throw failure;
      }
      return made;
    } finally {
      steps.unlock();
    }
  }

  /**
   * Makes steps, waiting for a grace period if there is something to do.
   *
   * @param maxNanos how long to wait at most
   * @return how many steps were made
   */
  public int advance(long maxNanos) {
    if (size == 0) {
      return 0;
    }
    StackProbe.probe();
    Rcu.synchronize(maxNanos);
    return advance();
  }

  /** No step is made from here on. Waits for one that is being made. */
  public void stop() {
    stopped = true;
    steps.lock();
  }

  /** Whether waiting for a task is useless. */
  public boolean isStopped() {
    return stopped;
  }

  /** After {@link #stop} and a grace period: forgets the tasks. */
  public void abandon() {
    for (Task task = poll(); task != null; task = poll()) {
      try {
        task.abandoned();
      } finally {
        stepped();
      }
    }
  }
}
