/**
 * The allocator core: slab caches over real 4 KiB pages, off the Java heap. Start at {@link
 * org.kmem4j.SlabAllocator}.
 */
@SuppressWarnings("module") // org.kmem4j.memcg is compiled later
module org.kmem4j {
  requires transitive org.agrona;

  exports org.kmem4j;
  exports org.kmem4j.pool;
  exports org.kmem4j.slab;
  exports org.kmem4j.memory to
      org.kmem4j.memcg;
  exports org.kmem4j.sync to
      org.kmem4j.memcg;

  uses org.kmem4j.PropertyNames;
}
