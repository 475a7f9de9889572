/** Memory cgroups over the allocator: a tree of limits, and reparenting that touches no page. */
module org.kmem4j.memcg {
  requires transitive org.kmem4j;
  // For the MBean, which is registered on request. Not `static`: then it would be missing unless
  // something else asks for it, and an image without it cannot be linked, for Agrona is an
  // automatic module.
  requires java.management;

  exports org.kmem4j.memcg;
  exports org.kmem4j.memcg.group;
  exports org.kmem4j.memcg.reclaim;

  provides org.kmem4j.PropertyNames with
      org.kmem4j.memcg.MemcgPropertyNames;
}
