package org.kmem4j;

import java.util.Properties;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.agrona.SystemUtil;
import org.kmem4j.page.PageSettings;
import org.kmem4j.slab.Hardening;
import org.kmem4j.slab.SlabSettings;

/**
 * What an allocator is built with: defaults, overridden by {@code kmem4j.} system properties,
 * overridden by the builder. Immutable.
 *
 * @param maxBytes ceiling of the memory held at once
 * @param decayNanos how long free pages keep their memory
 * @param preTouch whether new regions are touched at once
 * @param lockInMemory whether regions are locked in memory
 * @param hugePages whether transparent huge pages are asked for
 * @param maxOrder largest order of a slab
 * @param sheafCapacity most objects in one sheaf
 * @param frontBudgetBytes most bytes that fronts may be able to hold; negative for an eighth of
 *     {@code maxBytes}
 * @param waitNanos how long an allocation waits for a grace period
 * @param debug which caches check what
 * @param hardening what production does against wrong use
 * @param leaks of how many objects one is tracked: 0 for none, 1 for each
 */
record Settings(
    long maxBytes,
    long decayNanos,
    boolean preTouch,
    boolean lockInMemory,
    boolean hugePages,
    int maxOrder,
    int sheafCapacity,
    long frontBudgetBytes,
    long waitNanos,
    DebugRules debug,
    Hardening hardening,
    int leaks) {

  static final String MAX = "kmem4j.max";
  static final String DECAY = "kmem4j.decay";
  static final String PRE_TOUCH = "kmem4j.pretouch";
  static final String LOCK = "kmem4j.mlock";
  static final String HUGE_PAGES = "kmem4j.hugepages";
  static final String MAX_ORDER = "kmem4j.maxOrder";
  static final String SHEAF = "kmem4j.sheaf";
  static final String FRONTS = "kmem4j.fronts";
  static final String WAIT = "kmem4j.rcu.wait";
  static final String FENCE = "kmem4j.rcu.fence";
  static final String GRACE_PERIODS = "kmem4j.rcu.maxPerSecond";
  static final String DEBUG = "kmem4j.debug";
  static final String HARDENED = "kmem4j.hardened";
  static final String DOUBLE_FREE = "kmem4j.hardened.doubleFree";
  static final String HEADERS = "kmem4j.hardened.headers";
  static final String RANDOM_ORDER = "kmem4j.hardened.randomOrder";
  static final String INIT_ON_ALLOC = "kmem4j.initOnAlloc";
  static final String INIT_ON_FREE = "kmem4j.initOnFree";
  static final String LEAKS = "kmem4j.leaks";

  private static final Set<String> NAMES =
      Set.of(
          MAX,
          DECAY,
          PRE_TOUCH,
          LOCK,
          HUGE_PAGES,
          MAX_ORDER,
          SHEAF,
          FRONTS,
          WAIT,
          FENCE,
          GRACE_PERIODS,
          DEBUG,
          HARDENED,
          DOUBLE_FREE,
          HEADERS,
          RANDOM_ORDER,
          INIT_ON_ALLOC,
          INIT_ON_FREE,
          LEAKS);

  private static final long MIN_MAX_BYTES = 64 << 10;
  private static final long REGION_BYTES = 2 << 20;
  private static final long DERIVED = -1;
  private static final String PREFIX = "kmem4j.";

  /** Reads the properties; those that are absent keep their defaults. */
  static Settings from(Properties properties) {
    checkNames(properties);
    long max = size(properties, MAX, -1);
    if (max < 0) {
      max = DefaultCeiling.bytes();
    }
    if (max < MIN_MAX_BYTES) {
      throw bad(MAX, properties.getProperty(MAX), "at least 64k");
    }
    if ((flag(properties, PRE_TOUCH) || flag(properties, LOCK)) && max < REGION_BYTES) {
      throw new IllegalArgumentException(
          MAX
              + "="
              + max
              + " is too small: "
              + PRE_TOUCH
              + " and "
              + LOCK
              + " take whole regions of 2 MiB; accepted: at least 2m");
    }
    String decay = properties.getProperty(DECAY, "10s");
    long decayNanos =
        decay.equals("never") ? PageSettings.NEVER : duration(DECAY, decay, "or never");
    count(properties, GRACE_PERIODS, 1000, 1, 1_000_000); // read by Rcu; checked here
    flag(properties, FENCE);
    return new Settings(
        max,
        decayNanos,
        flag(properties, PRE_TOUCH),
        flag(properties, LOCK),
        flag(properties, HUGE_PAGES),
        count(properties, MAX_ORDER, 6, 0, 9),
        count(properties, SHEAF, 62, 0, 510),
        size(properties, FRONTS, DERIVED),
        duration(WAIT, properties.getProperty(WAIT, "1ms"), ""),
        debug(properties.getProperty(DEBUG, "false")),
        hardening(properties),
        count(properties, LEAKS, 0, 0, 1 << 30));
  }

  private static Hardening hardening(Properties properties) {
    boolean all = flag(properties, HARDENED);
    return new Hardening(
        flag(properties, DOUBLE_FREE, all),
        flag(properties, HEADERS, all),
        flag(properties, RANDOM_ORDER, all),
        flag(properties, INIT_ON_ALLOC),
        flag(properties, INIT_ON_FREE));
  }

  private static DebugRules debug(String value) {
    try {
      return DebugRules.parse(value);
    } catch (IllegalArgumentException e) {
      throw bad(DEBUG, value, e.getMessage());
    }
  }

  /** The same settings as properties: what a builder changes one by one. */
  Properties toProperties() {
    Properties properties = new Properties();
    properties.setProperty(MAX, Long.toString(maxBytes));
    properties.setProperty(DECAY, decayNanos == PageSettings.NEVER ? "never" : decayNanos + "ns");
    properties.setProperty(PRE_TOUCH, Boolean.toString(preTouch));
    properties.setProperty(LOCK, Boolean.toString(lockInMemory));
    properties.setProperty(HUGE_PAGES, Boolean.toString(hugePages));
    properties.setProperty(MAX_ORDER, Integer.toString(maxOrder));
    properties.setProperty(SHEAF, Integer.toString(sheafCapacity));
    if (frontBudgetBytes != DERIVED) {
      properties.setProperty(FRONTS, Long.toString(frontBudgetBytes));
    }
    properties.setProperty(WAIT, waitNanos + "ns");
    properties.setProperty(DEBUG, debug.toString());
    properties.setProperty(DOUBLE_FREE, Boolean.toString(hardening.doubleFree()));
    properties.setProperty(HEADERS, Boolean.toString(hardening.headers()));
    properties.setProperty(RANDOM_ORDER, Boolean.toString(hardening.randomOrder()));
    properties.setProperty(INIT_ON_ALLOC, Boolean.toString(hardening.initOnAlloc()));
    properties.setProperty(INIT_ON_FREE, Boolean.toString(hardening.initOnFree()));
    properties.setProperty(LEAKS, Integer.toString(leaks));
    return properties;
  }

  PageSettings pages() {
    return new PageSettings(maxBytes, decayNanos, preTouch, lockInMemory, hugePages);
  }

  SlabSettings slabs() {
    long fronts = frontBudgetBytes != DERIVED ? frontBudgetBytes : Math.max(maxBytes / 8, 1 << 20);
    return new SlabSettings(maxOrder, sheafCapacity, fronts, waitNanos, hardening, leaks);
  }

  private static long size(Properties properties, String name, long absent) {
    String value = properties.getProperty(name);
    if (value == null) {
      return absent;
    }
    try {
      long bytes = value.isEmpty() ? -1 : SystemUtil.parseSize(name, value);
      if (bytes >= 0) {
        return bytes;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw bad(name, value, "a number of bytes, with k, m or g behind it");
  }

  private static long duration(String name, String value, String also) {
    try {
      // Agrona takes a number without a unit for nanoseconds: nobody means that.
      long nanos = value.matches(".*[a-z]") ? SystemUtil.parseDuration(name, value) : -1;
      if (nanos >= 0 && nanos <= TimeUnit.DAYS.toNanos(365)) {
        return nanos;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw bad(
        name, value, ("a number with ns, us, ms or s behind it, at most a year " + also).trim());
  }

  private static int count(Properties properties, String name, int absent, int min, int max) {
    String value = properties.getProperty(name);
    if (value == null) {
      return absent;
    }
    try {
      int count = Integer.parseInt(value);
      if (count >= min && count <= max) {
        return count;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw bad(name, value, "a number from " + min + " to " + max);
  }

  private static boolean flag(Properties properties, String name) {
    return flag(properties, name, false);
  }

  private static boolean flag(Properties properties, String name, boolean absent) {
    String value = properties.getProperty(name, Boolean.toString(absent));
    if (!value.equals("true") && !value.equals("false")) {
      throw bad(name, value, "true or false");
    }
    return value.equals("true");
  }

  private static IllegalArgumentException bad(String name, String value, String accepted) {
    return new IllegalArgumentException(
        "-D" + name + "=" + value + " is not understood; accepted: " + accepted);
  }

  private static void checkNames(Properties properties) {
    Set<String> known = new TreeSet<>(NAMES);
    Set<String> prefixes = new TreeSet<>();
    for (PropertyNames module : ServiceLoader.load(PropertyNames.class)) {
      known.addAll(module.names());
      prefixes.addAll(module.prefixes());
    }
    for (String name : properties.stringPropertyNames()) {
      if (name.startsWith(PREFIX)
          && !known.contains(name)
          && prefixes.stream().noneMatch(name::startsWith)) {
        throw new IllegalArgumentException(
            "-D"
                + name
                + " is unknown; the nearest name is "
                + PropertyNames.nearest(name, known)
                + "; known are "
                + String.join(", ", known));
      }
    }
  }
}
