package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.management.JMX;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.KmemCache;

/** The groups of an allocator as a management tool sees them. */
final class ManagementTest {
  private final MBeanServer server = ManagementFactory.getPlatformMBeanServer();

  @RegisterExtension private final Groups fixture = new Groups();

  private MemCgroupsMXBean bean(MemCgroups groups) throws Exception {
    return JMX.newMXBeanProxy(
        server, new ObjectName(groups.registerMBean()), MemCgroupsMXBean.class);
  }

  @Test
  void aToolSeesTheGroups() throws Exception {
    MemCgroups groups = fixture.open();
    KmemCache cache = fixture.allocator().createCache("orders", 1000);
    MemCgroup acme = groups.create("/tenants/acme").max(1 << 20);
    List<Long> objects = Groups.take(cache.in(acme), 30);
    for (long object = 1; object != 0; ) {
      object = cache.in(acme).tryAlloc();
      objects.add(object);
    }
    MemCgroup gone = groups.create("/tenants/gone");
    objects.addAll(Groups.take(cache.in(gone), 1));
    gone.close();

    MemCgroupsMXBean bean = bean(groups);

    MemCgroupsMXBean.GroupInfo info = bean.getGroups().get(2);
    assertAll(
        () -> assertEquals(3, bean.getGroups().size()),
        () -> assertEquals("/tenants/acme", info.path()),
        () -> assertEquals(acme.usage(), info.usage()),
        () -> assertEquals(acme.peak(), info.peak()),
        () -> assertEquals(1 << 20, info.max()),
        () -> assertEquals(acme.events(), info.events()),
        () -> assertEquals(acme.lastRefusal().toString(), info.lastRefusal()),
        () -> assertEquals(1, bean.getGroups().get(1).dyingDescendants()),
        () -> assertEquals(1, bean.getDyingGroups()),
        () -> assertEquals(1, bean.getLingeringCaches().size()),
        () -> assertTrue(bean.slabinfo("/tenants").getFirst().contains("from /tenants/gone")));
    String address = "0x" + Long.toHexString(objects.getFirst());
    assertTrue(bean.describe(address).contains("\"orders\""), () -> bean.describe(address));
    assertTrue(
        bean.describe(address).endsWith("paid by /tenants/acme"), () -> bean.describe(address));
    Object first =
        ((Object[]) server.getAttribute(new ObjectName(groups.registerMBean()), "Groups"))[0];
    assertEquals("/", ((CompositeData) first).get("path"), "to a tool without our classes");
    objects.forEach(cache::free);
    fixture.await(() -> bean.getDyingGroups() == 0);
  }

  @Test
  void aToolSetsALimit(@TempDir Path folder) throws Exception {
    MemCgroups groups = fixture.open();
    MemCgroup acme = groups.create("/acme");
    MemCgroupsMXBean bean = bean(groups);

    bean.setLimit("/acme", "max", "64m");
    bean.setLimit("/acme", "high", "32m");
    assertEquals(64 << 20, acme.max());
    assertEquals(32 << 20, acme.high());
    bean.setLimit("/acme", "max", "max");
    assertEquals(Long.MAX_VALUE, acme.max());

    Path file = Files.writeString(folder.resolve("f"), "kmem4j.memcg./acme.max=8m");
    System.setProperty("kmem4j.config", file.toString());
    try {
      bean.reload();
    } finally {
      System.clearProperty("kmem4j.config");
    }
    assertEquals(8 << 20, acme.max());
  }

  @ParameterizedTest
  @CsvSource({
    "/nobody, max, 1m, there is no group /nobody",
    "acme, max, 1m, a path begins with /",
    "/acme, maxx, 1m, 'limit=maxx, accepted: max, high, low or min'",
    "/acme, max, much, 'max=much is not understood; accepted: a number of bytes'"
  })
  void aToolIsToldWhatIsAccepted(String path, String limit, String size, String message)
      throws Exception {
    MemCgroups groups = fixture.open();
    groups.create("/acme");
    MemCgroupsMXBean bean = bean(groups);

    var error = assertThrows(RuntimeException.class, () -> bean.setLimit(path, limit, size));
    var where = assertThrows(RuntimeException.class, () -> bean.describe("here"));

    assertTrue(error.toString().contains(message), error::toString);
    assertTrue(where.toString().contains("accepted: a decimal number"), where::toString);
  }

  @Test
  void eachAllocatorHasItsOwnUntilItIsClosed() throws Exception {
    MemCgroups first = fixture.open();
    MemCgroups second = fixture.open();
    String name = first.registerMBean();

    assertTrue(name.startsWith("org.kmem4j.memcg:type=MemCgroups,"), name);
    assertEquals(name, first.registerMBean());
    assertNotEquals(name, second.registerMBean());
    first.close();

    assertFalse(server.isRegistered(new ObjectName(name)));
    assertTrue(server.isRegistered(new ObjectName(second.registerMBean())));
    assertThrows(IllegalStateException.class, first::registerMBean);
  }
}
