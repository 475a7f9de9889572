package org.kmem4j.memcg;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.Limit;
import org.kmem4j.memcg.group.MemCgroup;

/** Limits from properties, from a file, and at run time: which holds, and what is refused. */
final class LimitsTest {
  private static final long NONE = Long.MAX_VALUE;

  @RegisterExtension private final Groups fixture = new Groups();

  @TempDir private Path folder;

  @AfterEach
  void clear() {
    System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.startsWith("kmem4j."))
        .forEach(System::clearProperty);
  }

  private static Properties properties(String... namesAndValues) {
    Properties properties = new Properties();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      properties.setProperty("kmem4j.memcg." + namesAndValues[i], namesAndValues[i + 1]);
    }
    return properties;
  }

  private MemCgroups openWith(String... namesAndValues) {
    System.getProperties().putAll(properties(namesAndValues));
    return fixture.open();
  }

  private MemCgroups openWithFile(String... lines) throws IOException {
    write(lines);
    System.setProperty("kmem4j.config", folder.resolve("limits.properties").toString());
    return fixture.open();
  }

  private void write(String... lines) throws IOException {
    Files.writeString(folder.resolve("limits.properties"), String.join("\n", lines));
  }

  // ------------------------------------------------------------------ which limit holds

  @Test
  void aGroupGetsItsLimitsWhenItIsCreated() {
    MemCgroups groups =
        openWith("/a.max", "64m", "/a.high", "48m", "/a.low", "512k", "/a.min", "8192");

    MemCgroup a = groups.create("/a");

    assertAll(
        () -> assertEquals(64 << 20, a.max()),
        () -> assertEquals(48 << 20, a.high()),
        () -> assertEquals(512 << 10, a.low()),
        () -> assertEquals(8192, a.min()),
        () -> assertEquals(NONE, groups.root().max()));
  }

  @Test
  void aGroupsNameMayHaveDots() {
    MemCgroups groups = openWith("/tenants/acme.com.max", "1m", "/tenants/max.max", "2m");

    assertEquals(1 << 20, groups.create("/tenants/acme.com").max());
    assertEquals(2 << 20, groups.create("/tenants/max").max());
  }

  @Test
  void theRootMayHaveALimit() {
    assertEquals(8 << 20, openWith("/.max", "8m").root().max());
  }

  @Test
  void aStarStandsForExactlyOneLevel() {
    MemCgroups groups = openWith("/t/*.max", "1m", "/*/*/x.max", "2m");

    assertAll(
        () -> assertEquals(1 << 20, groups.create("/t/a").max()),
        () -> assertEquals(NONE, groups.find("/t").max()),
        () -> assertEquals(NONE, groups.create("/t/a/b").max()),
        () -> assertEquals(2 << 20, groups.create("/t/a/x").max()));
  }

  @Test
  void anExactPathBeatsAPatternAndMoreNamesBeatFewer() {
    MemCgroups groups =
        openWith(
            "/*/*.max",
            "1m",
            "/t/*.max",
            "2m",
            "/*/b.max",
            "3m",
            "/t/c.max",
            "4m",
            "/*/*.high",
            "5m");

    assertAll(
        () -> assertEquals(1 << 20, groups.create("/u/a").max()),
        () -> assertEquals(2 << 20, groups.create("/t/a").max()),
        () -> assertEquals(3 << 20, groups.create("/u/b").max()),
        () -> assertEquals(2 << 20, groups.create("/t/b").max(), "the name nearer to the root"),
        () -> assertEquals(4 << 20, groups.create("/t/c").max()),
        () -> assertEquals(5 << 20, groups.find("/t/c").high(), "each limit by itself"));
  }

  @ParameterizedTest
  @CsvSource({
    "max, 9223372036854775807", "1g, 1073741824", "64m, 67108864", "64M, 67108864",
    "64k, 65536", "8192, 8192", "0, 0", "5000, 4096"
  })
  void aSizeHasAUnitOrNoneAndIsRoundedDownToPages(String size, long bytes) {
    assertEquals(bytes, openWith("/a.max", size).create("/a").max());
  }

  @Test
  void aPropertyOfTheCommandLineBeatsTheFile() throws IOException {
    System.getProperties().putAll(properties("/a.max", "1m", "/*.high", "1m"));
    MemCgroups groups =
        openWithFile(
            "server.port=80", // another's
            "kmem4j.memcg./a.max=2m",
            "kmem4j.memcg./a.high=2m",
            "kmem4j.memcg./b\\:1.max = 3m");

    MemCgroup a = groups.create("/a");

    assertEquals(1 << 20, a.max(), "the same pattern");
    assertEquals(2 << 20, a.high(), "the file's is more exact");
    assertEquals(3 << 20, groups.create("/b:1").max());
  }

  @Test
  void reloadReadsTheFileAgain() throws IOException {
    MemCgroups groups = openWithFile("kmem4j.memcg./*.max=2m");
    MemCgroup a = groups.create("/a").high(5 << 20);
    write("kmem4j.memcg./*.max=3m");

    groups.reload();

    assertEquals(3 << 20, a.max());
    assertEquals(5 << 20, a.high(), "the file does not say");
    assertEquals(3 << 20, groups.create("/b").max());
  }

  @Test
  void theLastWriterAtRunTimeBeatsAll() {
    MemCgroups groups = openWith("/t/a.max", "1m");
    MemCgroup a = groups.create("/t/a");

    groups.apply(properties("/t/*.max", "2m"));
    assertEquals(2 << 20, a.max(), "applied");
    a.max(3 << 20);
    assertEquals(3 << 20, a.max(), "set");
    groups.apply(properties("/*/*.high", "4m"));
    assertEquals(3 << 20, a.max(), "nothing was said about max");
    groups.apply(properties("/*/*.max", "5m"));
    assertEquals(5 << 20, a.max(), "applied again");

    a.close();
    MemCgroup next = groups.create("/t/a");
    assertEquals(5 << 20, next.max(), "the next group of that name");
    assertEquals(4 << 20, next.high());
  }

  @Test
  void ofTwoPatternsThatOverlapTheLastWritersCounts() {
    MemCgroups groups = openWith("/t/*.max", "1m");
    MemCgroup a = groups.create("/t/a");

    groups.apply(properties("/*/a.max", "2m"));

    assertEquals(2 << 20, a.max());
    a.close();
    assertEquals(2 << 20, groups.create("/t/a").max());
    assertEquals(1 << 20, groups.create("/t/b").max());
  }

  @Test
  void minAndMaxMayMoveTogether() {
    MemCgroup a = fixture.open().create("/a").max(1 << 20);

    a.limits(Map.of(Limit.MIN, 2L << 20, Limit.MAX, 4L << 20));

    assertEquals(2 << 20, a.min());
    assertEquals(4 << 20, a.max());
  }

  /** Compared with a model that looks at the rules one by one. */
  @Test
  void ofManyRulesTheRightOneHolds() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    String[] names = {"a", "b", "*"};
    for (int round = 0; round < 200; round++) {
      Properties rules = new Properties();
      for (int i = 0; i < 6; i++) {
        String path = "/" + names[random.nextInt(3)] + "/" + names[random.nextInt(3)];
        rules.setProperty("kmem4j.memcg." + path + ".max", (1 + random.nextInt(99)) * 4 + "k");
      }
      MemCgroups groups = MemCgroups.on(allocator());
      groups.apply(rules);

      String expected = null;
      for (String pattern : new String[] {"/*/*", "/*/b", "/a/*", "/a/b"}) {
        String value = rules.getProperty("kmem4j.memcg." + pattern + ".max");
        expected = value == null ? expected : value;
      }

      long max = groups.create("/a/b").max();
      assertEquals(
          expected == null ? NONE : Long.parseLong(expected.replace("k", "")) << 10,
          max,
          () -> "seed " + seed + ", " + rules);
      groups.close();
    }
  }

  private SlabAllocator allocator() {
    if (allocator == null) {
      fixture.open();
      allocator = fixture.allocator();
    }
    return allocator;
  }

  private SlabAllocator allocator;

  // ------------------------------------------------------------------ what is refused

  @ParameterizedTest
  @ValueSource(
      strings = {
        "much",
        "",
        "k",
        "-1",
        "-64m",
        "1.5g",
        "MAX",
        "99999999999999999999",
        "9999999999g"
      })
  void whatIsNoSizeIsRefusedAndNothingIsChanged(String size) {
    MemCgroups groups = openWith("/a.max", "1m");
    MemCgroup a = groups.create("/a");

    var error =
        assertThrows(
            IllegalArgumentException.class,
            () -> groups.apply(properties("/a.high", "1m", "/a.max", size)));

    String text = error.getMessage();
    assertTrue(text.startsWith("kmem4j.memcg./a.max=" + size + " is not understood"), text);
    assertTrue(
        text.contains("accepted: a number of bytes, with k, m or g behind it, or max"), text);
    assertEquals(NONE, a.high());
    assertEquals(NONE, groups.create("/b").high());
  }

  @ParameterizedTest
  @CsvSource({
    "/a.maxx, kmem4j.memcg./a.max",
    "/a.Max, kmem4j.memcg./a.max",
    "/a.hihg, kmem4j.memcg./a.high",
    "/a.minimum, kmem4j.memcg./a.min",
    "/tenants/acme.com, kmem4j.memcg./tenants/acme.",
    "/a, kmem4j.memcg./a.max",
    "/a.max/b, kmem4j.memcg./a.max/b.max",
    "tenants.max, kmem4j.memcg./tenants.max",
    "strikt, kmem4j.memcg.strict"
  })
  void anUnknownNameIsRefusedAndTheNearestNamed(String name, String nearest) {
    MemCgroups groups = fixture.open();

    var error =
        assertThrows(IllegalArgumentException.class, () -> groups.apply(properties(name, "1m")));
    System.getProperties().putAll(properties(name, "1m"));
    var atStart = assertThrows(IllegalArgumentException.class, fixture::open);

    String text = error.getMessage();
    assertTrue(
        text.startsWith("kmem4j.memcg." + name + " is unknown; the nearest name is " + nearest),
        text);
    assertTrue(text.contains("high, low, max, min"), text);
    assertEquals(text, atStart.getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "//.max",
    "/a/.max",
    "/a//b.max",
    "/a b.max",
    "/../a.max",
    "/a*.max",
    "/**.max",
    "/ä.max"
  })
  void anIllegalPathIsRefused(String name) {
    MemCgroups groups = fixture.open();

    var error =
        assertThrows(IllegalArgumentException.class, () -> groups.apply(properties(name, "1m")));

    String text = error.getMessage();
    assertTrue(text.startsWith("kmem4j.memcg." + name + " names no group: path="), text);
    assertTrue(text.contains("begins with /") || text.contains("letters, digits"), text);
  }

  @Test
  void anotherSettingIsNotChangedAtRunTime() {
    MemCgroups groups = fixture.open();
    Properties properties = properties("/a.max", "1m");
    properties.setProperty("kmem4j.max", "1g");

    var error = assertThrows(IllegalArgumentException.class, () -> groups.apply(properties));

    assertTrue(error.getMessage().startsWith("kmem4j.max cannot be set here"), error::getMessage);
    assertEquals(NONE, groups.create("/a").max());
  }

  @ParameterizedTest
  @CsvSource({
    "/a.min, /a.max, /a",
    "/*.min, /a.max, /a",
    "/a.min, /*.max, /a",
    "/*.min, /*.max, /*",
    "/t/*.min, /*/a.max, /t/a",
    "/*/*.min, /t/*.max, /t/*"
  })
  void aMinAboveAMaxThatCanMeetItIsRefused(String min, String max, String where) {
    MemCgroups groups = fixture.open();

    var error =
        assertThrows(
            IllegalArgumentException.class, () -> groups.apply(properties(min, "2m", max, "1m")));

    assertEquals(
        "kmem4j.memcg." + min + "=2m is above kmem4j.memcg." + max + "=1m: both hold for " + where,
        error.getMessage());
  }

  @Test
  void aBadPairIsRefusedThoughNoGroupHasItYet() {
    MemCgroups groups = openWith("/t/*.min", "2m");

    assertThrows(
        IllegalArgumentException.class, () -> groups.apply(properties("/t/acme.max", "1m")));

    assertEquals(NONE, groups.create("/t/acme").max());
  }

  @Test
  void aMinAboveAMaxThatNeverMeetItIsAccepted() {
    MemCgroups groups =
        openWith("/*.min", "2m", "/a.max", "1m", "/a.min", "0", "/t/*.max", "1m", "/t.min", "8m");

    assertEquals(1 << 20, groups.create("/a").max());
    assertEquals(2 << 20, groups.create("/b").min());
  }

  @Test
  void aSetThatWouldBeBadForOneGroupChangesNone() {
    MemCgroups groups = fixture.open();
    MemCgroup a = groups.create("/a");
    MemCgroup b = groups.create("/b").min(2 << 20);

    var error =
        assertThrows(
            IllegalArgumentException.class, () -> groups.apply(properties("/*.max", "1m")));

    assertEquals("/b: min=2097152 is above max=1048576", error.getMessage());
    assertEquals(NONE, a.max());
    assertEquals(NONE, b.max());
    assertEquals(NONE, groups.create("/c").max());
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    String missing = folder.resolve("missing").toString();
    System.setProperty("kmem4j.config", missing);
    var atStart = assertThrows(IllegalArgumentException.class, fixture::open);
    assertTrue(
        atStart.getMessage().startsWith("-Dkmem4j.config=" + missing + " cannot be read: "),
        atStart::getMessage);

    MemCgroups groups = openWithFile("kmem4j.memcg./a.max=1m");
    write("kmem4j.memcg./a.max=2m", "kmem4j.memcg./b:1.max=2m");
    var bad = assertThrows(IllegalArgumentException.class, groups::reload);
    assertTrue(bad.getMessage().contains("in a file a : within a name is written \\:"));
    write("kmem4j.memcg./a.max=\\u00");
    assertThrows(IllegalArgumentException.class, groups::reload);
    assertEquals(1 << 20, groups.create("/a").max(), "as it was");

    System.clearProperty("kmem4j.config");
    var none = assertThrows(IllegalStateException.class, groups::reload);
    assertTrue(none.getMessage().contains("-Dkmem4j.config=<file>"), none::getMessage);
  }

  // ------------------------------------------------------------------ the check of names in core

  @Test
  void theAllocatorKnowsTheNamesOfThisModule() {
    System.setProperty("kmem4j.memcg./tenants/*.max", "64m");
    fixture.open();
    System.setProperty("kmem4j.confg", "x");

    var error = assertThrows(IllegalArgumentException.class, SlabAllocator::create);

    assertTrue(
        error
            .getMessage()
            .startsWith("-Dkmem4j.confg is unknown; the nearest name is kmem4j.config"),
        error::getMessage);
    assertFalse(error.getMessage().contains("kmem4j.memcg./"), error::getMessage);
  }
}
