package org.kmem4j.memcg.group;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;

/**
 * The walk over all groups, at rest. What must hold at every level that is online: the pages of the
 * caches that a group owns, the usage of the groups below that are online, and stocks make up its
 * usage; its references are one for each pointer to it. Every cache is owned by the group that its
 * owner word names, and by no other; a closed group owns none.
 */
final class GroupValidator {
  private final GroupTree tree;
  private final Map<OwnedCache, MemCgroup> owners = new HashMap<>();

  GroupValidator(GroupTree tree) {
    this.tree = tree;
  }

  private static void check(boolean condition, String sentence, Object... values) {
    if (!condition) {
      throw new AssertionError(String.format(sentence, values));
    }
  }

  /**
   * Walks.
   *
   * @throws AssertionError with what is wrong
   */
  void run() {
    synchronized (tree.lock) {
      List<MemCgroup> groups = tree.groups();
      groups.forEach(this::checkOwned);
      groups.stream().filter(MemCgroup::isOnline).forEach(GroupValidator::checkBooks);
      for (KmemCache cache : tree.slabs.snapshot()) {
        boolean mine = cache.account() instanceof MemCgroup group && group.paysIn(tree.slabs);
        if (mine && Memory.getLong(cache.ownerWord()) != 0 && cache.pages() > 0) {
          check(owners.containsKey(cache), "%s is owned by no group", cache);
        }
      }
      for (MemCgroup group : groups) {
        long dying = below(group).stream().filter(some -> !some.isOnline()).count();
        check(
            dying == group.dyingDescendants(),
            "%s: found %d dying groups below, booked %d",
            group,
            dying,
            group.dyingDescendants());
      }
    }
  }

  private static List<MemCgroup> below(MemCgroup group) {
    List<MemCgroup> all = new ArrayList<>();
    group.collect(all);
    return all.subList(1, all.size());
  }

  private void checkOwned(MemCgroup group) {
    for (OwnedCache cache : group.owned()) {
      check(group.isOnline(), "%s is closed, and owns %s", group, cache);
      MemCgroup other = owners.put(cache, group);
      check(other == null, "%s is owned by %s and by %s", cache, group, other);
      check(
          Memory.getLong(cache.ownerWord()) == group.address(),
          "%s: its owner word is 0x%x, its owner %s",
          cache,
          Memory.getLong(cache.ownerWord()),
          group);
    }
  }

  private static void checkBooks(MemCgroup group) {
    long bytes = group.stockedBytes();
    for (OwnedCache cache : group.owned()) {
      bytes += cache.pages() << 12;
    }
    for (MemCgroup child : group.children()) {
      bytes += child.usage();
    }
    check(
        bytes == group.usage(),
        "%s uses %d bytes, and its parts make up %d",
        group,
        group.usage(),
        bytes);
    check(
        group.references() == group.expectedReferences(),
        "%s has %d references, of which %d are accounted for",
        group,
        group.references(),
        group.expectedReferences());
  }
}
