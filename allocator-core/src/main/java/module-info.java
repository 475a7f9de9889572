/**
 * The allocator core: slab caches over real 4 KiB pages, off the Java heap. Start at {@link
 * org.kmem4j.SlabAllocator}.
 */
module org.kmem4j {
  requires transitive org.agrona;

  exports org.kmem4j;
  exports org.kmem4j.pool;
  exports org.kmem4j.slab;

  uses org.kmem4j.PropertyNames;
}
