package org.kmem4j.memcg.group;

import org.kmem4j.memcg.counter.Chargeable;
import org.kmem4j.memcg.counter.PageCounter;
import org.kmem4j.sync.PercpuRef;

/**
 * What a group is to those who charge it: a counter, a number, whether it is online, and the count
 * of references to it.
 *
 * <p><b>css references follow pointers, never bytes</b>: one for each cache whose owner word names
 * the group, one for each thread that stocks pages of it, one for each child group, one for each
 * running charge, and the initial one until the group is offline.
 */
final class Css implements Chargeable {
  private final PageCounter counter;
  private final PercpuRef ref;
  private final int id;

  /** Read after what it guards was looked up, see {@link MemCgroup#offline}. */
  private volatile boolean online = true;

  /**
   * @param id index and generation
   * @param release runs when the last reference is put; only queues
   */
  Css(PageCounter counter, int id, Runnable release) {
    this.counter = counter;
    this.id = id;
    this.ref = new PercpuRef(release);
  }

  @Override
  public PageCounter counter() {
    return counter;
  }

  @Override
  public int stockId() {
    return id;
  }

  @Override
  public boolean isOnline() {
    return online;
  }

  void setOffline() {
    online = false;
  }

  @Override
  public boolean tryGet() {
    return ref.tryGet();
  }

  @Override
  public void put() {
    ref.put(1);
  }

  /** Takes references on a group that is known to have one. */
  void get(long count) {
    ref.get(count);
  }

  void put(long count) {
    ref.put(count);
  }

  void kill() {
    ref.kill();
  }

  void confirm() {
    ref.confirm();
  }

  long references() {
    return ref.count();
  }
}
