package org.kmem4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How much there is when nobody says: read from files as Linux shows them. */
final class DefaultCeilingTest {
  private static final long MIB = 1 << 20;
  private static final long GIB = 1 << 30;
  private static final long HEAP = GIB;

  @TempDir private Path root;

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void machine(long bytes) throws IOException {
    write("proc/meminfo", "MemTotal:       " + (bytes >> 10) + " kB\nMemFree:  1 kB\n");
  }

  private long ceiling() {
    return DefaultCeiling.bytes(root, HEAP);
  }

  /** Of a limit, less the heap and a sixteenth. */
  private static long restOf(long limit) {
    return limit - HEAP - limit / 16;
  }

  @Test
  void withoutAContainerItIsTheMachineLessHeapAndMargin() throws IOException {
    machine(16 * GIB);

    assertEquals(restOf(16 * GIB), ceiling());
  }

  @Test
  void aContainerOfVersionTwoBeatsTheMachine() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "0::/docker/abc\n");
    write("sys/fs/cgroup/docker/abc/memory.max", 4 * GIB + "\n");

    assertEquals(restOf(4 * GIB), ceiling());
  }

  @Test
  void inItsOwnNamespaceTheContainerIsTheRoot() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "0::/\n");
    write("sys/fs/cgroup/memory.max", 4 * GIB + "\n");

    assertEquals(restOf(4 * GIB), ceiling());
  }

  @Test
  void theSmallestLimitOnTheWayUpCounts() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "0::/a/b/c\n");
    write("sys/fs/cgroup/a/memory.max", 3 * GIB + "\n");
    write("sys/fs/cgroup/a/b/memory.max", "max\n");
    write("sys/fs/cgroup/a/b/c/memory.max", 8 * GIB + "\n");

    assertEquals(restOf(3 * GIB), ceiling());
  }

  @Test
  void aContainerOfVersionOneIsFoundAmongTheControllers() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "4:cpu,cpuacct:/x\n3:hugetlb,memory:/docker/abc\n1:name=systemd:/\n");
    write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", 4 * GIB + "\n");

    assertEquals(restOf(4 * GIB), ceiling());
  }

  @Test
  void versionOneSaysNoLimitByAHugeNumber() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "3:memory:/docker/abc\n");
    write("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");

    assertEquals(restOf(16 * GIB), ceiling());
  }

  @Test
  void bothVersionsAtOnceGiveTheSmaller() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "3:memory:/m\n0::/u\n");
    write("sys/fs/cgroup/memory/m/memory.limit_in_bytes", 8 * GIB + "\n");
    write("sys/fs/cgroup/u/memory.max", 5 * GIB + "\n");

    assertEquals(restOf(5 * GIB), ceiling());
  }

  @Test
  void aLimitAboveTheMachineDoesNotCount() throws IOException {
    machine(4 * GIB);
    write("proc/self/cgroup", "0::/a\n");
    write("sys/fs/cgroup/a/memory.max", 64 * GIB + "\n");

    assertEquals(restOf(4 * GIB), ceiling());
  }

  @Test
  void aHeapThatFillsTheMachineLeavesAnEighth() throws IOException {
    machine(GIB);

    assertEquals(GIB / 8, ceiling());
  }

  @Test
  void theMarginIsAtLeast128Mebibytes() throws IOException {
    machine(1536 * MIB);

    assertEquals(1536 * MIB - HEAP - 128 * MIB, ceiling());
  }

  @Test
  void withoutAnyOfTheFilesItIsAsMuchAsTheHeap() {
    assertEquals(HEAP, ceiling());
    assertEquals(8 * GIB, DefaultCeiling.bytes(root, 8 * GIB));
    assertEquals(GIB, DefaultCeiling.bytes(root, MIB), "at least");
  }

  @Test
  void damagedFilesAreNoLimit() throws IOException {
    machine(16 * GIB);
    write("proc/self/cgroup", "garbage\n\n0:\n0::/a/../../b\n");
    write("sys/fs/cgroup/memory.max", "not a number\n");

    assertEquals(restOf(16 * GIB), ceiling());
  }

  @Test
  void thisMachineHasSome() {
    assertTrue(DefaultCeiling.bytes() >= 64 << 10);
  }
}
