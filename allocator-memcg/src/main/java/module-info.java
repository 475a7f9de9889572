/** Memory cgroups over the allocator: a tree of limits, and reparenting that touches no page. */
module org.kmem4j.memcg {
  requires transitive org.kmem4j;

  exports org.kmem4j.memcg;
  exports org.kmem4j.memcg.group;
  exports org.kmem4j.memcg.reclaim;
}
