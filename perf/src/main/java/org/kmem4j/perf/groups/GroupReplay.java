package org.kmem4j.perf.groups;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.kmem4j.SlabAllocator;
import org.kmem4j.memcg.MemCgroups;
import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.memcg.group.Refusal;
import org.kmem4j.memory.Memory;
import org.kmem4j.perf.KmemException;
import org.kmem4j.perf.trace.Trace;
import org.kmem4j.slab.SizeClasses;

/**
 * Replays a trace with tenants: its objects are spread over groups {@code /tenants/t0}, {@code t1},
 * … by their number. Every so many events one group is closed with its objects alive, and a fresh
 * one takes its place. What a limit refuses is left out, its free with it. Each object carries its
 * number in its first and last byte, which are checked at its free.
 */
final class GroupReplay implements AutoCloseable {
  private static final int EVENTS_PER_AGENT_RUN = 1024;

  private final SlabAllocator allocator = SlabAllocator.create();
  private final MemCgroups groups = MemCgroups.on(allocator);
  private final MemCgroup[] present;
  private final SizeClasses[] sizes;
  private final int rotate;
  private final Map<String, Long> refusals = new TreeMap<>();
  private int opened;
  private long closed;
  private long leftObjects;
  private long leftBytes;
  private long corrupt;
  private List<GroupRow> groupsAtTheEnd = List.of();

  /**
   * @param count how many groups there are at a time
   * @param rotate after how many events one is closed; 0 for never
   */
  GroupReplay(int count, int rotate) {
    this.present = new MemCgroup[count];
    this.sizes = new SizeClasses[count];
    this.rotate = rotate;
    for (int i = 0; i < count; i++) {
      open(i);
    }
  }

  private void open(int place) {
    present[place] = groups.create("/tenants/t" + opened++);
    sizes[place] = allocator.in(present[place]);
  }

  /** Replays every event. */
  void run(Trace trace) {
    long[] addresses = new long[trace.objects()];
    for (int event = 0; event < trace.events(); event++) {
      int object = trace.object(event);
      if (trace.isAlloc(event)) {
        addresses[object] = alloc(object, Math.max(1, trace.bytes(object)));
      } else if (addresses[object] != 0) {
        free(object, addresses[object], Math.max(1, trace.bytes(object)));
        addresses[object] = 0;
      }
      if (rotate > 0 && event % rotate == rotate - 1) {
        replace((int) (closed % present.length));
      }
      if (event % EVENTS_PER_AGENT_RUN == 0) {
        BackgroundWork.run(allocator);
      }
    }
    groupsAtTheEnd = describe();
    for (int object = 0; object < addresses.length; object++) {
      if (addresses[object] != 0) {
        free(object, addresses[object], Math.max(1, trace.bytes(object)));
      }
    }
  }

  private long alloc(int object, long bytes) {
    int place = object % present.length;
    long address = sizes[place].tryAlloc(bytes);
    if (address == 0) {
      Refusal refusal = present[place].lastRefusal();
      if (refusal == null) {
        throw new KmemException(
            "The ceiling refused %d bytes; -Dkmem4j.max=<size> raises it.".formatted(bytes));
      }
      refusals.merge(refusal.refusedBy(), 1L, Long::sum);
      return 0;
    }
    Memory.putByte(address, (byte) object);
    Memory.putByte(address + bytes - 1, (byte) object);
    return address;
  }

  private void free(int object, long address, long bytes) {
    boolean intact =
        Memory.getByte(address) == (byte) object
            && Memory.getByte(address + bytes - 1) == (byte) object;
    corrupt += intact ? 0 : 1;
    allocator.free(address);
  }

  private void replace(int place) {
    var left = present[place].offline();
    leftObjects += left.objects();
    leftBytes += left.bytes();
    closed++;
    open(place);
  }

  /** Groups that are closed and not released, after the background work has had ten seconds. */
  int dyingAtTheEnd() {
    long start = System.nanoTime();
    while (groups.root().dyingDescendants() > 0 && System.nanoTime() - start < 10_000_000_000L) {
      BackgroundWork.run(allocator);
    }
    return groups.root().dyingDescendants();
  }

  /**
   * One group as {@code kmem tree} shows it.
   *
   * @param path of the group
   * @param online whether it is open
   * @param currentBytes charged to it and below
   * @param peakBytes the most that was
   * @param maxBytes its limit; {@link Long#MAX_VALUE} for none
   * @param highBytes above which it is reclaimed
   * @param dying groups below it that are closed and not released
   * @param refusals requests that its limit refused
   */
  record GroupRow(
      String path,
      boolean online,
      long currentBytes,
      long peakBytes,
      long maxBytes,
      long highBytes,
      int dying,
      long refusals) {}

  private List<GroupRow> describe() {
    List<GroupRow> rows = new ArrayList<>();
    for (MemCgroup group : groups.groups()) {
      if (group.isReleased()) {
        continue;
      }
      rows.add(
          new GroupRow(
              group.path(),
              group.isOnline(),
              group.usage(),
              group.peak(),
              group.max(),
              group.high(),
              group.dyingDescendants(),
              refusals.getOrDefault(group.path(), 0L)));
    }
    return rows;
  }

  /** The groups when the trace had ended, with what it leaves alive. */
  List<GroupRow> rows() {
    return groupsAtTheEnd;
  }

  long closed() {
    return closed;
  }

  long leftObjects() {
    return leftObjects;
  }

  long leftBytes() {
    return leftBytes;
  }

  long corrupt() {
    return corrupt;
  }

  long refused() {
    return refusals.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Objects that are alive although everything was freed. */
  long leaked() {
    return allocator.stats().usedObjects();
  }

  @Override
  public void close() {
    groups.close();
    allocator.close();
  }
}
