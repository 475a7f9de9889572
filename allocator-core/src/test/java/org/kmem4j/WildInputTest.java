package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.agrona.concurrent.Agent;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.kmem4j.memory.Memory;
import org.kmem4j.pool.Flyweight;
import org.kmem4j.pool.ObjectPool;
import org.kmem4j.slab.Account;
import org.kmem4j.slab.CacheOptions;
import org.kmem4j.slab.Debug;
import org.kmem4j.slab.Description;
import org.kmem4j.slab.KmemCache;
import org.kmem4j.slab.OwnedCache;
import org.kmem4j.slab.Pin;
import org.kmem4j.slab.SizeClasses;
import org.kmem4j.stress.Wild;
import org.kmem4j.stress.WildCalls;

/**
 * Whatever is said to the door or written into properties: it is taken, or refused in a sentence,
 * and nothing is lost. What was found once is in {@code src/test/resources/wild}.
 */
final class WildInputTest {
  private static final Path CORPUS = Path.of("src/test/resources/wild");

  @RegisterExtension private final Allocators allocators = new Allocators();

  // ------------------------------------------------------------------ properties

  private static final List<String> NAMES =
      List.of(
          Settings.MAX,
          Settings.DECAY,
          Settings.PRE_TOUCH,
          Settings.MAX_ORDER,
          Settings.SHEAF,
          Settings.FRONTS,
          Settings.WAIT,
          Settings.FENCE,
          Settings.GRACE_PERIODS,
          Settings.DEBUG);

  private static final List<String> VALUES =
      List.of("64m", "2g", "65536", "10s", "250ms", "never", "true", "false", "5", "510", "a,b*");

  static Stream<Path> properties() throws IOException {
    return Files.list(CORPUS.resolve("settings")).sorted();
  }

  @ParameterizedTest
  @MethodSource("properties")
  void propertiesThatWereWrongOnceAreTakenOrRefused(Path file) throws IOException {
    takenOrRefused(Files.readString(file));
  }

  @Test
  void propertiesAreTakenOrRefusedInASentence() {
    Wild.attempt(
        "properties",
        wild -> {
          StringBuilder text = new StringBuilder();
          for (int i = wild.below(3); i >= 0; i--) {
            String name = wild.oneIn(3) ? wild.mutated(NAMES) : wild.oneOf(NAMES);
            text.append(name).append('=').append(wild.mutated(VALUES)).append('\n');
          }
          takenOrRefused(text.toString());
        });
  }

  private static void takenOrRefused(String text) {
    Properties properties = new Properties();
    try {
      properties.load(new StringReader(text));
    } catch (IllegalArgumentException e) {
      return; // no file of properties, says Java
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Settings settings;
    try {
      settings = Settings.from(properties);
    } catch (IllegalArgumentException e) {
      assertEquals(IllegalArgumentException.class, e.getClass(), text);
      assertTrue(
          properties.stringPropertyNames().stream()
              .anyMatch(
                  name ->
                      e.getMessage().contains(name)
                          && (e.getMessage().contains(properties.getProperty(name))
                              || e.getMessage().contains("is unknown"))),
          () -> text + ": " + e.getMessage());
      assertTrue(
          e.getMessage().contains("accepted: ") || e.getMessage().contains("nearest"),
          e.getMessage());
      return;
    }
    assertEquals(settings, Settings.from(settings.toProperties()), "there and back");
    assertTrue(settings.maxBytes() >= 64 << 10, text);
    assertTrue(settings.maxOrder() >= 0 && settings.maxOrder() <= 9, text);
    assertTrue(settings.sheafCapacity() >= 0 && settings.sheafCapacity() <= 510, text);
    assertTrue(settings.decayNanos() >= 0 && settings.waitNanos() >= 0, text);
    assertTrue(settings.slabs().frontBudgetBytes() >= 0, text);
  }

  // ------------------------------------------------------------------ the door

  private Door door;

  @BeforeEach
  void open() {
    door = new Door(allocators.open(builder -> builder.max(8 << 20)));
  }

  @AfterEach
  void nothingIsLost() {
    door.end();
  }

  static Stream<String> calls() throws IOException {
    return Wild.linesOf(CORPUS.resolve("door.txt"));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void aCallThatWentWrongOnceIsTakenOrRefused(String call) {
    door.make(call);
  }

  @Test
  void callsAreTakenOrRefusedInASentence() {
    Wild.attempt("calls of the door", wild -> door.make(door.random(wild)));
  }

  /** An allocator of which everything is called; what a call took is given back after it. */
  private static final class Door extends WildCalls {
    private static final List<String> WORDS =
        List.of("object", "checked", "block", "slab", "struct", "foreign");

    private static final List<String> TEXTS = List.of("orders", "size-8", "a*", "0x10", "true");

    private final SlabAllocator allocator;
    private final Account payer = new FakePayer();
    private final KmemCache cache;
    private final KmemCache debug;
    private final ObjectPool<Flyweight> pool;
    private final Arena arena = Arena.ofConfined();
    private final long foreign = arena.allocate(8192).address();
    private final LiveReport atFirst;

    // Made for each call.
    private final Set<Long> lent = new TreeSet<>();
    private long object;
    private long checked;
    private long block;
    private Flyweight view;
    private Pin pin;
    private SlabArena segments;
    private int calls;

    Door(SlabAllocator allocator) {
      super(
          Set.of("close", "unmap", "destroy", "startAgent"),
          WORDS,
          TEXTS,
          SlabAllocator.class,
          SlabAllocator.Builder.class,
          KmemCache.class,
          ObjectPool.class,
          SizeClasses.class,
          SlabArena.class,
          CacheOptions.class);
      this.allocator = allocator;
      this.cache = allocator.createCache("cache", 100);
      this.debug = allocator.createCache(CacheOptions.of("debug", 40).debug(Debug.ALL));
      this.pool = new ObjectPool<>(cache);
      this.atFirst = allocator.live();
      lend();
    }

    private void lend() {
      object = cache.alloc();
      checked = debug.alloc();
      block = allocator.alloc(100_000);
      lent.addAll(List.of(object, checked, block));
      view = calls % 2 == 0 ? new Flyweight() : pool.view(new Flyweight(), object);
      segments = SlabArena.confined(allocator);
    }

    @Override
    protected Object door(Class<?> type) {
      return switch (type.getSimpleName()) {
        case "SlabAllocator" -> allocator;
        case "Builder" -> SlabAllocator.builder().max(4 << 20).onClose(report -> {});
        case "KmemCache" -> calls % 4 == 0 ? debug : cache;
        case "ObjectPool" -> pool;
        case "SizeClasses" -> allocator.in(payer);
        case "SlabArena" -> segments;
        default -> CacheOptions.of("options", 64);
      };
    }

    @Override
    protected Object some(Class<?> type) {
      return switch (type.getSimpleName()) {
        case "SlabAllocator" -> allocator;
        case "CacheOptions" -> CacheOptions.of("options", 64);
        case "Account" -> payer;
        case "Agent" -> new Idle();
        case "Runnable" -> (Runnable) () -> {};
        case "Consumer" -> (Consumer<LiveReport>) report -> {};
        case "LongConsumer" -> (LongConsumer) address -> {};
        case "Duration" -> Duration.ofSeconds(calls % 3 == 0 ? Long.MAX_VALUE : calls);
        case "String[]" -> new String[] {"a", calls % 2 == 0 ? "b*" : null};
        case "Flyweight" -> view;
        case "Pin" -> pin = allocator.pin();
        default -> null;
      };
    }

    @Override
    protected long number(String word) {
      return switch (word) {
        case "object" -> object;
        case "checked" -> checked;
        case "block" -> block;
        case "slab" -> allocator.describe(object).slab();
        case "struct" -> cache.address();
        default -> foreign;
      };
    }

    /** A second free is not caught where nothing debugs: no mistake in what was said. */
    @Override
    protected boolean isUndefined(long address) {
      Description there = allocator.describe(address);
      return there.object() != 0 && there.offset() == 0 && !lent.contains(address);
    }

    @Override
    protected void settle(Method method, Object[] arguments, Object result, boolean threw) {
      forgetFreed(method.getName(), arguments, threw);
      if (pin != null) {
        pin.close();
        pin = null;
      }
      giveBack(method.getName(), arguments, result, threw);
      lent.forEach(allocator::free);
      lent.clear();
      segments.close();
      assertEquals(atFirst, allocator.live(), "what is alive");
      if (++calls % 200 == 0) {
        work();
        allocator.validate();
      }
      lend();
    }

    private void work() {
      try {
        allocator.agent().doWork();
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    }

    private void forgetFreed(String name, Object[] arguments, boolean threw) {
      if (!name.startsWith("free") && !name.equals("release") || arguments.length == 0) {
        return;
      }
      switch (arguments[arguments.length - 1]) {
        case Long address when !threw -> lent.remove(address);
        case Flyweight released when !threw -> lent.remove(object);
        case null, default -> {}
      }
      if (arguments[0] instanceof long[] left) {
        long[] before = arrayBefore();
        long last = 0; // of those that are gone; the one that was refused, if one was
        for (int i = 0; i < left.length; i++) {
          if (left[i] == 0 && before[i] != 0) {
            lent.remove(last);
            last = before[i];
          }
        }
        if (!threw) {
          lent.remove(last);
        }
      }
    }

    private void giveBack(String name, Object[] arguments, Object result, boolean threw) {
      switch (result) {
        case Long address when name.matches("(tryA|a)lloc") && address != 0 -> {
          Memory.fill(address, allocator.usableSize(address), (byte) -1);
          lent.add(address);
        }
        case SlabAllocator other -> {
          other.close();
          other.unmap();
        }
        case SlabArena other -> other.close();
        case Pin other -> other.close();
        case CacheOptions options when name.charAt(0) != 'c' -> use(options);
        case KmemCache made when name.equals("createCache") -> use(made);
        case ObjectPool<?> made when name.equals("pool") -> use(made.cache());
        case null, default -> {}
      }
      if (name.matches("(tryA|a)cquire") && result != null && !result.equals(false)) {
        lent.add(view.address());
      }
      if (name.endsWith("rewarm")) {
        cache.shrink();
        debug.shrink();
      }
      if (name.endsWith("llocBulk") && !threw && !Boolean.FALSE.equals(result)) {
        long[] array = (long[]) arguments[0];
        int end = (int) arguments[1] + (int) arguments[2];
        for (int i = (int) arguments[1]; i < end; i++) {
          lent.add(array[i]);
        }
      }
    }

    private void use(CacheOptions options) {
      try {
        use(allocator.createCache(options));
      } catch (IllegalArgumentException e) { // they fit no slab
        assertTrue(e.getMessage().contains("objectBytes="), e.getMessage());
      }
    }

    private static void use(KmemCache made) {
      made.free(made.tryAlloc());
      assertEquals(0, made.destroy());
    }

    void end() {
      lent.forEach(allocator::free);
      work();
      arena.close();
    }
  }

  private static final class FakePayer implements Account {
    @Override
    public long address() {
      return 8;
    }

    @Override
    public boolean tryCharge(OwnedCache cache, long pages) {
      return true;
    }

    @Override
    public void uncharge(OwnedCache cache, long pages) {}

    @Override
    public String toString() {
      return "payer";
    }
  }

  private static final class Idle implements Agent {
    @Override
    public int doWork() {
      return 0;
    }

    @Override
    public String roleName() {
      return "idle";
    }
  }
}
