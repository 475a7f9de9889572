package org.kmem4j.memcg;

import java.util.List;
import org.kmem4j.memcg.group.EventCounts;

/** The groups of one allocator, for management tools. See {@link MemCgroups#registerMBean}. */
public interface MemCgroupsMXBean {
  /**
   * One group that is online. In bytes; {@link Long#MAX_VALUE} for no limit.
   *
   * @param path of the group
   * @param usage charged to it and those below
   * @param peak the most that ever was
   * @param max above which requests are refused
   * @param high above which the agent reclaims
   * @param low what reclaim leaves alone as long as there is anything else
   * @param min what reclaim always leaves alone
   * @param events what happened here and below
   * @param dyingDescendants groups below that are closed and not released
   * @param lastRefusal the latest request that was refused, as a sentence, or null
   */
  record GroupInfo(
      String path,
      long usage,
      long peak,
      long max,
      long high,
      long low,
      long min,
      EventCounts events,
      int dyingDescendants,
      String lastRefusal) {}

  /** All groups that are online, parents before children. */
  List<GroupInfo> getGroups();

  /** Groups that are closed and not released. */
  int getDyingGroups();

  /** Caches that live on because of an object, although their group is closed. */
  List<String> getLingeringCaches();

  /** The {@code slabinfo} of a group, a line for each cache. */
  List<String> slabinfo(String path);

  /**
   * Sets a limit of a group.
   *
   * @param limit {@code max}, {@code high}, {@code low} or {@code min}
   * @param size such as {@code 64m}, or {@code max} for none
   */
  void setLimit(String path, String limit, String size);

  /** As {@link MemCgroups#reload}. */
  void reload();

  /**
   * Says what an address is.
   *
   * @param address decimal, or hexadecimal after {@code 0x}
   */
  String describe(String address);
}
