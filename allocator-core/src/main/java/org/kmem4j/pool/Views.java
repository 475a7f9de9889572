package org.kmem4j.pool;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;
import org.kmem4j.slab.KmemCache;

/** The views of live objects in a pool that debugs, so that all of them end with their object. */
final class Views {
  /** By address; guarded by this. */
  private final Long2ObjectHashMap<List<WeakReference<Flyweight>>> byAddress =
      new Long2ObjectHashMap<>();

  @SuppressWarnings("ReferenceEquality") // buffers are equal by content
  synchronized void add(long address, Flyweight view) {
    List<WeakReference<Flyweight>> views =
        byAddress.computeIfAbsent(address, some -> new ArrayList<>(1));
    views.removeIf(reference -> reference.get() == null || reference.get() == view);
    views.add(new WeakReference<>(view));
  }

  /** Frees the object, then unwraps every view that still points at it. */
  synchronized void release(long address, KmemCache cache) {
    cache.free(address);
    List<WeakReference<Flyweight>> views = byAddress.remove(address);
    if (views == null) {
      return;
    }
    for (WeakReference<Flyweight> reference : views) {
      Flyweight view = reference.get();
      if (view != null && view.address() == address) {
        view.unwrap();
      }
    }
  }
}
