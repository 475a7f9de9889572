package org.kmem4j.memcg;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.management.JMException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.Limit;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.Refusal;
import org.kmem4j.slab.OwnedCache;

/** The groups of one allocator as an MBean. */
final class Management implements MemCgroupsMXBean {
  private static final AtomicInteger NUMBERS = new AtomicInteger();

  private final MemCgroups groups;
  private final SlabAllocator allocator;
  private final ObjectName name;

  private Management(MemCgroups groups, SlabAllocator allocator, ObjectName name) {
    this.groups = groups;
    this.allocator = allocator;
    this.name = name;
  }

  /** Registers under a name that no other of this process has had. */
  static Management register(MemCgroups groups, SlabAllocator allocator) {
    try {
      String text = "org.kmem4j.memcg:type=MemCgroups,allocator=" + NUMBERS.incrementAndGet();
      var bean = new Management(groups, allocator, new ObjectName(text));
      server().registerMBean(bean, bean.name);
      return bean;
    } catch (JMException e) {
      throw new IllegalStateException("the groups could not be registered as an MBean", e);
    }
  }

  private static MBeanServer server() {
    return ManagementFactory.getPlatformMBeanServer();
  }

  String name() {
    return name.toString();
  }

  void unregister() {
    try {
      if (server().isRegistered(name)) {
        server().unregisterMBean(name);
      }
    } catch (JMException e) {
      throw new IllegalStateException(name + " could not be unregistered", e);
    }
  }

  @Override
  public List<GroupInfo> getGroups() {
    return groups.groups().stream().filter(MemCgroup::isOnline).map(Management::info).toList();
  }

  private static GroupInfo info(MemCgroup group) {
    Refusal refusal = group.lastRefusal();
    return new GroupInfo(
        group.path(),
        group.usage(),
        group.peak(),
        group.max(),
        group.high(),
        group.low(),
        group.min(),
        group.events(),
        group.dyingDescendants(),
        refusal == null ? null : refusal.toString());
  }

  @Override
  public int getDyingGroups() {
    return groups.root().dyingDescendants();
  }

  @Override
  public List<String> getLingeringCaches() {
    return groups.lingeringCaches().stream().map(OwnedCache::toString).toList();
  }

  @Override
  public List<String> slabinfo(String path) {
    return existing(path).slabinfo().stream().map(Object::toString).toList();
  }

  @Override
  public void setLimit(String path, String limit, String size) {
    Limit which;
    try {
      which = Limit.valueOf(limit.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("limit=" + limit + ", accepted: max, high, low or min", e);
    }
    existing(path).limits(Map.of(which, LimitRules.size(which.key(), size)));
  }

  private MemCgroup existing(String path) {
    MemCgroup group = groups.find(path);
    if (group == null) {
      throw new IllegalArgumentException("there is no group " + path);
    }
    return group;
  }

  @Override
  public void reload() {
    groups.reload();
  }

  @Override
  public String describe(String address) {
    long at;
    try {
      at = Long.decode(address);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "address=" + address + ", accepted: a decimal number, or a hexadecimal one after 0x", e);
    }
    return allocator.describe(at).toString();
  }
}
