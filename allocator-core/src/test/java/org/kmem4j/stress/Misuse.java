package org.kmem4j.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memory.Memory;
import org.kmem4j.slab.KmemCache;

/**
 * Programs that use the allocator wrongly, after those of mimalloc-bench's {@code bench/security},
 * made anew from their names: {@link SafetyMatrixTest} runs them in JVMs of their own, whose
 * properties decide what is found.
 *
 * <p>Each prints a line when it begins and one when it has ended, so that it is known which of them
 * a crash ended.
 */
final class Misuse {
  /** Names of programs, comma between, that are left out: they have run. */
  static final String DONE = "test.misuse.done";

  static final String BEGINS = "begins\t";
  static final String ENDED = "ended\t";

  /**
   * A program.
   *
   * @param name as there, or our own
   * @param what it does
   */
  record Program(String name, String what, Consumer<Scene> run) {}

  private static final int BYTES = 64;
  private static final int MANY = 2000;
  private static final int MEBIBYTE = 1 << 20;

  private Misuse() {}

  /** An allocator of its own for one program, and what was found first. */
  static final class Scene {
    final SlabAllocator allocator =
        SlabAllocator.builder().max(16 << 20).onClose(report -> {}).build();
    final KmemCache cache = allocator.createCache("victim", BYTES);

    private String outcome = "not detected\t\t";

    long alloc() {
      long object = cache.alloc();
      Memory.fill(object, BYTES, (byte) 1);
      return object;
    }

    List<Long> alloc(int count) {
      List<Long> objects = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        objects.add(alloc());
      }
      return objects;
    }

    long slabOf(long object) {
      return allocator.describe(object).slab();
    }

    /** Does something in which what was done wrong may come to light. */
    void step(String when, Runnable action) {
      try {
        action.run();
      } catch (RuntimeException e) {
        if (outcome.startsWith("not")) {
          String message = e.getMessage().lines().findFirst().orElse("");
          outcome = "detected\t" + when + '\t' + e.getClass().getSimpleName() + ": " + message;
        }
      }
    }

    void free(String when, long object) {
      step(when, () -> cache.free(object));
    }

    /** What it is that there is nothing to detect about. */
    void say(String property) {
      outcome = "says\t\t" + property;
    }

    /** Goes on as a program would that has noticed nothing. */
    String end(List<Long> held) {
      step("in later allocations", () -> churn(this::allocOrSkip));
      for (long object : held) {
        step("when others are freed", () -> cache.free(object));
      }
      step("when what threads have cached goes back", allocator::trim);
      step("when the allocator is closed", allocator::close);
      return outcome;
    }

    private void churn(Runnable one) {
      for (int i = 0; i < MANY; i++) {
        one.run();
      }
      taken.forEach(object -> free("in later allocations", object));
    }

    private final List<Long> taken = new ArrayList<>();

    private void allocOrSkip() {
      step("in later allocations", () -> taken.add(alloc()));
    }
  }

  /** All programs, in the order of the matrix. */
  static List<Program> programs() {
    return List.of(
        overflow("one_byte_overflow", BYTES, 1),
        overflow("one_byte_underflow", -1, 1),
        overflow("32_byte_overflow", BYTES, 32),
        overflow("32_byte_underflow", -32, 32),
        overflow("one_mbyte_overflow", BYTES, MEBIBYTE),
        overflow("one_mbyte_underflow", -MEBIBYTE, MEBIBYTE),
        new Program(
            "header_overwritten",
            "writes over the header of a slab, then frees an object of it",
            scene -> {
              List<Long> objects = scene.alloc(100);
              Memory.fill(scene.slabOf(objects.get(20)), 64, (byte) 0x41);
              scene.free("when it is freed", objects.get(20));
              objects.remove(20);
              scene.end(objects);
            }),
        new Program(
            "header_begin_overwritten",
            "the same with its first 8 bytes",
            scene -> {
              List<Long> objects = scene.alloc(100);
              Memory.fill(scene.slabOf(objects.get(20)), 8, (byte) 0x41);
              scene.free("when it is freed", objects.get(20));
              objects.remove(20);
              scene.end(objects);
            }),
        new Program(
            "write_after_free",
            "frees an object and writes 8 bytes into it",
            scene -> {
              List<Long> objects = scene.alloc(2);
              scene.free("when it is freed", objects.get(1));
              Memory.putLong(objects.get(1), 0x4141414141414141L);
              scene.end(objects.subList(0, 1));
            }),
        new Program(
            "write_after_free_late",
            "the same after the object went back to its slab",
            scene -> {
              List<Long> objects = scene.alloc(2);
              scene.free("when it is freed", objects.get(1));
              scene.cache.shrink();
              Memory.putLong(objects.get(1), 0x4141414141414141L);
              scene.end(objects.subList(0, 1));
            }),
        new Program(
            "write_after_free_reuse",
            "the same after somebody else was given the object",
            scene -> {
              List<Long> objects = scene.alloc(2);
              scene.free("when it is freed", objects.get(1));
              List<Long> next = scene.alloc(MANY);
              Memory.putLong(objects.get(1), 0x4141414141414141L);
              scene.end(next);
            }),
        new Program(
            "double_free",
            "frees an object twice",
            scene -> {
              List<Long> objects = scene.alloc(3);
              scene.free("at the first free", objects.get(1));
              scene.free("at the second free", objects.get(1));
              scene.end(List.of(objects.get(0), objects.get(2)));
            }),
        new Program(
            "double_free_interleaved",
            "frees a, b, a",
            scene -> {
              List<Long> objects = scene.alloc(3);
              scene.free("at the first free", objects.get(1));
              scene.free("at the free in between", objects.get(2));
              scene.free("at the second free", objects.get(1));
              scene.end(List.of(objects.get(0)));
            }),
        new Program(
            "double_free_delayed",
            "frees an object again after 2000 others",
            scene -> {
              List<Long> objects = scene.alloc(MANY);
              objects.forEach(object -> scene.free("at the first free", object));
              scene.free("at the second free", objects.getFirst());
              scene.end(List.of());
            }),
        new Program(
            "double_free_other_thread",
            "another thread frees the object again",
            scene -> {
              List<Long> objects = scene.alloc(3);
              scene.free("at the first free", objects.get(1));
              inAnotherThread(() -> scene.free("at the second free", objects.get(1)));
              scene.end(List.of(objects.get(0), objects.get(2)));
            }),
        new Program(
            "double_free_single_reuse",
            "frees an object again that somebody else was given, who frees it too",
            scene -> {
              long other = scene.alloc(); // the front is filled, and what is freed comes back first
              long object = scene.alloc();
              scene.free("at the first free", object);
              long next = scene.alloc();
              assertEquals(object, next, "it is recycled at once");
              scene.free("at the second free", object);
              scene.free("when its new owner frees it", next);
              scene.end(List.of(other));
            }),
        new Program(
            "double_free_reuse",
            "the same, and a third is given the object in between",
            scene -> {
              long other = scene.alloc();
              long object = scene.alloc();
              scene.free("at the first free", object);
              long second = scene.alloc();
              scene.free("at the second free", object);
              long third = scene.alloc();
              scene.free("when its new owner frees it", second);
              scene.free("when the third frees it", third);
              scene.end(List.of(other));
            }),
        invalidFree("invalid_free", "a number that never was an address", scene -> 0x13370008L),
        invalidFree(
            "invalid_free_foreign", "native memory that is not ours", Misuse::foreignMemory),
        invalidFree(
            "invalid_free_close",
            "an address of ours that was never allocated",
            scene -> scene.slabOf(scene.alloc()) + 64 * 4096),
        invalidFree("invalid_free_far", "2^40 bytes away", scene -> scene.alloc() + (1L << 40)),
        invalidFree("invalid_free_unaligned", "one byte into an object", s -> s.alloc() + 1),
        invalidFree("invalid_free_unaligned_multiple", "8 bytes into it", s -> s.alloc() + 8),
        invalidFree(
            "invalid_free_other_cache",
            "an object of another cache",
            scene -> scene.allocator.createCache("other", BYTES).alloc()),
        new Program(
            "zero_size",
            "allocates 0 bytes",
            scene -> {
              scene.step("at the allocation", () -> scene.allocator.alloc(0));
              scene.end(List.of());
            }),
        new Program(
            "impossibly_large_malloc",
            "allocates 2^62 bytes",
            scene -> {
              scene.step("at the allocation", () -> scene.allocator.alloc(1L << 62));
              scene.end(List.of());
            }),
        new Program(
            "zero_after_free",
            "reads what it wrote, after freeing it",
            scene -> {
              long object = scene.alloc();
              scene.cache.free(object);
              scene.say(contents(object));
              scene.end(List.of());
            }),
        new Program(
            "zero_on_malloc",
            "reads what the last user wrote, after allocating",
            scene -> {
              long other = scene.alloc();
              long object = scene.alloc();
              scene.cache.free(object);
              long next = scene.cache.alloc();
              scene.say(contents(next));
              scene.end(List.of(other, next));
            }),
        new Program(
            "malloc_reuse",
            "looks whether a freed address comes back at once",
            scene -> {
              long other = scene.alloc();
              long object = scene.alloc();
              scene.cache.free(object);
              long next = scene.alloc();
              scene.say(next == object ? "it comes back at once" : "another comes first");
              scene.end(List.of(other, next));
            }),
        new Program(
            "executable_heap",
            "looks whether the memory may be executed",
            scene -> {
              scene.say(protection(scene.alloc()));
              scene.end(List.of());
            }));
  }

  private static Program overflow(String name, int offset, int bytes) {
    return new Program(
        name,
        "writes " + bytes + " bytes " + (offset < 0 ? "before" : "behind") + " an object",
        scene -> {
          List<Long> objects = scene.alloc(3 * MEBIBYTE / BYTES); // of whole regions, all mapped
          long object = objects.stream().sorted().skip(objects.size() / 2).findFirst().get();
          Memory.fill(object + offset, bytes, (byte) 0x41);
          scene.free("when it is freed", object);
          objects.remove(object);
          scene.end(objects);
        });
  }

  private interface Address {
    long in(Scene scene);
  }

  private static Program invalidFree(String name, String what, Address address) {
    return new Program(
        name,
        "frees " + what,
        scene -> {
          long wrong = address.in(scene);
          scene.free("at the free", wrong);
          scene.end(List.of());
        });
  }

  private static long foreignMemory(Scene scene) {
    return Arena.global().allocate(64, 8).address();
  }

  private static void inAnotherThread(Runnable action) {
    Thread other = Thread.ofPlatform().start(action);
    try {
      other.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String contents(long object) {
    byte inside = Memory.getByte(object + 20);
    return switch (inside) {
      case 1 -> "what was written there";
      case 0 -> "zeroes";
      default -> "0x%02x in every byte".formatted(inside & 0xff);
    };
  }

  /** What the system allows for a page, if it tells. */
  private static String protection(long address) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
        String[] range = line.split("[- ]", 4);
        if (Long.compareUnsigned(Long.parseUnsignedLong(range[0], 16), address) <= 0
            && Long.compareUnsigned(address, Long.parseUnsignedLong(range[1], 16)) < 0) {
          return range[2].contains("x") ? "it may" : "it may not";
        }
      }
    } catch (IOException e) {
      // no Linux: unknown
    }
    return "unknown";
  }

  /** Runs all that have not run. */
  @Test
  void all() {
    Set<String> done =
        Arrays.stream(System.getProperty(DONE, "").split(",")).collect(Collectors.toSet());
    for (Program program : programs()) {
      if (!done.contains(program.name())) {
        System.out.println(BEGINS + program.name());
        Scene scene = new Scene();
        program.run().accept(scene);
        System.out.println(ENDED + program.name() + '\t' + scene.outcome);
      }
    }
  }
}
