package org.kmem4j;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.kmem4j.memory.Os;

/**
 * Opens the allocators of a test; after it, walks over everything in those that are still open, and
 * closes and unmaps them all. So a test need not clean up, and what is wrong anywhere fails it.
 */
public final class Allocators implements AfterEachCallback {
  private final List<SlabAllocator> opened = new ArrayList<>();
  private final List<SlabAllocator> damaged = new ArrayList<>();

  /** An allocator of 64 MiB. */
  public SlabAllocator open() {
    return open(builder -> builder);
  }

  /** An allocator of 64 MiB unless the test says otherwise. */
  public SlabAllocator open(UnaryOperator<SlabAllocator.Builder> settings) {
    SlabAllocator.Builder builder = SlabAllocator.builder().max(64 << 20).onClose(report -> {});
    SlabAllocator allocator = settings.apply(builder).build();
    opened.add(allocator);
    return allocator;
  }

  /** The test has damaged this allocator for good: it is closed, not validated. */
  public void giveUp(SlabAllocator allocator) {
    damaged.add(allocator);
  }

  /** Bytes of address space of this process; the test is skipped where the system tells nobody. */
  public static long addressSpace() throws IOException {
    Path sizes = Path.of("/proc/self/statm");
    assumeTrue(Files.exists(sizes), "Linux only");
    return Long.parseLong(Files.readString(sizes).split(" ")[0]) * Os.PAGE_BYTES;
  }

  @Override
  public void afterEach(ExtensionContext context) {
    for (SlabAllocator allocator : opened) {
      if (isOpen(allocator) && !damaged.contains(allocator)) {
        allocator.validate();
      }
    }
    for (SlabAllocator allocator : opened) {
      allocator.close();
      allocator.unmap();
    }
  }

  private static boolean isOpen(SlabAllocator allocator) {
    try {
      allocator.live();
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }
}
