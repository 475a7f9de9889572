package org.kmem4j.memcg;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.group.Limit;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.MemcgEvent;
import org.kmem4j.memcg.group.PeakReader;
import org.kmem4j.memcg.reclaim.Shrinker;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.SizeClasses;
import org.kmem4j.stress.Wild;
import org.kmem4j.stress.WildCalls;

/**
 * Whatever is said to groups, as a path or a limit or in a file of limits: it is taken, or refused
 * in a sentence, and changes all that it should or nothing. What was found once is in {@code
 * src/test/resources/wild}.
 */
final class WildInputTest {
  private static final Path CORPUS = Path.of("src/test/resources/wild");

  @RegisterExtension private final Groups fixture = new Groups();

  @TempDir private Path folder;
  private Path config;
  private MemCgroups groups;
  private Door door;

  @BeforeEach
  void open() throws IOException {
    config = Files.createFile(folder.resolve("limits.properties"));
    System.setProperty("kmem4j.config", config.toString());
    groups = fixture.open();
    groups.create("/tenants/acme.com");
    groups.create("/tenants/b/c");
    door = new Door(groups, fixture.allocator());
  }

  @AfterEach
  void end() {
    System.clearProperty("kmem4j.config");
    door.end();
  }

  // ------------------------------------------------------------------ files of limits

  private static final List<String> FILES =
      List.of(
          "kmem4j.memcg./tenants/*.max=64m\nkmem4j.memcg./tenants/acme.com.high=1m\n",
          "kmem4j.memcg./*/*.min=4k\nkmem4j.memcg./tenants/*.max=max\n",
          "kmem4j.memcg./tenants/b/c.low=4096\n# a comment\nlog.level=debug\n",
          "kmem4j.memcg./tenants/b.max=0\nkmem4j.memcg./*.min=0\n");

  static Stream<Path> files() throws IOException {
    return Files.list(CORPUS.resolve("limits")).sorted();
  }

  @ParameterizedTest
  @MethodSource("files")
  void aFileThatWentWrongOnceIsTakenOrRefused(Path file) throws IOException {
    takenOrRefused(Files.readAllBytes(file));
  }

  @Test
  void filesOfLimitsAreTakenOrRefusedInASentence() {
    List<byte[]> files = FILES.stream().map(text -> text.getBytes(ISO_8859_1)).toList();
    Wild.attempt("files of limits", wild -> takenOrRefused(wild.mutated(wild.oneOf(files))));
  }

  private void takenOrRefused(byte[] file) {
    Map<String, Long> before = limits();
    try {
      Files.write(config, file);
      groups.reload();
    } catch (IllegalArgumentException e) {
      assertEquals(IllegalArgumentException.class, e.getClass());
      assertTrue(
          e.getMessage().matches("(?s).*(accepted: |accepts|is above|a path begins|a group's).*"),
          e.getMessage());
      assertEquals(before, limits(), "all or nothing");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    for (MemCgroup group : groups.groups()) {
      assertTrue(group.min() <= group.max(), group::path);
      for (Limit limit : Limit.values()) {
        assertTrue(group.limit(limit) >= 0, group::path);
      }
    }
  }

  private Map<String, Long> limits() {
    Map<String, Long> limits = new TreeMap<>();
    for (MemCgroup group : groups.groups()) {
      for (Limit limit : Limit.values()) {
        limits.put(group.path() + ' ' + limit, group.limit(limit));
      }
    }
    return limits;
  }

  @Test
  void aFileWithLimitsForEachOfManyGroupsTakesNoTime() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 10_000; i++) {
      text.append("kmem4j.memcg./tenants/t").append(i).append(".max=64m\n");
      text.append("kmem4j.memcg./tenants/t").append(i).append(".min=1m\n");
    }
    Files.writeString(config, text);

    long start = System.nanoTime();
    groups.reload();
    groups.reload();

    long seconds = (System.nanoTime() - start) / 1_000_000_000;
    assertTrue(seconds < 10, () -> seconds + " s");
    assertEquals(64 << 20, groups.create("/tenants/t9999").max());
  }

  // ------------------------------------------------------------------ calls

  static Stream<String> calls() throws IOException {
    return Wild.linesOf(CORPUS.resolve("groups.txt"));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void aCallThatWentWrongOnceIsTakenOrRefused(String call) {
    door.make(call);
  }

  @Test
  void callsAreTakenOrRefusedInASentence() {
    Wild.attempt("calls of groups", wild -> door.make(door.random(wild)));
  }

  /** Groups of which everything is called; what a call made is ended after it. */
  private static final class Door extends WildCalls {
    /** What ends a group, and what caches ask, which keep the books. */
    private static final Set<String> NOT_CALLED =
        Set.of(
            "close",
            "offline",
            "tryCharge",
            "uncharge",
            "makeRoom",
            "isFull",
            "link",
            "unlink",
            "tryGet",
            "put");

    private static final List<String> WORDS = List.of("object", "block", "slab", "struct");

    private static final List<String> TEXTS =
        List.of("/tenants/acme.com", "/x", "/", "y", "64m", "max", "0x7f00", "4096", "high");

    private final MemCgroups groups;
    private final SlabAllocator allocator;
    private final Management bean;
    private final MemCgroup group;
    private final KmemCache cache;
    private final long object;
    private final long block;
    private final int before;
    private int calls;

    Door(MemCgroups groups, SlabAllocator allocator) {
      super(
          NOT_CALLED,
          WORDS,
          TEXTS,
          MemCgroups.class,
          MemCgroup.class,
          MemCgroupsMXBean.class,
          PeakReader.class,
          SizeClasses.class);
      this.groups = groups;
      this.allocator = allocator;
      this.bean = Management.register(groups, allocator);
      this.group = groups.find("/tenants/acme.com");
      this.cache = allocator.createCache("orders", 100).in(group);
      this.object = cache.alloc();
      this.block = allocator.in(group).alloc(100_000);
      this.before = groups.groups().size();
    }

    @Override
    protected Object door(Class<?> type) {
      return switch (type.getSimpleName()) {
        case "MemCgroups" -> groups;
        case "MemCgroup" -> calls % 3 == 0 ? groups.root() : group;
        case "PeakReader" -> group.peakReader();
        case "SizeClasses" -> allocator.in(group);
        default -> bean;
      };
    }

    @Override
    protected Object some(Class<?> type) {
      return switch (type.getSimpleName()) {
        case "SlabAllocator" -> allocator;
        case "Slabs" -> allocator.slabs();
        case "MemCgroup", "Account" -> group;
        case "Shrinker" -> new Nothing();
        case "Predicate" -> (Predicate<Object>) refusal -> false;
        case "Consumer" -> (Consumer<Object>) event -> {};
        case "Limit" -> Limit.values()[calls % 4];
        case "Kind" -> MemcgEvent.Kind.values()[calls % 4];
        case "Map" -> calls % 2 == 0 ? Map.of(Limit.MAX, (long) calls << 12) : nullLimit();
        case "Properties" -> limits(calls);
        default -> null;
      };
    }

    private static Map<Limit, Long> nullLimit() {
      Map<Limit, Long> limits = new HashMap<>();
      limits.put(Limit.MIN, null);
      return limits;
    }

    private static Properties limits(int number) {
      Properties properties = new Properties();
      properties.setProperty("kmem4j.memcg./*/*." + (number % 2 == 0 ? "max" : "min"), "1m");
      return properties;
    }

    @Override
    protected long number(String word) {
      return switch (word) {
        case "object" -> object;
        case "block" -> block;
        case "slab" -> allocator.describe(object).slab();
        default -> group.address();
      };
    }

    /** What is in use is freed at the end. */
    @Override
    protected boolean isUndefined(long address) {
      var there = allocator.describe(address);
      return there.object() != 0 && there.offset() == 0;
    }

    @Override
    protected void settle(Method method, Object[] arguments, Object result, boolean threw) {
      switch (result) {
        case Long address when method.getName().matches("(tryA|a)lloc") -> allocator.free(address);
        case MemCgroups.Scope scope -> scope.close();
        case MemCgroups other -> other.close();
        case Shrinker.Registration registration -> registration.close();
        case MemCgroup made when method.getName().equals("create") -> {
          for (MemCgroup at = made; at.parent() != null && at.children().isEmpty(); ) {
            MemCgroup above = at.parent();
            if (isOurs(at)) {
              break;
            }
            at.close();
            at = above;
          }
        }
        case null, default -> {}
      }
      group.limits(Map.of(Limit.MIN, 0L, Limit.MAX, Long.MAX_VALUE, Limit.HIGH, Long.MAX_VALUE));
      groups.root().limits(Map.of(Limit.MIN, 0L, Limit.MAX, Long.MAX_VALUE));
      assertEquals(before, groups.groups().stream().filter(MemCgroup::isOnline).count());
      if (++calls % 100 == 0) {
        work();
        groups.validate();
        allocator.validate();
      }
    }

    private static boolean isOurs(MemCgroup some) {
      return List.of("/tenants", "/tenants/acme.com", "/tenants/b", "/tenants/b/c")
          .contains(some.path());
    }

    private void work() {
      try {
        allocator.agent().doWork();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }

    void end() {
      bean.unregister();
      cache.free(object);
      allocator.free(block);
      assertEquals(0, cache.usedObjects());
      work();
    }
  }

  private static final class Nothing implements Shrinker {
    @Override
    public long count(MemCgroup group) {
      return 0;
    }

    @Override
    public long scan(MemCgroup group, long objects) {
      return 0;
    }
  }
}
