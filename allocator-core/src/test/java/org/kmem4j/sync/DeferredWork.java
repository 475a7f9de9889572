package org.kmem4j.sync;

/** An item that does something given. */
public final class DeferredWork extends Deferred.Item {
  private final Runnable work;

  public DeferredWork(Runnable work) {
    this.work = work;
  }

  @Override
  protected void finish() {
    work.run();
  }
}
