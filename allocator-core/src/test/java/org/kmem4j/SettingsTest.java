package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.kmem4j.page.PageSettings;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.Hardening;

/**
 * The {@code kmem4j.} properties: what they mean, and what is said about those that mean nothing.
 */
final class SettingsTest {
  private static Settings settings(String... namesAndValues) {
    Properties properties = new Properties();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      properties.setProperty(namesAndValues[i], namesAndValues[i + 1]);
    }
    return Settings.from(properties);
  }

  @Test
  void withoutPropertiesTheDefaultsHold() {
    Settings settings = settings();

    assertAll(
        () -> assertEquals(DefaultCeiling.bytes(), settings.maxBytes()),
        () -> assertEquals(10_000_000_000L, settings.decayNanos()),
        () -> assertFalse(settings.preTouch() || settings.lockInMemory() || settings.hugePages()),
        () -> assertEquals(1_000_000, settings.waitNanos()),
        () -> assertEquals(settings.maxBytes() / 8, settings.slabs().frontBudgetBytes()),
        () -> assertEquals(Debug.NONE, settings.debug().of("any")));
  }

  @Test
  void everyPropertyIsRead() {
    Settings settings =
        settings(
            "kmem4j.max", "64m",
            "kmem4j.decay", "250ms",
            "kmem4j.pretouch", "true",
            "kmem4j.mlock", "true",
            "kmem4j.hugepages", "true",
            "kmem4j.maxOrder", "3",
            "kmem4j.sheaf", "14",
            "kmem4j.fronts", "1m",
            "kmem4j.rcu.wait", "5us",
            "kmem4j.debug", "a,b*",
            "kmem4j.hardened.doubleFree", "true",
            "kmem4j.initOnFree", "true",
            "kmem4j.leaks", "1024");

    assertEquals(
        new Settings(
            64 << 20,
            250_000_000,
            true,
            true,
            true,
            3,
            14,
            1 << 20,
            5_000,
            DebugRules.parse("FZPU,a,b*"),
            new Hardening(true, false, false, false, true),
            1024),
        settings);
    assertEquals(settings, Settings.from(settings.toProperties()), "there and back");
  }

  @Test
  void onePropertyHardensAndAnotherExceptsFromIt() {
    assertEquals(
        new Hardening(true, true, true, false, false),
        settings("kmem4j.hardened", "true").slabs().hardening());
    assertEquals(
        new Hardening(true, false, true, true, false),
        settings(
                "kmem4j.hardened", "true",
                "kmem4j.hardened.headers", "false",
                "kmem4j.initOnAlloc", "true")
            .slabs()
            .hardening());
    assertEquals(Hardening.NONE, settings("kmem4j.hardened", "false").slabs().hardening());
  }

  @ParameterizedTest
  @CsvSource({"65536, 65536", "64k, 65536", "1m, 1048576", "2g, 2147483648", "1M, 1048576"})
  void sizesHaveAUnitOrNone(String text, long bytes) {
    assertEquals(bytes, settings("kmem4j.max", text).maxBytes());
  }

  @ParameterizedTest
  @CsvSource({"never, 9223372036854775807", "1s, 1000000000", "0s, 0", "7ns, 7", "3us, 3000"})
  void timesHaveAUnit(String text, long nanos) {
    assertEquals(nanos, settings("kmem4j.decay", text).decayNanos());
  }

  @ParameterizedTest
  @CsvSource({
    "kmem4j.max, much, a number of bytes",
    "kmem4j.max, '', a number of bytes",
    "kmem4j.max, k, a number of bytes",
    "kmem4j.max, -1, a number of bytes",
    "kmem4j.max, -64m, a number of bytes",
    "kmem4j.max, 1.5g, a number of bytes",
    "kmem4j.max, 99999999999999999999, a number of bytes",
    "kmem4j.max, 9999999999g, a number of bytes",
    "kmem4j.max, 63k, at least 64k",
    "kmem4j.max, 0, at least 64k",
    "kmem4j.decay, soon, or never",
    "kmem4j.decay, '', or never",
    "kmem4j.decay, -1s, or never",
    "kmem4j.decay, 9000000000s, or never",
    "kmem4j.decay, 40000000s, at most a year",
    "kmem4j.pretouch, yes, true or false",
    "kmem4j.pretouch, TRUE, true or false",
    "kmem4j.mlock, 1, true or false",
    "kmem4j.hugepages, '', true or false",
    "kmem4j.maxOrder, 10, a number from 0 to 9",
    "kmem4j.maxOrder, -1, a number from 0 to 9",
    "kmem4j.maxOrder, two, a number from 0 to 9",
    "kmem4j.sheaf, 511, a number from 0 to 510",
    "kmem4j.fronts, -1, a number of bytes",
    "kmem4j.rcu.wait, 1, 'ns, us, ms or s'",
    "kmem4j.rcu.wait, never, 'ns, us, ms or s'",
    "kmem4j.rcu.fence, maybe, true or false",
    "kmem4j.rcu.maxPerSecond, 0, a number from 1 to",
    "kmem4j.hardened, on, true or false",
    "kmem4j.hardened.headers, '', true or false",
    "kmem4j.initOnFree, 1, true or false",
    "kmem4j.leaks, -1, a number from 0 to",
    "kmem4j.leaks, all, a number from 0 to",
    "kmem4j.debug, 'a b', names of caches",
    "kmem4j.debug, '', names of caches"
  })
  void aBadValueIsAnErrorThatSaysWhatIsAccepted(String name, String value, String accepted) {
    var error = assertThrows(IllegalArgumentException.class, () -> settings(name, value));

    String text = error.getMessage();
    assertTrue(text.startsWith("-D" + name + "=" + value + " is not understood"), text);
    assertTrue(text.contains("accepted: ") && text.contains(accepted), text);
  }

  @ParameterizedTest
  @CsvSource({
    "kmem4j.maximum, kmem4j.max",
    "kmem4j.Max, kmem4j.max",
    "kmem4j.maxorder, kmem4j.maxOrder",
    "kmem4j.deacy, kmem4j.decay",
    "kmem4j.hugePages, kmem4j.hugepages",
    "kmem4j.rcu.maxpersecond, kmem4j.rcu.maxPerSecond",
    "kmem4j., kmem4j.max"
  })
  void anUnknownNameIsAnErrorThatNamesTheNearest(String name, String nearest) {
    var error = assertThrows(IllegalArgumentException.class, () -> settings(name, "1"));

    String text = error.getMessage();
    assertTrue(text.contains("-D" + name + " is unknown; the nearest name is " + nearest), text);
    assertTrue(text.contains("kmem4j.debug"), "and all others: " + text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # value         | cache   | checks
          true            | any     | FZPU
          false           | any     | ''
          -               | any     | ''
          FZ              | any     | FZ
          order           | order   | FZPU
          order           | orders  | ''
          order*,x        | orders  | FZPU
          U,order,size-*  | size-64 | U
          U,order,size-*  | other   | ''
          F;PU,order      | order   | PU
          F;PU,order      | other   | F
          PU,order;F      | order   | PU
          true;-,noisy*   | noisy-1 | ''
          true;-,noisy*   | quiet   | FZPU
          false,order     | order   | ''
          FUZZ            | any     | FZU
          FZPU,FOO        | FOO     | FZPU
          FZPU,fzpu       | fzpu    | FZPU
          on-order        | on-order | FZPU
          Orders          | Orders  | FZPU
          F,order;U,or*   | order   | F
          U,or*;F,order   | order   | U
          F;U             | any     | U
          F;order;U       | any     | U
          """)
  void lettersComeFirstAndNamesAfterThem(String value, String cache, String letters) {
    DebugRules rules = settings("kmem4j.debug", value).debug();

    assertEquals(Debug.of(letters), rules.of(cache));
    assertEquals(rules, DebugRules.parse(rules.toString()), "there and back");
  }

  @Test
  void whatAProgramAsksForIsCheckedWhateverThePropertySays() {
    DebugRules rules = DebugRules.parse("Z,order");

    assertEquals(Debug.of("UZ"), rules.with(Debug.of("U"), "order"));
    assertEquals(Debug.of("U"), rules.with(Debug.of("U"), "other"));
  }

  @Test
  void whatMayBeLettersGoneWrongIsNoName() {
    List.of(
            "FZX",
            "fzpu",
            "Fz",
            "True",
            "TRUE",
            "on",
            "ON",
            "off",
            "yes",
            "no",
            "none",
            "all",
            "A",
            "--",
            "-F",
            "A,order",
            "FZPUO",
            "FZPUAO",
            "none,order",
            "FZ;X",
            "FOO")
        .forEach(SettingsTest::assertTakenForLetters);
  }

  private static void assertTakenForLetters(String value) {
    var error = assertThrows(IllegalArgumentException.class, () -> settings("kmem4j.debug", value));

    String word = value.replaceAll("^FZ;|,order$", "");
    String text = error.getMessage();
    assertTrue(text.endsWith("; for a cache of that name FZPU," + word), text);
    assertEquals(Debug.ALL, settings("kmem4j.debug", "FZPU," + word).debug().of(word));
  }

  @ParameterizedTest
  @ValueSource(strings = {"F,Z", "F,order,ZP", "-,Z", "order,F"})
  void lettersBehindACommaAreNoNames(String value) {
    var error = assertThrows(IllegalArgumentException.class, () -> settings("kmem4j.debug", value));

    assertTrue(error.getMessage().contains("; letters stand together; "), error.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"FZ,", ",order", "FZ;", "FZ,a b", "FZ,a*b", "order,,x"})
  void aRuleThatIsNoneIsRefused(String value) {
    var error = assertThrows(IllegalArgumentException.class, () -> settings("kmem4j.debug", value));

    assertTrue(error.getMessage().contains("as in FZ,order,size-*"), error.getMessage());
  }

  /** The names of another module, as {@code META-INF/services} or its descriptor register them. */
  public static final class OtherNames implements PropertyNames {
    @Override
    public Set<String> names() {
      return Set.of("kmem4j.config");
    }

    @Override
    public Set<String> prefixes() {
      return Set.of("kmem4j.memcg.");
    }
  }

  @Test
  void theNamesOfEveryModulePresentAreKnown(@TempDir Path folder) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(services.resolve(PropertyNames.class.getName()), OtherNames.class.getName());
    Thread thread = Thread.currentThread();
    ClassLoader usual = thread.getContextClassLoader();
    try (var present = new URLClassLoader(new URL[] {folder.toUri().toURL()}, usual)) {
      thread.setContextClassLoader(present);

      settings("kmem4j.config", "x", "kmem4j.memcg./tenants/*.max", "64m");
      var error = assertThrows(IllegalArgumentException.class, () -> settings("kmem4j.confg", "x"));

      String text = error.getMessage();
      assertTrue(text.contains("the nearest name is kmem4j.config"), text);
    } finally {
      thread.setContextClassLoader(usual);
    }
    assertThrows(IllegalArgumentException.class, () -> settings("kmem4j.config", "x"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"kmem4jmax", "KMEM4J.max", "my.kmem4j.max", "kmem"})
  void whatIsNotOursIsNotLookedAt(String name) {
    settings(name, "x");
  }

  @Test
  void propertiesOfTheProcessAreReadAtEachBuild() {
    System.setProperty("kmem4j.max", "3m");
    try (SlabAllocator allocator = SlabAllocator.create()) {
      assertEquals(3 << 20, allocator.stats().maxBytes());
    } finally {
      System.clearProperty("kmem4j.max");
    }
  }

  @Test
  void theBuilderBeatsTheProperties() {
    System.setProperty("kmem4j.max", "3m");
    try (SlabAllocator allocator = SlabAllocator.builder().max(5 << 20).build()) {
      assertEquals(5 << 20, allocator.stats().maxBytes());
    } finally {
      System.clearProperty("kmem4j.max");
    }
  }

  @Test
  void theBuilderSetsEverything() {
    try (SlabAllocator allocator =
        SlabAllocator.builder()
            .max(16 << 20)
            .neverDecay()
            .preTouch()
            .hugePages()
            .maxOrder(2)
            .sheafCapacity(30)
            .frontBudget(1 << 20)
            .debug("x*")
            .hardened(true)
            .initOnAlloc()
            .initOnFree()
            .build()) {
      allocator.free(allocator.alloc(100));

      assertEquals(2 << 20, allocator.stats().residentBytes(), "pre-touched");
    }
  }

  @Test
  void theRarestSampleIsOneThatCanBeTaken() {
    try (SlabAllocator allocator = SlabAllocator.builder().max(1 << 20).leaks(1 << 30).build()) {
      allocator.free(allocator.alloc(100));
    }
  }

  @Test
  void neverIsTheLongestTime() {
    assertEquals(PageSettings.NEVER, settings("kmem4j.decay", "never").pages().decayNanos());
  }
}
